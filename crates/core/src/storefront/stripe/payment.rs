//! Payments and their refunds.
//!
//! A payment is identified by its payment intent, which a session names too, or by its charge if it
//! has no payment intent. No event here names an order.

use super::{Event, amount, only_method};
use crate::domain::event::{NativeEvent, Unmappable};
use crate::domain::money::Amount;
use crate::domain::order::{
    PaymentSnapshot, PaymentStatus, RefundSnapshot, ReportedPayment, ReportedRefund,
};
use crate::storefront::field::Field;

pub(super) fn intent(event: &Event<'_>, intent: &Field<'_>) -> Result<NativeEvent, Unmappable> {
    let currency = intent.get("currency").lower_case_currency()?;
    let (status, total) = match event.topic {
        "payment_intent.succeeded" => {
            intent.get("status").require_text("succeeded")?;
            (PaymentStatus::Completed, "amount_received")
        }
        "payment_intent.payment_failed" => (PaymentStatus::Failed, "amount"),
        "payment_intent.canceled" => (PaymentStatus::Cancelled, "amount"),
        _ => (PaymentStatus::Pending, "amount"),
    };
    Ok(NativeEvent::Payment {
        snapshot: Box::new(PaymentSnapshot {
            order: None,
            payment: ReportedPayment {
                external_id: Some(intent.get("id").required(Field::token)?),
                method: only_method(intent)?,
                amount: intent.get(total).required(|field| amount(field, currency))?,
                paid_at: (status == PaymentStatus::Completed).then_some(event.created),
            },
            status,
            currency,
            refunded: None,
            version: event.version(0, status.progress()),
        }),
    })
}

/// A charge that was not captured has only reserved the money, so its refund just releases the
/// reservation and cancels the payment.
pub(super) fn charge(event: &Event<'_>, charge: &Field<'_>) -> Result<NativeEvent, Unmappable> {
    let currency = charge.get("currency").lower_case_currency()?;
    let amount_of = |name| charge.get(name).required(|field| amount(field, currency));
    let captured = charge.get("captured").is_true();
    let is_refund = event.topic == "charge.refunded";
    let field = charge.get("status");
    let status = match field.required(Field::text)?.as_str() {
        "succeeded" if captured => PaymentStatus::Completed,
        "succeeded" if is_refund => PaymentStatus::Cancelled,
        "succeeded" | "pending" => PaymentStatus::Pending,
        "failed" => PaymentStatus::Failed,
        other => return Err(field.unknown(other)),
    };
    let completed = status == PaymentStatus::Completed;
    let total = match amount(&charge.get("amount_captured"), currency)? {
        Some(total) if completed => total,
        _ => amount_of("amount")?,
    };
    let refunded = if completed && is_refund { Some(amount_of("amount_refunded")?) } else { None };
    let paid_at =
        if is_refund { charge.get("created").unix_seconds()? } else { Some(event.created) };
    Ok(NativeEvent::Payment {
        snapshot: Box::new(PaymentSnapshot {
            order: None,
            payment: ReportedPayment {
                external_id: Some(payment_id(charge, "id")?),
                method: charge.get("payment_method_details").get("type").text()?,
                amount: total,
                paid_at: paid_at.filter(|_| completed),
            },
            status,
            currency,
            refunded,
            version: event.version(refunded_as_count(refunded), status.progress()),
        }),
    })
}

pub(super) fn refund(event: &Event<'_>, refund: &Field<'_>) -> Result<NativeEvent, Unmappable> {
    let currency = refund.get("currency").lower_case_currency()?;
    let field = refund.get("status");
    let status = match field.required(Field::text)?.as_str() {
        "pending" | "requires_action" => PaymentStatus::Pending,
        "succeeded" => PaymentStatus::Completed,
        "failed" => PaymentStatus::Failed,
        "canceled" => PaymentStatus::Cancelled,
        other => return Err(field.unknown(other)),
    };
    Ok(NativeEvent::Refund {
        snapshot: Box::new(RefundSnapshot {
            order: None,
            payment: Some(payment_id(refund, "charge")?),
            refund: ReportedRefund {
                external_id: Some(refund.get("id").required(Field::token)?),
                reason: refund.get("reason").text()?,
                amount: refund.get("amount").required(|field| amount(field, currency))?,
            },
            status,
            currency,
            version: event.version(0, status.progress()),
        }),
    })
}

/// The id of a payment: the payment intent, as in a session, else the charge id in the member
/// `charge`.
fn payment_id(object: &Field<'_>, charge: &'static str) -> Result<String, Unmappable> {
    match object.get("payment_intent").token()? {
        None => object.get(charge).required(Field::token),
        Some(payment_intent) => Ok(payment_intent),
    }
}

/// The refunded sum, used as [`SourceVersion`](crate::domain::order::SourceVersion)'s number of
/// refunds because newer API versions omit the refunds themselves. The sum only grows: of two
/// events in the same second, the one with the greater sum is later.
fn refunded_as_count(refunded: Option<Amount>) -> u32 {
    u32::try_from(refunded.unwrap_or_default().minor()).unwrap_or(u32::MAX)
}
