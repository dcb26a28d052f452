//! The schemas of what is answered. A test holds those of orders and problems to what the types
//! serialise to; `tests/workerd/openapi.test.mjs` and Schemathesis hold all of them to the running
//! Worker.

use serde_json::{Value, json};

use super::schema::{
    self, api_key_id, audit_id, boolean, choice, client_id, count, currency, invite_id, key_id,
    list, money, namespace, nullable, object, order_id, payment_id, reference, refund_id,
    request_id, sometimes, store_id, text, time, user_id, with, workspace_id,
};
use crate::domain::access::Role;
use crate::domain::key::{KeyStatus, PayloadFormat, Scope, ShownStatus, Source};
use crate::domain::log::Outcome;
use crate::domain::order::{OrderStatus, PaymentStatus};
use crate::domain::parked::ParkReason;
use crate::domain::rejection::Code;

/// Every schema that answers share, by its name.
pub fn components() -> Vec<(&'static str, Value)> {
    vec![
        ("Order", order()),
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
        ("IntegrationKey", key()),
        ("Store", store()),
        ("LoggedRequest", logged_request()),
        ("ParkedEvent", parked_event()),
        ("Member", member()),
        ("Invite", invite()),
        ("AuditEntry", audit_entry()),
        ("Tally", tally()),
    ]
}

/// A page of a list.
pub fn page(name: &'static str, of: &str) -> Value {
    object([
        (name, list(reference(of)), "Newest first."),
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
    sometimes(object(parts.map(|part| (part, text(), ""))), &parts)
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
        ("created_at", time(), ""),
        ("updated_at", time(), ""),
    ])
}

/// What a batch line answers.
pub fn batch_answer() -> Value {
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
    sometimes(all, &["errors", "conflicting_id", "current_state", "wanted_state"])
}

fn field_problem() -> Value {
    object([
        ("pointer", text(), "JSON Pointer (RFC 6901) into the body."),
        ("code", text(), "Stable: `required`, `invalid_type`, `unknown_field`, …"),
        ("detail", text(), "For people."),
    ])
}

/// A key without its secrets.
fn key() -> Value {
    object(key_properties())
}

fn key_properties() -> Vec<schema::Property> {
    vec![
        ("key_id", key_id(), "Public: it stands in webhook URLs and logs."),
        ("preview", text(), "The first 12 characters of the key."),
        ("store_id", store_id(), ""),
        ("namespace", namespace(), "The space of its external ids; a rotated key inherits it."),
        ("name", text(), ""),
        ("source", choice(Source::ALL, Source::as_str), ""),
        ("payload_format", choice(PayloadFormat::ALL, PayloadFormat::as_str), ""),
        ("scopes", list(choice(Scope::ALL, Scope::as_str)), ""),
        ("rate_limit_per_minute", count(), "At most 6000."),
        ("require_signature", boolean(), ""),
        ("capture_bodies", boolean(), ""),
        ("status", choice(ShownStatus::ALL, ShownStatus::as_str), ""),
        ("awaiting_secret", boolean(), "Whether the sender's signing secret has yet to be pasted."),
        ("webhook_url", nullable(text()), "`null` for keys of the integration API."),
        ("notification_url", nullable(text()), "The address that Square signs; else `null`."),
        ("created_at", time(), ""),
        ("expires_at", nullable(time()), ""),
        ("revoked_at", nullable(time()), ""),
        ("rotated_from", nullable(key_id()), "The key whose place it took."),
    ]
}

/// A key that was just minted, with what is shown this once.
pub fn minted_key() -> Value {
    with(
        key(),
        [
            (
                "api_key",
                json!({ "type": "string", "pattern": "^pck_int_[0-9A-Za-z]{34}$" }),
                "The key itself: shown in this answer and nowhere else.",
            ),
            (
                "signing_secret",
                nullable(text()),
                "Shown this once; `null` where it was pasted or has yet to be.",
            ),
            ("signing_secret_whsec", nullable(text()), "The same for Standard Webhooks libraries."),
        ],
    )
}

