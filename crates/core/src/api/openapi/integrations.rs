//! The operations under `/integrations/v1`, except the commands.

use serde_json::{Value, json};

use super::examples;
use super::inputs::webhook_example;
use super::operation::{Body, Operation, RateLimit, Success};
use super::schema::{self, boolean, object, reference};
use crate::domain::key::{PayloadFormat, Source};
use crate::domain::log::Outcome;
use crate::domain::rejection::Code;

pub(super) const KEY_SECURITY: &[&str] = &["integrationKey"];

/// The codes with which any request of an integration key can be refused.
pub(super) const KEY_CODES: &[Code] = &[
    Code::KeyInQuery,
    Code::InvalidApiKey,
    Code::ApiKeyExpired,
    Code::SignatureMissing,
    Code::SignatureInvalid,
    Code::SignatureExpired,
    Code::KeyPaused,
    Code::PayloadTooLarge,
    Code::RateLimited,
    Code::InternalError,
    Code::Unavailable,
];

/// The codes of several lists, in the order of [`Code::ALL`].
pub(super) fn codes(lists: &[&[Code]]) -> Vec<Code> {
    let is_listed = |code: &&Code| lists.iter().any(|list| list.contains(code));
    Code::ALL.iter().filter(is_listed).copied().collect()
}

/// A reference to a shared parameter.
pub(super) fn parameter(name: &str) -> Value {
    json!({ "$ref": format!("#/components/parameters/{name}") })
}

/// The parameters in which a request's signature is sent.
pub(super) const SIGNATURE_PARAMETERS: [&str; 4] =
    ["XPckSignature", "WebhookId", "WebhookTimestamp", "WebhookSignature"];

pub fn whoami() -> Operation {
    let example = json!({
        "key_id": examples::key_id(), "name": "Web shop", "preview": "pck_int_0000",
        "workspace_id": examples::workspace_id(), "store_id": examples::store_id(),
        "source": "custom", "payload_format": "peptideclients", "scopes": ["orders:write"],
        "require_signature": true, "awaiting_secret": false, "status": "active",
        "created_at": examples::time(), "expires_at": null,
        "rate_limit": { "per_minute": 120, "remaining": 119, "reset_seconds": 60 },
    });
    Operation {
        id: "whoami",
        tag: "Integration API",
        summary: "Says what the key is and may do".to_owned(),
        description: "Takes no signature, even from a key that requires them; one that is sent is checked. Counts as a request.".to_owned(),
        security: KEY_SECURITY,
        parameters: SIGNATURE_PARAMETERS.map(parameter).into(),
        body: None,
        successes: vec![Success::json(200, "The key.", reference("Whoami"), example)],
        codes: codes(&[KEY_CODES])
            .into_iter()
            .filter(|code| *code != Code::SignatureMissing)
            .collect(),
        rate_limit: RateLimit::Key,
    }
}

/// Takes a native sender's webhook. The key id is in the path or in a credential.
pub fn webhook(with_key_id: bool) -> Operation {
    let (id, security, path_parameters): (_, &[&str], &[&str]) = match with_key_id {
        true => ("deliverWebhook", &["", "integrationKey"], &["Source", "KeyId"]),
        false => ("deliverWebhookByCredential", &["keyIdInQuery", "integrationKey"], &["Source"]),
    };
    let sources = native_sources();
    let mut parameters: Vec<Value> = path_parameters.iter().map(|name| parameter(name)).collect();
    parameters.extend(sender_headers());
    let accepted = Success::json(
        200,
        "The event is durable, whatever became of it: `parked` events are applied later.",
        json!({ "anyOf": [
            object([
                ("outcome", schema::choice(&Outcome::ALL, Outcome::as_str), ""),
                ("request_id", schema::request_id(), ""),
            ]),
            object([("outcome", json!({ "type": "string", "enum": ["ping"] }), "A set-up ping.")]),
        ] }),
        json!({ "outcome": "accepted", "request_id": examples::request_id() }),
    );
    let own_codes = [Code::WrongPayloadFormat, Code::NotFound, Code::ReserveFull];
    // A paused key refuses no event: its events are parked.
    let codes = codes(&[KEY_CODES, &own_codes]).into_iter().filter(|code| *code != Code::KeyPaused);
    Operation {
        id,
        tag: "Webhooks",
        summary: "Takes a storefront's own webhook".to_owned(),
        description: format!(
            "The body is verified over its raw bytes with the sender's own signature. Once that holds, the event is kept and the answer is 200. Sources: {}.",
            sources.iter().map(|source| source.as_str()).collect::<Vec<_>>().join(", ")
        ),
        security,
        parameters,
        body: Some(Body {
            content: vec![
                (
                    "application/json",
                    json!({ "schema": { "type": "object" }, "example": webhook_example() }),
                ),
                (
                    "application/x-www-form-urlencoded",
                    json!({
                        "schema": { "type": "object", "properties": { "webhook_id": { "type": "string" } } },
                        "example": { "webhook_id": "7" },
                    }),
                ),
            ],
            required: false,
            description: "As the sender sends it, at most 1 MiB; the form is WooCommerce's set-up ping.",
        }),
        successes: vec![accepted],
        codes: codes.collect(),
        rate_limit: RateLimit::Key,
    }
}

