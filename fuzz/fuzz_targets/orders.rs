//! The gateway's own JSON: an order that is accepted adds up, and survives the way to a ledger.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate::api::order_input::read_order;
use tidegate::domain::ledger::command_hash;
use tidegate::domain::money::Amount;
use tidegate::domain::order::OrderContent;
use tidegate::domain::time::Timestamp;

const NOW: Timestamp = Timestamp::from_millis(1_795_000_000_000);

fuzz_target!(|body: &[u8]| {
    let Ok(order) = read_order(body, NOW) else { return };
    let totals = order.totals;
    let sums = [totals.subtotal, totals.shipping_total, totals.fee_total, totals.tax_total];
    let sum = Amount::sum(sums).and_then(|sum| sum.checked_sub(totals.discount_total));
    assert_eq!(sum, Some(totals.total));
    assert!(!order.lines.is_empty());
    let json = serde_json::to_string(&order).expect("an order serialises");
    let again: OrderContent = serde_json::from_str(&json).expect("and is read again");
    assert_eq!(order, again);
    assert_eq!(command_hash(&order), command_hash(&again));
});
