//! The procedures `core.rpc_*`: each with its arguments, as their reader takes them.

use serde_json::{Value, json};

use super::examples::{self, tag_keys, time};
use super::operation::{Body, Limit, Operation, Success};
use super::outputs::{changed_key, invited, minted_key, page, set_up};
use super::schema::{
    self, boolean, choice, count, described, list, nullable, object, reference, text,
};
use crate::api::recording;
use crate::api::rpc::{
    CreateIntegrationKey, ListIntegrationKeys, Procedure, SetSigningSecret, SetupWorkspace,
    read_create_store, read_key_id, read_nothing,
};
use crate::api::rpc_requests::{read_list_parked, read_list_requests, read_parked_event};
use crate::api::rpc_team::{
    InviteMember, ListAuditEntries, RotateIntegrationKey, read_change_role, read_invite_id,
    read_rename_store, read_store_id, read_user_id,
};
use crate::domain::log::Outcome;
use crate::domain::parked::ParkReason;
use crate::domain::rejection::{Code, Rejection};

/// What is said of a procedure besides what all have in common.
struct Described {
    summary: &'static str,
    /// A complete example of its arguments.
    arguments: Value,
    /// Their schema, from the reader.
    schema: Value,
    status: u16,
    answer: Value,
    example: Value,
    /// Beyond those of every procedure.
    codes: &'static [Code],
}

const INVALID_ID: &[Code] = &[Code::NotFound];
const INVALID_ID_OR_STATE: &[Code] = &[Code::NotFound, Code::InvalidState];

/// The operation of a procedure.
pub fn operation(procedure: Procedure, name: &'static str) -> Operation {
    let Described { summary, arguments, schema, status, answer, example, codes } =
        described_procedure(procedure);
    let set_up = procedure == Procedure::SetupWorkspace;
    let (security, needs): (&[&str], _) = match set_up {
        true => (&["setupToken"], "Takes the deployment's one-time token."),
        false => (&["apiKey"], "Takes the API key of an owner or admin."),
    };
    let mut common =
        vec![Code::InvalidJson, Code::InvalidApiKey, Code::PayloadTooLarge, Code::ValidationFailed];
    if !set_up {
        common.push(Code::Forbidden);
    }
    common.extend([Code::InternalError, Code::Unavailable]);
    common.extend(codes);
    let no_arguments = arguments == json!({});
    Operation {
        id: name,
        tag: "Procedures",
        summary: summary.to_owned(),
        description: format!("{needs} An empty body counts as no arguments."),
        security,
        parameters: Vec::new(),
        body: Some(Body {
            content: vec![(
                "application/json",
                json!({ "schema": described(schema, argument), "example": arguments }),
            )],
            required: !no_arguments,
            description: "",
        }),
        successes: vec![Success::json(status, "Done.", answer, example)],
        codes: common,
        limit: Limit::None,
    }
}

