//! The schemas of an order in responses. Unit tests compare them with what the response types serialise
//! to; `tests/fuzz` compares all schemas with the responses of the running Worker.

use serde_json::{Value, json};

use crate::api::openapi::schema::{
    choice, client_id, currency, key_id, list, money, nullable, object, order_id, reference, text,
    time, with_optional,
};
use crate::domain::key::Source;
use crate::domain::order::OrderStatus;

/// The schemas, by name.
pub fn components() -> Vec<(&'static str, Value)> {
    vec![
        ("Order", order()),
        ("OrderClient", order_client()),
        ("Address", address()),
        ("OrderLine", order_line()),
    ]
}

fn order() -> Value {
    object([
        ("id", order_id(), ""),
        ("external_id", nullable(text()), "The sender's own id."),
        ("number", nullable(text()), "The number that people know the order by."),
        ("status", choice(&OrderStatus::ALL, OrderStatus::as_str), ""),
        ("source", choice(Source::ALL, Source::as_str), "Where the key's requests come from."),
        ("key_id", key_id(), "The key that it came in by."),
        ("created_by", reference("CreatedBy"), "Who created it."),
        ("currency", currency(), "ISO 4217."),
        ("placed_at", time(), "When it was placed; when it came in, unless said otherwise."),
        ("client", nullable(reference("OrderClient")), ""),
        ("billing_address", nullable(reference("Address")), ""),
        ("shipping_address", nullable(reference("Address")), ""),
        ("lines", list(reference("OrderLine")), ""),
        ("subtotal", money(), "The sum of quantity × unit price."),
        ("discount_total", money(), "The discounts of the lines and of the order."),
        ("shipping_total", money(), ""),
        ("fee_total", money(), ""),
        ("tax_total", money(), ""),
        ("total", money(), ""),
        ("paid_total", money(), "What was paid."),
        ("refunded_total", money(), "What was paid back."),
        ("payments", list(reference("OrderPayment")), ""),
        ("refunds", list(reference("OrderRefund")), ""),
        ("cancelled_at", nullable(time()), "When it was cancelled here."),
        ("cancel_reason", nullable(text()), "Why it was cancelled here."),
        ("note", nullable(text()), ""),
        ("metadata", json!({ "type": "object" }), "As it was sent."),
        ("created_at", time(), ""),
        ("updated_at", time(), ""),
    ])
}

fn order_client() -> Value {
    object([
        ("id", nullable(client_id()), "`null` where nothing tells the client from another."),
        ("external_id", nullable(text()), ""),
        ("email", nullable(text()), ""),
        ("name", nullable(text()), ""),
        ("phone", nullable(text()), ""),
    ])
}

fn address() -> Value {
    let parts =
        ["name", "company", "line1", "line2", "city", "region", "postal_code", "country", "phone"];
    with_optional(object(parts.map(|part| (part, text(), ""))), &parts)
}

fn order_line() -> Value {
    object([
        ("external_id", nullable(text()), ""),
        ("sku", nullable(text()), ""),
        ("name", text(), ""),
        ("quantity", json!({ "type": "number", "exclusiveMinimum": 0 }), ""),
        ("unit_price", money(), ""),
        ("discount", money(), ""),
        ("tax", money(), ""),
        ("total", money(), "Quantity × unit price − discount, without tax."),
    ])
}
