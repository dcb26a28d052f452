//! The JSON of keys, stores, requests, parked events, members, invites and audit entries in the
//! responses of the RPCs.

use serde_json::{Value, json};

use crate::catalogue::audit_log::AuditRow;
use crate::catalogue::members::{InviteRow, MemberRow};
use crate::catalogue::stores::Store;
use tidegate_core::api::routes::webhook_url;
use tidegate_core::domain::id::RequestId;
use tidegate_core::domain::key::KeyRecord;
use tidegate_core::domain::time::Timestamp;
use tidegate_core::protocol::key_gate::{LoggedRequest, ParkedEvent};

/// The JSON of a key, without its secrets.
pub fn key(record: &KeyRecord, api_origin: &str, now: Timestamp) -> Value {
    json!({
        "key_id": record.key_id,
        "preview": record.preview,
        "store_id": record.store_id,
        "namespace": record.namespace,
        "name": record.name,
        "source": record.source,
        "payload_format": record.payload_format,
        "scopes": record.scopes,
        "rate_limit_per_minute": record.rate_limit.per_minute(),
        "require_signature": record.require_signature,
        "capture_bodies": record.capture_bodies,
        "status": record.shown_status(now),
        "awaiting_secret": record.awaits_secret(),
        "webhook_url": webhook_url(api_origin, record.payload_format, record.key_id.as_str()),
        "notification_url": record.notification_url,
        "created_at": record.created_at.to_rfc3339(),
        "expires_at": record.expires_at.map(Timestamp::to_rfc3339),
        "revoked_at": record.revoked_at.map(Timestamp::to_rfc3339),
        "rotated_from": record.rotated_from,
    })
}

pub fn store(store: &Store) -> Value {
    json!({
        "store_id": store.id,
        "name": store.name,
        "created_at": store.created_at.to_rfc3339(),
        "archived_at": store.archived_at.map(Timestamp::to_rfc3339),
    })
}

pub fn request(request: &LoggedRequest) -> Value {
    request.to_api_json()
}

pub fn parked(event: &ParkedEvent, id: Option<RequestId>) -> Value {
    json!({
        "event_id": id,
        "received_at": event.received_at.to_rfc3339(),
        "reason": event.reason,
        "detail": event.detail,
        "topic": event.topic,
        "attempts": event.attempts,
        "next_attempt_at": event.next_attempt_at.map(Timestamp::to_rfc3339),
        "bytes": event.bytes,
    })
}

pub fn member(member: &MemberRow) -> Value {
    let MemberRow { user_id, email, role, created_at, seen_at } = member;
    json!({
        "user_id": user_id,
        "email": email,
        "role": role,
        "joined_at": created_at.to_rfc3339(),
        "last_seen_at": seen_at.map(Timestamp::to_rfc3339),
    })
}

pub fn invite(invite: &InviteRow) -> Value {
    let InviteRow {
        id,
        workspace_id: _,
        workspace_name: _,
        email,
        role,
        invited_by,
        created_at,
        expires_at,
    } = invite;
    json!({
        "invite_id": id,
        "email": email,
        "role": role,
        "invited_by": invited_by,
        "created_at": created_at.to_rfc3339(),
        "expires_at": expires_at.to_rfc3339(),
    })
}

pub fn audit_entry(entry: &AuditRow) -> Value {
    let AuditRow { id, at, action, user_id, email, api_key_id, address, subject, detail } = entry;
    json!({
        "id": id,
        "at": at.to_rfc3339(),
        "action": action,
        "user_id": user_id,
        "email": email,
        "api_key_id": api_key_id,
        "address": address,
        "subject": subject,
        "detail": serde_json::from_str::<Value>(detail).unwrap_or_default(),
    })
}
