//! Refunds. Shopify sends each in an event of its own and within its order.

use super::Field;
use super::{require_kind, version};
use crate::domain::event::{Ignored, NativeEvent, Unmappable};
use crate::domain::money::{Amount, Currency};
use crate::domain::order::{PaymentStatus, RefundSnapshot, ReportedRefund};

/// Converts the body of `refunds/create`. The refund is taken from this event only if all of it is
/// completed, in the shop's currency. Otherwise the event is ignored and the refund is taken from
/// the order's own events, because Shopify sends no event when a pending refund completes, and this
/// one reports amounts in the buyer's currency where that differs. A return without a refund of
/// money is ignored too.
pub(super) fn event(refund: &Field<'_>, body: &[u8]) -> Result<NativeEvent, Unmappable> {
    let names = ["id", "order_id", "created_at", "refund_line_items", "transactions"];
    refund.require_members(&names, "a refund")?;
    require_kind(refund, "gid://shopify/Refund/")?;
    let list = refund.get("transactions");
    let mut refunded = transactions(&list, None)?;
    let unsettled = refunded.iter().any(|transaction| {
        transaction.status == PaymentStatus::Pending || transaction.is_in_buyers_currency
    });
    refunded.retain(|transaction| transaction.status == PaymentStatus::Completed);
    let Some(&Transaction { status, currency, .. }) = refunded.first().filter(|_| !unsettled)
    else {
        return Ok(NativeEvent::Ignored { reason: Ignored::UnsupportedTopic });
    };
    if refunded.iter().any(|transaction| transaction.currency != currency) {
        return Err(list.refuse("are in more than one currency"));
    }
    let times = ["processed_at", "created_at"];
    Ok(NativeEvent::Refund {
        snapshot: Box::new(RefundSnapshot {
            order: Some(refund.get("order_id").required(Field::id)?),
            // A refund names the transaction that it refunds, but no event reports a payment by
            // that id.
            payment: None,
            refund: ReportedRefund {
                external_id: Some(refund.get("id").required(Field::id)?),
                reason: refund.get("note").text()?,
                amount: list
                    .in_range(Amount::sum(refunded.iter().map(|transaction| transaction.amount)))?,
            },
            status,
            currency,
            version: version(refund, &times, body, 0, status.progress())?,
        }),
    })
}

/// A transaction that pays money back to the buyer.
pub(super) struct Transaction {
    pub status: PaymentStatus,
    /// Not negative.
    pub amount: Amount,
    /// The buyer's currency, which may also be the shop's.
    pub currency: Currency,
    /// Whether the transaction says that the shop's currency is another one.
    pub is_in_buyers_currency: bool,
}

/// The transactions of a refund that pay money back. (A refund may also release an authorisation,
/// `void`, which pays nothing back.) `default` is the currency of transactions that name none.
pub(super) fn transactions(
    list: &Field<'_>,
    default: Option<Currency>,
) -> Result<Vec<Transaction>, Unmappable> {
    let read = |item: Field<'_>| {
        if item.get("kind").text()?.as_deref() != Some("refund") {
            return Ok(None);
        }
        let status = item.get("status");
        let currency_field = item.get("currency");
        let shop_currency =
            item.get("total_unsettled_set").get("shop_money").get("currency").text()?;
        let currency = match default {
            Some(currency) if currency_field.is_empty() => currency,
            _ => currency_field.currency()?,
        };
        Ok(Some(Transaction {
            status: match status.required(Field::text)?.as_str() {
                "success" => PaymentStatus::Completed,
                "pending" => PaymentStatus::Pending,
                "failure" | "error" => PaymentStatus::Failed,
                other => return Err(status.unknown(other)),
            },
            amount: item.get("amount").required(|field| field.exact_amount(currency))?.abs(),
            is_in_buyers_currency: shop_currency.is_some_and(|code| code != currency.as_str()),
            currency,
        }))
    };
    list.items()?.filter_map(|item| read(item).transpose()).collect()
}
