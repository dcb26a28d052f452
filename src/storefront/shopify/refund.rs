//! A refund, which stands in its own event and in its order.

use super::Field;
use super::{require_kind, version};
use crate::domain::event::{Ignored, NativeEvent, Unmappable};
use crate::domain::money::{Amount, Currency};
use crate::domain::order::{PaymentStatus, RefundSnapshot, ReportedRefund};

/// What the body of `refunds/create` means. Shopify sends no event when a refund that was pending
/// goes through, and states money in the buyer's currency where that is another. So a refund counts
/// by this event only once all of it has gone through, in the shop's own currency; else nothing
/// stands in the way of what the order's own events say of it. Nor does a return that gives no money
/// back.
pub(super) fn event(refund: &Field<'_>, body: &[u8]) -> Result<NativeEvent, Unmappable> {
    let names = ["id", "order_id", "created_at", "refund_line_items", "transactions"];
    refund.require_members(&names, "a refund")?;
    require_kind(refund, "gid://shopify/Refund/")?;
    let list = refund.get("transactions");
    let mut given_back = transactions(&list, None)?;
    let unsettled = given_back
        .iter()
        .any(|given| given.status == PaymentStatus::Pending || given.is_in_buyers_currency);
    given_back.retain(|given| given.status == PaymentStatus::Completed);
    let Some(&Transaction { status, currency, .. }) = given_back.first().filter(|_| !unsettled)
    else {
        return Ok(NativeEvent::Ignored { reason: Ignored::UnsupportedTopic });
    };
    if given_back.iter().any(|given| given.currency != currency) {
        return Err(list.refuse("are in more than one currency"));
    }
    let times = ["processed_at", "created_at"];
    Ok(NativeEvent::Refund {
        snapshot: Box::new(RefundSnapshot {
            order: Some(refund.get("order_id").required(Field::id)?),
            // The transaction that took the money: no event tells of it by that id.
            payment: None,
            refund: ReportedRefund {
                external_id: Some(refund.get("id").required(Field::id)?),
                reason: refund.get("note").text()?,
                amount: list.in_range(Amount::sum(given_back.iter().map(|given| given.amount)))?,
            },
            status,
            currency,
            version: version(refund, &times, body, 0, status.progress())?,
        }),
    })
}

/// Money given back to the buyer. The amount is positive.
pub(super) struct Transaction {
    pub status: PaymentStatus,
    pub amount: Amount,
    /// That of the buyer, unless it is also the shop's.
    pub currency: Currency,
    /// Whether it says that the shop's is another.
    pub is_in_buyers_currency: bool,
}

/// The transactions of a refund. A refund may also release an authorisation (`void`), which moves
/// nothing.
pub(super) fn transactions(
    list: &Field<'_>,
    default: Option<Currency>,
) -> Result<Vec<Transaction>, Unmappable> {
    let read = |item: Field<'_>| {
        if item.get("kind").text()?.as_deref() != Some("refund") {
            return Ok(None);
        }
        let status = item.get("status");
        let named = item.get("currency");
        let shops = item.get("total_unsettled_set").get("shop_money").get("currency").text()?;
        let currency = match default {
            Some(currency) if named.is_nothing() => currency,
            _ => named.currency()?,
        };
        Ok(Some(Transaction {
            status: match status.required(Field::text)?.as_str() {
                "success" => PaymentStatus::Completed,
                "pending" => PaymentStatus::Pending,
                "failure" | "error" => PaymentStatus::Failed,
                other => return Err(status.unknown(other)),
            },
            amount: item.get("amount").required(|field| field.exact_amount(currency))?.abs(),
            is_in_buyers_currency: shops.is_some_and(|shops| shops != currency.as_str()),
            currency,
        }))
    };
    list.items()?.filter_map(|item| read(item).transpose()).collect()
}
