//! The schemas of payments and refunds in responses.

use serde_json::Value;

use crate::api::openapi::schema::{
    choice, currency, key_id, list, money, nullable, object, order_id, payment_id, reference,
    refund_id, text, time,
};
use crate::domain::key::Source;
use crate::domain::order::PaymentStatus;

/// The schemas, by name.
pub fn components() -> Vec<(&'static str, Value)> {
    vec![
        ("OrderPayment", order_payment()),
        ("OrderRefund", order_refund()),
        ("Payment", payment()),
        ("Refund", refund()),
    ]
}

fn payment_status() -> Value {
    use PaymentStatus::{Cancelled, Completed, Failed, Pending};
    choice(&[Pending, Failed, Cancelled, Completed], PaymentStatus::as_str)
}

fn order_payment() -> Value {
    object([
        ("id", nullable(payment_id()), "`null` where only the sender's order tells of it."),
        ("external_id", nullable(text()), ""),
        ("method", nullable(text()), ""),
        ("amount", money(), ""),
        ("status", payment_status(), ""),
        ("paid_at", nullable(time()), ""),
        ("refunded_total", money(), ""),
    ])
}

fn order_refund() -> Value {
    object([
        ("id", nullable(refund_id()), "`null` where only the sender's order tells of it."),
        ("payment_id", nullable(payment_id()), "`null` where the payment is not known."),
        ("external_id", nullable(text()), ""),
        ("amount", money(), ""),
        ("reason", nullable(text()), ""),
        ("status", payment_status(), ""),
    ])
}

fn payment() -> Value {
    object([
        ("id", payment_id(), ""),
        ("order_id", order_id(), ""),
        ("external_id", nullable(text()), ""),
        ("method", nullable(text()), ""),
        ("amount", money(), ""),
        ("currency", currency(), "The order's."),
        ("status", payment_status(), ""),
        ("paid_at", nullable(time()), ""),
        ("refunded_total", money(), "What was given back of it."),
        ("refunds", list(reference("OrderRefund")), ""),
        ("source", choice(Source::ALL, Source::as_str), ""),
        ("key_id", key_id(), "The key that it came in by."),
        ("created_by", reference("CreatedBy"), "Who created it."),
        ("created_at", time(), ""),
    ])
}

fn refund() -> Value {
    object([
        ("id", refund_id(), ""),
        ("payment_id", nullable(payment_id()), ""),
        ("order_id", order_id(), ""),
        ("external_id", nullable(text()), ""),
        ("amount", money(), ""),
        ("currency", currency(), "The order's."),
        ("reason", nullable(text()), ""),
        ("status", payment_status(), ""),
        ("source", choice(Source::ALL, Source::as_str), ""),
        ("key_id", key_id(), "The key that it came in by."),
        ("created_by", reference("CreatedBy"), "Who created it."),
        ("created_at", time(), ""),
    ])
}