/// What each argument is, in whichever procedure.
fn argument(pointer: &str) -> Option<&'static str> {
    Some(match pointer {
        "/p_workspace_name" => "The name of the workspace.",
        "/p_owner_email" => "The address by which the owner logs in.",
        "/p_owner_password" => "At least 15 characters.",
        "/p_store_name" => "The name of its first store.",
        "/p_name" => "A name for people, without line breaks.",
        "/p_store_id" => "The store. Where it may be left out: of all stores.",
        "/p_source" => "A label of where the requests come from.",
        "/p_payload_format" => {
            "`peptideclients` is the JSON of this API; the others are the senders' own."
        }
        "/p_scopes" => "What the key may do. Never changes.",
        "/p_rate_limit_per_minute" => "Requests in any 60 seconds; over 6000 is kept as 6000.",
        "/p_expires_in_days" => "`null`: it does not expire.",
        "/p_require_signature" => {
            "Whether requests must be signed; must be true for native senders."
        }
        "/p_signing_secret" => {
            "The sender's own secret: 8 to 512 bytes without line breaks; of Wix, the public key."
        }
        "/p_notification_url" => "Of Square only: the address that is registered there.",
        "/p_capture_bodies" => "Whether raw bodies are kept beside the log.",
        "/p_key_id" => "The key's public id.",
        "/p_overlap_hours" => "How long the secrets before it still count.",
        "/p_limit" => "Entries of one page.",
        "/p_cursor" => "The `next_cursor` of an earlier page.",
        "/p_status" => "Only requests that were answered this.",
        "/p_outcome" => "Only requests that ended so.",
        "/p_error_code" => "Only requests that were turned down for this.",
        "/p_external_id" => "Only requests about this external id.",
        "/p_idempotency_key" => "Only requests with this Idempotency-Key.",
        "/p_received_from" | "/p_from" => "At this time or later.",
        "/p_received_to" | "/p_to" => "Before this time.",
        "/p_event_id" => "The request that brought the event.",
        "/p_email" => "An e-mail address.",
        "/p_role" => "Only owners make, change or remove owners.",
        "/p_invite_id" => "The invite.",
        "/p_user_id" => "The member.",
        "/p_action" => "An action (`store.created`), or what stands before its dot.",
        "/p_subject" => "What was acted on.",
        _ => return None,
    })
}

fn read<T>(arguments: &Value, reader: impl FnOnce(&[u8]) -> Result<T, Rejection>) -> Value {
    let body = arguments.to_string();
    recording::schema(|| reader(body.as_bytes()))
}

/// The procedures whose only argument is a key.
fn of_a_key(
    summary: &'static str,
    codes: &'static [Code],
    answer: Value,
    example: Value,
) -> Described {
    let arguments = json!({ "p_key_id": examples::key_id() });
    let schema = read(&arguments, |body| read_key_id(body, &tag_keys()));
    Described { summary, arguments, schema, status: 200, answer, example, codes }
}

/// Those whose only argument is a store.
fn of_a_store(summary: &'static str, codes: &'static [Code], archived: bool) -> Described {
    let arguments = json!({ "p_store_id": examples::store_id() });
    let schema = read(&arguments, read_store_id);
    let (answer, example) = (reference("Store"), store(archived));
    Described { summary, arguments, schema, status: 200, answer, example, codes }
}

/// Those that take no arguments.
fn of_nothing(summary: &'static str, answer: Value, example: Value) -> Described {
    let arguments = json!({});
    let schema = read(&arguments, read_nothing);
    Described { summary, arguments, schema, status: 200, answer, example, codes: &[] }
}

/// Those of one parked event.
fn of_an_event(summary: &'static str, answer: Value, example: Value) -> Described {
    let arguments = json!({ "p_key_id": examples::key_id(), "p_event_id": examples::request_id() });
    let schema = read(&arguments, |body| read_parked_event(body, &tag_keys()));
    let codes = INVALID_ID_OR_STATE;
    Described { summary, arguments, schema, status: 200, answer, example, codes }
}

fn list_of_keys(summary: &'static str, answer: Value, example: Value) -> Described {
    let cursor = format!("{}.{}", examples::now().millis(), examples::key_id());
    let arguments =
        json!({ "p_store_id": examples::store_id(), "p_cursor": cursor, "p_limit": 50 });
    let schema = read(&arguments, ListIntegrationKeys::read);
    Described { summary, arguments, schema, status: 200, answer, example, codes: &[] }
}

