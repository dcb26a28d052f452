//! Fuzzes the readers of the integration API's bodies: JSON, forms and lines of a batch. An order
//! that is accepted adds up, and every accepted command survives serialisation, which takes it to a
//! ledger.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate_core::api::batch::{CONTENT_TYPE, lines, read_line};
use tidegate_core::api::fields::parse_object;
use tidegate_core::api::flat::{read_form, nest_body};
use tidegate_core::api::write_input::{Context, read_write};
use tidegate_core::domain::id::StoreId;
use tidegate_core::domain::command_hash::CreatingCommand;
use tidegate_core::domain::money::Amount;
use tidegate_core::domain::order::OrderContent;
use tidegate_core::domain::time::Timestamp;
use tidegate_core::domain::write::{Command, Write};

const NOW: Timestamp = Timestamp::from_millis(1_795_000_000_000);

fn context(target: Option<&str>) -> Context<'_> {
    let store = StoreId::from_random([7; 10]);
    Context { target, store, has_idempotency_key: true, now: NOW }
}

fn check(write: &Write) {
    let json = serde_json::to_string(write).expect("a command serialises");
    let again: Write = serde_json::from_str(&json).expect("and is read again");
    assert_eq!(*write, again);
    if let Write::CreateOrder { order } = write {
        assert_adds_up(order);
    }
}

fn assert_adds_up(order: &OrderContent) {
    let totals = order.totals;
    let sums = [totals.subtotal, totals.shipping_total, totals.fee_total, totals.tax_total];
    let sum = Amount::sum(sums).and_then(|sum| sum.checked_sub(totals.discount_total));
    assert_eq!(sum, Some(totals.total));
    assert!(!order.lines.is_empty());
    assert_eq!(CreatingCommand::Order(order).hash(), CreatingCommand::Order(&order.clone()).hash());
}

fuzz_target!(|body: &[u8]| {
    let json = parse_object(body).and_then(nest_body);
    for fields in [json, read_form(body)].into_iter().flatten() {
        for command in Command::ALL {
            let target = command.target().map(|_| "external:A-1");
            if let Ok(write) = read_write(command, fields.clone(), context(target)) {
                check(&write);
            }
        }
    }
    for (_, line) in lines(CONTENT_TYPE, body).unwrap_or_default() {
        let Ok(line) = read_line(line) else { continue };
        if let Ok(write) = read_write(line.command, line.body, context(line.target.as_deref())) {
            check(&write);
        }
    }
});
