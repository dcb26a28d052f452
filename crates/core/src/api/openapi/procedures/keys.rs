//! The procedures of integration keys.

use serde_json::{Value, json};

use super::{NOT_FOUND, NOT_FOUND_OR_INVALID_STATE, ProcedureDetails, recorded};
use crate::api::openapi::administration::{changed_key, minted_key};
use crate::api::openapi::examples::{self, tag_keys, time};
use crate::api::openapi::schema::{self, count, nullable, object, reference, text};
use crate::api::orders::schema::page;
use crate::api::procedures::keys::{
    CreateIntegrationKey, ListIntegrationKeys, SetSigningSecret, read_key_id,
};
use crate::api::procedures::team::RotateIntegrationKey;
use crate::domain::rejection::Code;

/// A procedure whose only argument is a key.
fn key_procedure(
    summary: &'static str,
    codes: &'static [Code],
    response: Value,
    example: Value,
) -> ProcedureDetails {
    let arguments = json!({ "p_key_id": examples::key_id() });
    let schema = recorded(&arguments, |body| read_key_id(body, &tag_keys()));
    ProcedureDetails { summary, arguments, schema, status: 200, response, example, codes }
}

/// A procedure that works on a page of keys.
fn key_list_procedure(summary: &'static str, response: Value, example: Value) -> ProcedureDetails {
    let cursor = format!("{}.{}", examples::now().millis(), examples::key_id());
    let arguments =
        json!({ "p_store_id": examples::store_id(), "p_cursor": cursor, "p_limit": 50 });
    let schema = recorded(&arguments, ListIntegrationKeys::read);
    ProcedureDetails { summary, arguments, schema, status: 200, response, example, codes: &[] }
}

pub fn create_integration_key() -> ProcedureDetails {
    let arguments = json!({
        "p_store_id": examples::store_id(), "p_name": "Web shop", "p_source": "custom",
        "p_payload_format": "peptideclients", "p_scopes": ["orders:write"],
        "p_rate_limit_per_minute": 120, "p_expires_in_days": 365,
        "p_require_signature": true, "p_signing_secret": null,
        "p_notification_url": null, "p_capture_bodies": true,
    });
    ProcedureDetails {
        summary: "Mints an integration key",
        schema: recorded(&arguments, CreateIntegrationKey::read),
        arguments,
        status: 201,
        response: minted_key(),
        example: minted(),
        codes: NOT_FOUND_OR_INVALID_STATE,
    }
}

pub fn rotate_integration_key() -> ProcedureDetails {
    let arguments = json!({
        "p_key_id": examples::key_id(), "p_name": "Web shop", "p_expires_in_days": 365,
    });
    ProcedureDetails {
        summary: "Mints a key in place of another, with its settings and in its namespace; the old one goes on until it is revoked",
        schema: recorded(&arguments, |body| RotateIntegrationKey::read(body, &tag_keys())),
        arguments,
        status: 201,
        response: minted_key(),
        example: minted(),
        codes: NOT_FOUND_OR_INVALID_STATE,
    }
}

pub fn list_integration_keys() -> ProcedureDetails {
    key_list_procedure(
        "Lists integration keys",
        page("keys", "IntegrationKey"),
        json!({ "keys": [key()], "next_cursor": null }),
    )
}

pub fn revoke_integration_key() -> ProcedureDetails {
    key_procedure(
        "Revokes a key at once, for ever",
        NOT_FOUND,
        changed_key(),
        changed(json!({ "status": "revoked", "revoked_at": time() })),
    )
}

pub fn pause_integration_key() -> ProcedureDetails {
    key_procedure(
        "Pauses a key: requests are refused, webhooks parked",
        NOT_FOUND_OR_INVALID_STATE,
        changed_key(),
        changed(json!({ "status": "paused" })),
    )
}

pub fn resume_integration_key() -> ProcedureDetails {
    key_procedure(
        "Resumes a paused key",
        NOT_FOUND_OR_INVALID_STATE,
        changed_key(),
        changed(json!({})),
    )
}

pub fn set_signing_secret() -> ProcedureDetails {
    let arguments = json!({
        "p_key_id": examples::key_id(), "p_signing_secret": "shpss_0123456789abcdef",
        "p_overlap_hours": 24,
    });
    ProcedureDetails {
        summary: "Pastes or rotates a signing secret",
        schema: recorded(&arguments, |body| SetSigningSecret::read(body, &tag_keys())),
        arguments,
        status: 200,
        response: changed_key(),
        example: changed(json!({})),
        codes: NOT_FOUND_OR_INVALID_STATE,
    }
}

pub fn reseal_secrets() -> ProcedureDetails {
    key_list_procedure(
        "Seals the secrets of a page of keys under the newest sealing key",
        object([
            ("resealed", count(), "How many keys had secrets under an older one."),
            ("next_cursor", nullable(text()), "Where to go on."),
        ]),
        json!({ "resealed": 3, "next_cursor": null }),
    )
}

pub fn get_integration_key_stats() -> ProcedureDetails {
    key_procedure(
        "Counts the requests of a key",
        NOT_FOUND,
        object([
            ("h24", reference("Tally"), "Of the last 24 hours."),
            ("d7", reference("Tally"), "Of the last 7 days."),
            ("d30", reference("Tally"), "Of the last 30 days."),
            ("last_used_at", nullable(schema::time()), ""),
        ]),
        json!({
            "h24": { "requests": 20, "errors": 1 }, "d7": { "requests": 140, "errors": 4 },
            "d30": { "requests": 600, "errors": 9 }, "last_used_at": time(),
        }),
    )
}

fn key() -> Value {
    json!({
        "key_id": examples::key_id(), "preview": "pck_int_0000", "store_id": examples::store_id(),
        "namespace": examples::namespace(), "name": "Web shop", "source": "custom",
        "payload_format": "peptideclients", "scopes": ["orders:write"],
        "rate_limit_per_minute": 120, "require_signature": true, "capture_bodies": true,
        "status": "active", "awaiting_secret": false, "webhook_url": null, "notification_url": null,
        "created_at": time(),
        "expires_at": time(), "revoked_at": null, "rotated_from": null,
    })
}

fn changed(change: Value) -> Value {
    merged(merged(key(), change), json!({ "in_flight": 0 }))
}

fn minted() -> Value {
    let shown_once = json!({
        "api_key": format!("pck_int_{}", "0".repeat(34)),
        "signing_secret": "0".repeat(64), "signing_secret_whsec": "whsec_MDAwMDAwMDAw",
    });
    merged(key(), shown_once)
}

fn merged(mut value: Value, more: Value) -> Value {
    if let (Value::Object(value), Value::Object(more)) = (&mut value, more) {
        value.extend(more);
    }
    value
}
