//! The schemas that responses share.

use serde_json::{Value, json};

use crate::api::openapi::schema::{
    boolean, choice, count, key_id, list, nullable, object, reference, request_id, store_id, text,
    time, with_optional, workspace_id,
};
use crate::api::{clients, orders, payments};
use crate::domain::author::Author;
use crate::domain::key::{KeyStatus, PayloadFormat, Scope, Source};
use crate::domain::rejection::Code;

/// The schemas of every resource and those that several share, by name.
pub fn components() -> Vec<(&'static str, Value)> {
    let shared = [
        ("OrderPage", page("orders", "Order")),
        ("CreatedBy", created_by()),
        ("Whoami", whoami()),
        ("Problem", problem()),
        ("FieldProblem", field_problem()),
    ];
    [orders::schema::components(), payments::schema::components(), clients::schema::components()]
        .into_iter()
        .flatten()
        .chain(shared)
        .collect()
}

/// A page of a list.
pub fn page(name: &'static str, item: &str) -> Value {
    object([
        (name, list(reference(item)), "Newest first."),
        ("next_cursor", nullable(text()), "Where the next page begins; `null` after the last."),
    ])
}

fn created_by() -> Value {
    object([
        ("kind", json!({ "type": "string", "enum": Author::KINDS }), ""),
        ("id", text(), "The public id of the key or the flow, or the id of the user."),
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
