//! A refund, which stands in its own event and in its order.

use super::Field;
use super::{require_kind, version};
use crate::domain::event::{Ignored, NativeEvent, Unmappable};
use crate::domain::money::{Amount, Currency};
use crate::domain::order::{PaymentStatus, RefundSnapshot, StatedRefund};

/// What the body of `refunds/create` means. Where no money is given back (a return that only puts
/// goods back in stock), nothing: the order's own events say what has changed.
pub(super) fn event(refund: &Field<'_>, body: &[u8]) -> Result<NativeEvent, Unmappable> {
    let names = ["id", "order_id", "created_at", "refund_line_items", "transactions"];
    refund.require_members(&names, "a refund")?;
    require_kind(refund, "gid://shopify/Refund/")?;
    let list = refund.get("transactions");
    let transactions = transactions(&list, None)?;
    let stands = [PaymentStatus::Completed, PaymentStatus::Pending, PaymentStatus::Failed]
        .into_iter()
        .find_map(|status| transactions.iter().find(|given| given.status == status));
    let Some(&Transaction { status, currency, .. }) = stands else {
        return Ok(NativeEvent::Ignored { reason: Ignored::UnsupportedTopic });
    };
    let counted = || transactions.iter().filter(|given| given.status == status);
    if counted().any(|given| given.currency != currency) {
        return Err(list.refuse("are in more than one currency"));
    }
    Ok(NativeEvent::Refund {
        snapshot: Box::new(RefundSnapshot {
            order: Some(refund.get("order_id").required(Field::id)?),
            // The transaction that took the money: no event tells of it by that id.
            payment: None,
            refund: StatedRefund {
                external_id: Some(refund.get("id").required(Field::id)?),
                reason: refund.get("note").text()?,
                amount: list.in_range(Amount::sum(counted().map(|given| given.amount)))?,
            },
            status,
            currency,
            version: version(refund, &["processed_at", "created_at"], body, 0, status.progress())?,
        }),
    })
}

/// Money given back to the buyer. The amount is positive.
pub(super) struct Transaction {
    pub status: PaymentStatus,
    pub amount: Amount,
    /// That of the buyer, unless it is also the shop's.
    pub currency: Currency,
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
            currency,
        }))
    };
    list.items()?.filter_map(|item| read(item).transpose()).collect()
}