#[expect(clippy::too_many_lines, reason = "a table with an entry for each procedure")]
fn described_procedure(procedure: Procedure) -> Described {
    match procedure {
        Procedure::SetupWorkspace => {
            let arguments = json!({
                "p_workspace_name": "Acme", "p_owner_email": "owner@example.com",
                "p_owner_password": "correct horse battery staple", "p_store_name": "Main store",
            });
            Described {
                summary: "Sets the deployment up: its first workspace, owner and store",
                schema: read(&arguments, SetupWorkspace::read),
                arguments,
                status: 201,
                answer: set_up(),
                example: json!({
                    "workspace_id": examples::workspace_id(), "user_id": examples::user_id(),
                    "store_id": examples::store_id(), "api_key_id": examples::api_key_id(),
                    "api_key": format!("pck_api_{}", "0".repeat(34)),
                }),
                codes: &[Code::InvalidState],
            }
        }
        Procedure::CreateStore => {
            let arguments = json!({ "p_name": "Main store" });
            Described {
                summary: "Creates a store",
                schema: read(&arguments, read_create_store),
                arguments,
                status: 201,
                answer: reference("Store"),
                example: store(false),
                codes: &[],
            }
        }
        Procedure::ListStores => of_nothing(
            "Lists the stores of the workspace",
            object([("stores", list(reference("Store")), "")]),
            json!({ "stores": [store(false)] }),
        ),
        Procedure::RenameStore => {
            let arguments = json!({ "p_store_id": examples::store_id(), "p_name": "Main store" });
            Described {
                summary: "Renames a store",
                schema: read(&arguments, read_rename_store),
                arguments,
                status: 200,
                answer: reference("Store"),
                example: store(false),
                codes: INVALID_ID,
            }
        }
        Procedure::ArchiveStore => {
            of_a_store("Archives a store: it takes no new keys", INVALID_ID_OR_STATE, true)
        }
        Procedure::RestoreStore => {
            of_a_store("Takes an archived store back", INVALID_ID_OR_STATE, false)
        }
        Procedure::CreateIntegrationKey => {
            let arguments = json!({
                "p_store_id": examples::store_id(), "p_name": "Web shop", "p_source": "custom",
                "p_payload_format": "peptideclients", "p_scopes": ["orders:write"],
                "p_rate_limit_per_minute": 120, "p_expires_in_days": 365,
                "p_require_signature": true, "p_signing_secret": null,
                "p_notification_url": null, "p_capture_bodies": true,
            });
            Described {
                summary: "Mints an integration key",
                schema: read(&arguments, CreateIntegrationKey::read),
                arguments,
                status: 201,
                answer: minted_key(),
                example: minted(),
                codes: INVALID_ID_OR_STATE,
            }
        }
        Procedure::RotateIntegrationKey => {
            let arguments = json!({
                "p_key_id": examples::key_id(), "p_name": "Web shop", "p_expires_in_days": 365,
            });
            Described {
                summary: "Mints a key in place of another, with its settings and in its namespace; the old one goes on until it is revoked",
                schema: read(&arguments, |body| RotateIntegrationKey::read(body, &tag_keys())),
                arguments,
                status: 201,
                answer: minted_key(),
                example: minted(),
                codes: INVALID_ID_OR_STATE,
            }
        }
        Procedure::ListIntegrationKeys => list_of_keys(
            "Lists integration keys",
            page("keys", "IntegrationKey"),
            json!({ "keys": [key()], "next_cursor": null }),
        ),
        Procedure::RevokeIntegrationKey => of_a_key(
            "Revokes a key at once, for ever",
            INVALID_ID,
            changed_key(),
            changed(json!({ "status": "revoked", "revoked_at": time() })),
        ),
        Procedure::PauseIntegrationKey => of_a_key(
            "Pauses a key: requests are refused, webhooks parked",
            INVALID_ID_OR_STATE,
            changed_key(),
            changed(json!({ "status": "paused" })),
        ),
        Procedure::ResumeIntegrationKey => {
            of_a_key("Resumes a paused key", INVALID_ID_OR_STATE, changed_key(), changed(json!({})))
        }
        Procedure::SetSigningSecret => {
            let arguments = json!({
                "p_key_id": examples::key_id(), "p_signing_secret": "shpss_0123456789abcdef",
                "p_overlap_hours": 24, "p_notification_url": null,
            });
            Described {
                summary: "Pastes or rotates a signing secret",
                schema: read(&arguments, |body| SetSigningSecret::read(body, &tag_keys())),
                arguments,
                status: 200,
                answer: changed_key(),
                example: changed(json!({})),
                codes: INVALID_ID_OR_STATE,
            }
        }
        Procedure::ResealSecrets => list_of_keys(
            "Seals the secrets of a page of keys under the newest sealing key",
            object([
                ("resealed", count(), "How many keys had secrets under an older one."),
                ("next_cursor", nullable(text()), "Where to go on."),
            ]),
            json!({ "resealed": 3, "next_cursor": null }),
        ),
        Procedure::GetIntegrationKeyStats => of_a_key(
            "Counts the requests of a key",
            INVALID_ID,
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
        ),
        Procedure::ListIntegrationRequests => {
            let arguments = json!({
                "p_key_id": examples::key_id(), "p_limit": 50,
                "p_cursor": examples::row().as_i64().to_string(), "p_received_from": time(),
                "p_received_to": time(), "p_status": 201, "p_outcome": "accepted",
                "p_error_code": null, "p_external_id": "A-1", "p_idempotency_key": "order-A-1",
            });
            Described {
                summary: "Lists the requests of a key, newest first",
                schema: read(&arguments, |body| read_list_requests(body, &tag_keys())),
                arguments,
                status: 200,
                answer: page("requests", "LoggedRequest"),
                example: json!({ "requests": [request()], "next_cursor": null }),
                codes: INVALID_ID,
            }
        }
        Procedure::ListParkedEvents => {
            let arguments = json!({
                "p_key_id": examples::key_id(), "p_limit": 50,
                "p_cursor": examples::row().as_i64().to_string(),
            });
            Described {
                summary: "Lists the parked events of a key",
                schema: read(&arguments, |body| read_list_parked(body, &tag_keys())),
                arguments,
                status: 200,
                answer: page("events", "ParkedEvent"),
                example: json!({ "events": [{
                    "event_id": examples::request_id(), "received_at": time(),
                    "reason": "rate_limited", "detail": null, "topic": "order.created",
                    "attempts": 1, "next_attempt_at": time(), "bytes": 2480,
                }], "next_cursor": null }),
                codes: INVALID_ID,
            }
        }
        Procedure::RetryParkedEvent => of_an_event(
            "Tries a parked event again now",
            object([
                ("settled", boolean(), "Whether nothing remains to be done."),
                (
                    "outcome",
                    nullable(choice(&Outcome::ALL, Outcome::as_str)),
                    "Where it was settled.",
                ),
                (
                    "reason",
                    nullable(choice(&ParkReason::ALL, ParkReason::as_str)),
                    "Where it waits on.",
                ),
            ]),
            json!({ "settled": true, "outcome": "accepted", "reason": null }),
        ),
        Procedure::DiscardParkedEvent => of_an_event(
            "Forgets a parked event for good",
            object([("discarded", boolean(), "")]),
            json!({ "discarded": true }),
        ),
        Procedure::ListMembers => of_nothing(
            "Lists the members of the workspace",
            object([("members", list(reference("Member")), "")]),
            json!({ "members": [member("owner")] }),
        ),
        Procedure::ChangeMemberRole => {
            let arguments = json!({ "p_user_id": examples::user_id(), "p_role": "admin" });
            Described {
                summary: "Changes the role of a member",
                schema: read(&arguments, read_change_role),
                arguments,
                status: 200,
                answer: reference("Member"),
                example: member("admin"),
                codes: INVALID_ID_OR_STATE,
            }
        }
        Procedure::RemoveMember => {
            let arguments = json!({ "p_user_id": examples::user_id() });
            Described {
                summary: "Ends a membership, with its sessions and API keys",
                schema: read(&arguments, read_user_id),
                arguments,
                status: 200,
                answer: object([("user_id", schema::user_id(), ""), ("removed", boolean(), "")]),
                example: json!({ "user_id": examples::user_id(), "removed": true }),
                codes: INVALID_ID_OR_STATE,
            }
        }
        Procedure::InviteMember => {
            let arguments = json!({ "p_email": "ada@example.com", "p_role": "member" });
            Described {
                summary: "Makes a link by which somebody joins the workspace",
                schema: read(&arguments, InviteMember::read),
                arguments,
                status: 201,
                answer: invited(),
                example: json!({
                    "invite_id": examples::invite_id(),
                    "invite_url": "https://console.example.com/invite/…",
                    "email": "ada@example.com", "role": "member", "expires_at": time(),
                }),
                codes: &[Code::InvalidState],
            }
        }
        Procedure::ListInvites => of_nothing(
            "Lists the invites that have not been taken",
            object([("invites", list(reference("Invite")), "")]),
            json!({ "invites": [{
                "invite_id": examples::invite_id(), "email": "ada@example.com",
                "role": "member", "invited_by": "owner@example.com", "created_at": time(),
                "expires_at": time(),
            }] }),
        ),
        Procedure::WithdrawInvite => {
            let arguments = json!({ "p_invite_id": examples::invite_id() });
            Described {
                summary: "Withdraws an invite",
                schema: read(&arguments, read_invite_id),
                arguments,
                status: 200,
                answer: object([
                    ("invite_id", schema::invite_id(), ""),
                    ("withdrawn", boolean(), ""),
                ]),
                example: json!({ "invite_id": examples::invite_id(), "withdrawn": true }),
                codes: INVALID_ID,
            }
        }
        Procedure::ListAuditEntries => {
            let arguments = json!({
                "p_action": "store.created", "p_email": "owner@example.com",
                "p_subject": examples::store_id(), "p_from": time(), "p_to": time(),
                "p_cursor": format!("{}.{}", examples::now().millis(), examples::audit_id()),
                "p_limit": 50,
            });
            Described {
                summary: "Lists entries of the audit log, newest first",
                schema: read(&arguments, ListAuditEntries::read),
                arguments,
                status: 200,
                answer: page("entries", "AuditEntry"),
                example: json!({ "entries": [{
                    "id": examples::audit_id(), "at": time(), "action": "store.created",
                    "user_id": examples::user_id(), "email": "owner@example.com",
                    "api_key_id": examples::api_key_id(), "address": "192.0.2.1",
                    "subject": examples::store_id(), "detail": { "name": "Main store" },
                }], "next_cursor": null }),
                codes: &[],
            }
        }
    }
}

fn store(archived: bool) -> Value {
    json!({
        "store_id": examples::store_id(), "name": "Main store", "created_at": time(),
        "archived_at": archived.then(time),
    })
}

fn member(role: &str) -> Value {
    json!({
        "user_id": examples::user_id(), "email": "owner@example.com", "role": role,
        "joined_at": time(), "last_seen_at": time(),
    })
}

fn key() -> Value {
    json!({
        "key_id": examples::key_id(), "preview": "pck_int_0000", "store_id": examples::store_id(),
        "namespace": examples::namespace(), "name": "Web shop", "source": "custom",
        "payload_format": "peptideclients", "scopes": ["orders:write"],
        "rate_limit_per_minute": 120, "require_signature": true, "capture_bodies": true,
        "status": "active", "awaiting_secret": false, "webhook_url": null,
        "notification_url": null, "created_at": time(),
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

fn request() -> Value {
    json!({
        "id": examples::request_id(), "received_at": time(), "method": "POST",
        "path": "/integrations/v1/orders", "status": 201, "latency_ms": 9, "outcome": "accepted",
        "count": 1, "topic": null, "idempotency_key": "order-A-1", "external_id": "A-1",
        "internal_id": examples::order_id(), "error_code": null, "detail": null,
    })
}