/// The senders whose own webhooks Tidegate can read.
pub fn native_sources() -> Vec<Source> {
    PayloadFormat::ALL.iter().filter_map(|format| Some(format.sender()?.source)).collect()
}

/// The headers of a delivery that Tidegate reads, except those that every request has.
fn sender_headers() -> Vec<Value> {
    let mut names: Vec<&str> = Vec::new();
    let webhooks = PayloadFormat::ALL.iter().filter_map(|format| format.webhooks());
    for name in webhooks.flat_map(|webhooks| webhooks.headers) {
        if !names.contains(name) && !matches!(*name, "content-type" | "user-agent") {
            names.push(name);
        }
    }
    let headers = names.into_iter().map(|name| {
        json!({
            "name": name, "in": "header", "required": false,
            "description": "As the sender sends it.", "schema": { "type": "string" },
        })
    });
    headers.collect()
}

/// The parameters that operations share.
pub fn parameter_components() -> Value {
    let header = |name: &str, description: &str, schema: Value| json!({ "name": name, "in": "header", "required": false, "description": description, "schema": schema });
    let path = |name: &str, description: &str, schema: Value, example: Value| json!({ "name": name, "in": "path", "required": true, "description": description, "schema": schema, "example": example });
    let pattern = |pattern: &str| json!({ "type": "string", "pattern": pattern });
    let id_or_external = |prefix: &str| {
        let id = format!("{prefix}_[a-z2-7]{{28}}");
        pattern(&format!("^({id}|external:.{{1,255}})$"))
    };
    json!({
        "DryRun": {
            "name": "dry_run", "in": "query", "required": false,
            "description": "Validates in full and gives the answer it would have had, and stores nothing. Takes from the limit; neither reads nor writes the Idempotency-Key.",
            "schema": boolean(),
        },
        "IdempotencyKey": header(
            "Idempotency-Key",
            "1 to 255 visible ASCII characters, bare or in quotes. For 30 days the same request is given the first answer again, another request under it is refused.",
            pattern("^(\"[!#-\\[\\]-~]{1,255}\"|[!#-~][!-~]{0,254})$"),
        ),
        "XPckSignature": header(
            "X-Pck-Signature",
            "`sha256=<hex HMAC-SHA256(secret, body)>`, or `t=<unix seconds>,v1=<hex HMAC-SHA256(secret, \"<t>.<body>\")>` within 300 s. Needed where the key requires signatures; one that is sent must hold.",
            pattern("^(sha256=[0-9a-fA-F]{64}|t=[0-9]{1,15}(,v1=[0-9a-fA-F]{64})+)$"),
        ),
        "WebhookId": header("webhook-id", "Standard Webhooks: looked at without `X-Pck-Signature`; all three or none.", pattern("^[!-~]{1,255}$")),
        "WebhookTimestamp": header("webhook-timestamp", "Standard Webhooks: Unix seconds, within 300 s.", pattern("^[0-9]{1,15}$")),
        "WebhookSignature": header("webhook-signature", "Standard Webhooks: `v1,<base64 HMAC-SHA256(secret, \"<id>.<timestamp>.<body>\")>`, several apart by spaces.", pattern("^v1,[A-Za-z0-9+/]{43}=( v1,[A-Za-z0-9+/]{43}=)*$")),
        "Source": path("source", "The sender.", schema::choice(&native_sources(), Source::as_str), json!("woocommerce")),
        "KeyId": path("key_id", "The public id of the key.", schema::key_id(), json!(examples::key_id())),
        "Order": path("order", "An order's id, or `external:` and the sender's own id, percent-encoded, within the namespace of the key.", id_or_external("ord"), json!(examples::order_id())),
        "Payment": path("payment", "A payment's id, or `external:` and the sender's own id.", id_or_external("pay"), json!(examples::payment_id())),
        "OrderId": path("id", "An order's id.", json!({ "type": "string" }), json!(examples::order_id())),
    })
}
