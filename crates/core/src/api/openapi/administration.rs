//! The schemas of the procedures' responses. `tests/fuzz` compares them with the responses of the
//! running Worker.

use serde_json::{Value, json};

use super::schema::{
    Property, api_key_id, audit_id, boolean, choice, count, invite_id, key_id, list, namespace,
    nullable, object, request_id, store_id, text, time, user_id, with, workspace_id,
};
use crate::domain::access::Role;
use crate::domain::key::{PayloadFormat, Scope, ShownStatus, Source};
use crate::domain::log::Outcome;
use crate::domain::parked::ParkReason;
use crate::domain::rejection::Code;

/// The schemas that these responses share, by name.
pub fn components() -> Vec<(&'static str, Value)> {
    vec![
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

/// A key without its secrets.
fn key() -> Value {
    object(key_properties())
}

fn key_properties() -> Vec<Property> {
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
        (
            "notification_url",
            nullable(text()),
            "The address that Square signs, where it is another.",
        ),
        ("created_at", time(), ""),
        ("expires_at", nullable(time()), ""),
        ("revoked_at", nullable(time()), ""),
        ("rotated_from", nullable(key_id()), "The key whose place it took."),
    ]
}

/// A key that was just minted, with the secrets that only this response shows.
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

/// A key that was just changed, with the number of its requests in flight.
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

/// An invite that was just made, with its link.
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

/// The response of a set-up.
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
