//! The arguments of the procedures for a key's requests and parked events.

use super::keys::{arguments, key_id, limit};
use crate::api::fields::{Fields, MAX_TEXT, note};
#[cfg(test)]
use crate::api::recording;
use crate::domain::credential::{KeyId, TagKeys};
use crate::domain::id::{RequestId, SequenceId};
use crate::domain::log::Outcome;
use crate::domain::rejection::{Code, Rejection};
use crate::protocol::key_gate::RequestFilter;

/// `core.rpc_list_integration_requests`: the key and the filter.
pub fn read_list_requests(
    body: &[u8],
    tag_keys: &TagKeys,
) -> Result<(KeyId, RequestFilter), Rejection> {
    arguments(body, |fields| {
        let key_id = key_id(fields, tag_keys);
        let status = fields.integer("p_status");
        note!(fields, "p_status", serde_json::json!({ "minimum": 100, "maximum": 599 }));
        let status = status.and_then(|status| {
            let valid = (100..=599).contains(&status);
            if !valid {
                fields.problem("p_status", "out_of_range", "must be an HTTP status.");
            }
            u16::try_from(status).ok().filter(|_| valid)
        });
        let outcomes = Outcome::ALL.map(Outcome::as_str).join(", ");
        let code = |text: &str| Code::ALL.iter().copied().find(|code| code.as_str() == text);
        let filter = RequestFilter {
            limit: limit(fields),
            before: row_cursor(fields),
            from: fields.timestamp("p_received_from"),
            to: fields.timestamp("p_received_to"),
            status,
            status_class: None,
            errors: false,
            outcome: fields.choice("p_outcome", Outcome::parse, &outcomes),
            error_code: fields.choice("p_error_code", code, "the documented error codes"),
            external_id: fields.text("p_external_id", MAX_TEXT),
            idempotency_key: fields.text("p_idempotency_key", MAX_TEXT),
        };
        note!(
            fields,
            "p_error_code",
            serde_json::json!({
                "enum": recording::texts(Code::ALL, Code::as_str), "maxLength": null,
            })
        );
        Some((key_id?, filter))
    })
}

/// `core.rpc_list_parked_events`: the key, the limit and the row before which the page starts.
pub fn read_list_parked(
    body: &[u8],
    tag_keys: &TagKeys,
) -> Result<(KeyId, u32, Option<i64>), Rejection> {
    arguments(body, |fields| {
        let key_id = key_id(fields, tag_keys);
        let (limit, before) = (limit(fields), row_cursor(fields));
        Some((key_id?, limit, before))
    })
}

/// `core.rpc_retry_parked_event`, `core.rpc_discard_parked_event`: the key and the row of the
/// parked event, whose id is that of the request that delivered it.
pub fn read_parked_event(
    body: &[u8],
    tag_keys: &TagKeys,
) -> Result<(KeyId, SequenceId), Rejection> {
    let (key_id, row) = arguments(body, |fields| {
        let key_id = key_id(fields, tag_keys);
        let text = fields.text("p_event_id", MAX_TEXT);
        note!(fields, "p_event_id", recording::id(RequestId::unlogged([0; 19])));
        let text = fields.required("p_event_id", text);
        let id = text.as_deref().and_then(RequestId::parse);
        let row = id.and_then(|id| id.row());
        if text.is_some() && row.is_none() {
            fields.problem("p_event_id", "invalid_id", "must be a parked event's id, req_….");
        }
        // Rows are times, so another key may have a parked event in the same row.
        let belongs_to_key =
            key_id.as_ref().and_then(KeyId::gate).zip(id).is_some_and(|(gate, id)| id.is_of(gate));
        Some((key_id?, row.map(|row| belongs_to_key.then_some(row))?))
    })?;
    let row =
        row.ok_or_else(|| Rejection::new(Code::NotFound, "This key has no such parked event."))?;
    Ok((key_id, row))
}

/// The `next_cursor` of an earlier page: the number of a row.
fn row_cursor(fields: &mut Fields<'_>) -> Option<i64> {
    let text = fields.text("p_cursor", MAX_TEXT)?;
    let row = text.parse().ok().and_then(SequenceId::from_i64).map(SequenceId::as_i64);
    if row.is_none() {
        fields.problem("p_cursor", "invalid_cursor", "must be the next_cursor of an earlier page.");
    }
    row
}