/// A key after a change.
pub fn changed_key() -> Value {
    with(
        key(),
        [("in_flight", count(), "Requests that were admitted before and have not finished.")],
    )
}

fn store() -> Value {
    object([
        ("store_id", store_id(), ""),
        ("name", text(), ""),
        ("created_at", time(), ""),
        ("archived_at", nullable(time()), ""),
    ])
}

fn logged_request() -> Value {
    object([
        ("id", request_id(), ""),
        ("received_at", time(), ""),
        ("method", text(), "`RETRY` where Tidegate tried a parked event again."),
        ("path", text(), "Without the query string."),
        ("status", json!({ "type": "integer", "minimum": 100, "maximum": 599 }), ""),
        ("latency_ms", count(), ""),
        ("outcome", choice(&Outcome::ALL, Outcome::as_str), ""),
        ("count", count(), "How many requests the row stands for: refusals beyond 30 a minute."),
        ("topic", nullable(text()), ""),
        ("idempotency_key", nullable(text()), ""),
        ("external_id", nullable(text()), ""),
        ("internal_id", nullable(text()), ""),
        ("error_code", nullable(choice(Code::ALL, Code::as_str)), ""),
        ("detail", nullable(text()), "For the operator: may say more than the answer did."),
    ])
}

fn parked_event() -> Value {
    object([
        ("event_id", nullable(request_id()), "The request that brought it."),
        ("received_at", time(), ""),
        ("reason", choice(&ParkReason::ALL, ParkReason::as_str), ""),
        ("detail", nullable(text()), ""),
        ("topic", nullable(text()), ""),
        ("attempts", count(), ""),
        ("next_attempt_at", nullable(time()), "`null` where nothing tries it by itself."),
        ("bytes", count(), ""),
    ])
}

fn role() -> Value {
    choice(&Role::ALL, Role::as_str)
}

fn member() -> Value {
    object([
        ("user_id", user_id(), ""),
        ("email", text(), ""),
        ("role", role(), ""),
        ("joined_at", time(), ""),
        ("last_seen_at", nullable(time()), ""),
    ])
}

fn invite() -> Value {
    object([
        ("invite_id", invite_id(), ""),
        ("email", text(), ""),
        ("role", role(), ""),
        ("invited_by", text(), "The e-mail address of who made it."),
        ("created_at", time(), ""),
        ("expires_at", time(), ""),
    ])
}

/// An invite that was just made.
pub fn invited() -> Value {
    object([
        ("invite_id", invite_id(), ""),
        ("invite_url", text(), "The link: shown in this answer and nowhere else."),
        ("email", text(), ""),
        ("role", role(), ""),
        ("expires_at", time(), ""),
    ])
}

fn audit_entry() -> Value {
    object([
        ("id", audit_id(), ""),
        ("at", time(), ""),
        ("action", text(), "Such as `store.created`."),
        ("user_id", nullable(user_id()), ""),
        ("email", nullable(text()), ""),
        ("api_key_id", nullable(api_key_id()), ""),
        ("address", nullable(text()), "The address that the request came from."),
        ("subject", text(), "What was acted on."),
        ("detail", json!({}), "What changed; depends on the action."),
    ])
}

fn tally() -> Value {
    object([("requests", count(), ""), ("errors", count(), "Answered 400 or more.")])
}

/// What a set-up answers.
pub fn set_up() -> Value {
    object([
        ("workspace_id", workspace_id(), ""),
        ("user_id", user_id(), ""),
        ("store_id", store_id(), ""),
        ("api_key_id", api_key_id(), ""),
        (
            "api_key",
            json!({ "type": "string", "pattern": "^pck_api_[0-9A-Za-z]{34}$" }),
            "The owner's API key: shown in this answer and nowhere else.",
        ),
    ])
}
