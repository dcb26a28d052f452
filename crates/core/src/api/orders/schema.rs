//! The schemas of responses. The unit tests compare them with what the response types serialise to;
//! `tests/fuzz` compares all of them with the responses of the running Worker.

use serde_json::{Value, json};

use crate::api::openapi::schema::{
    boolean, choice, client_id, count, currency, key_id, list, money, nullable, object, order_id,
    payment_id, reference, refund_id, request_id, store_id, text, time, with_optional,
    workspace_id,
};
use crate::domain::author::Author;
use crate::domain::key::{KeyStatus, PayloadFormat, Scope, Source};
use crate::domain::order::{OrderStatus, PaymentStatus};
use crate::domain::rejection::Code;

/// The schemas that responses share, by name.
pub fn components() -> Vec<(&'static str, Value)> {
    vec![
        ("Order", order()),
        ("CreatedBy", created_by()),
        ("OrderClient", order_client()),
        ("Address", address()),
        ("OrderLine", order_line()),
        ("OrderPayment", order_payment()),
        ("OrderRefund", order_refund()),
        ("OrderPage", page("orders", "Order")),
        ("Payment", payment()),
        ("Refund", refund()),
        ("Client", client()),
        ("Whoami", whoami()),
        ("Problem", problem()),
        ("FieldProblem", field_problem()),
    ]
}

/// A page of a list.
pub fn page(name: &'static str, item: &str) -> Value {
    object([
        (name, list(reference(item)), "Newest first."),
        ("next_cursor", nullable(text()), "Where the next page begins; `null` after the last."),
    ])
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

fn created_by() -> Value {
    object([
        ("kind", json!({ "type": "string", "enum": Author::KINDS }), ""),
        ("id", text(), "The public id of the key or the flow, or the id of the user."),
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

fn client() -> Value {
    object([
        ("id", client_id(), ""),
        ("external_id", nullable(text()), ""),
        ("email", nullable(text()), ""),
        ("name", nullable(text()), ""),
        ("phone", nullable(text()), ""),
        ("created_by", nullable(reference("CreatedBy")), "`null` where it was not recorded."),
        ("created_at", time(), ""),
        ("updated_at", time(), ""),
    ])
}

/// One line of a batch's response.
pub fn batch_line_response() -> Value {
    object([
        ("line", json!({ "type": "integer", "minimum": 1, "maximum": 100 }), ""),
        ("status", json!({ "type": "integer", "minimum": 200, "maximum": 599 }), ""),
        ("request_id", request_id(), ""),
        ("replayed", boolean(), "Whether the first answer to this Idempotency-Key was repeated."),
        (
            "body",
            json!({
                "anyOf": (["Order", "Payment", "Refund", "Client", "Problem"].map(reference)),
            }),
            "The object, or the problem.",
        ),
    ])
}

fn whoami() -> Value {
    object([
        ("key_id", key_id(), ""),
        ("name", text(), ""),
        ("preview", text(), "The first 12 characters of the key."),
        ("workspace_id", workspace_id(), ""),
        ("store_id", store_id(), ""),
        ("source", choice(Source::ALL, Source::as_str), ""),
        ("payload_format", choice(PayloadFormat::ALL, PayloadFormat::as_str), ""),
        ("scopes", list(choice(Scope::ALL, Scope::as_str)), ""),
        ("require_signature", boolean(), ""),
        ("awaiting_secret", boolean(), "Whether the sender's signing secret has yet to be pasted."),
        ("status", choice(KeyStatus::ALL, KeyStatus::as_str), ""),
        ("created_at", time(), ""),
        ("expires_at", nullable(time()), ""),
        (
            "rate_limit",
            object([
                ("per_minute", count(), ""),
                ("remaining", count(), ""),
                ("reset_seconds", count(), ""),
            ]),
            "",
        ),
    ])
}

fn problem() -> Value {
    let all = object([
        ("type", text(), "The page that explains the code."),
        ("title", text(), ""),
        ("status", json!({ "type": "integer", "minimum": 400, "maximum": 599 }), ""),
        ("detail", text(), "What is wrong with this request, for people."),
        ("code", choice(Code::ALL, Code::as_str), "Stable: programs may branch on it."),
        ("request_id", request_id(), "The first answer's where this is its repetition."),
        ("errors", list(reference("FieldProblem")), "One for each field that is not valid."),
        ("conflicting_id", text(), "The object that stands in the way."),
        ("current_state", text(), "Of a forbidden transition: where the order stands."),
        ("wanted_state", text(), "Of a forbidden transition: where it was to go."),
    ]);
    with_optional(all, &["errors", "conflicting_id", "current_state", "wanted_state"])
}

fn field_problem() -> Value {
    object([
        ("pointer", text(), "JSON Pointer (RFC 6901) into the body."),
        ("code", text(), "Stable: `required`, `invalid_type`, `unknown_field`, …"),
        ("detail", text(), "For people."),
    ])
}
