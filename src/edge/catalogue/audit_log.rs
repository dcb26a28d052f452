//! `audit_log`: append-only.

use worker::D1PreparedStatement;
use worker::wasm_bindgen::JsValue;

use super::{Catalogue, millis, optional, text};
use crate::domain::id::{AuditId, WorkspaceId};
use crate::domain::time::Timestamp;
use crate::edge::Result;
use crate::protocol::key_gate::Actor;

/// An entry to be written.
#[derive(Debug)]
pub struct AuditEntry<'a> {
    pub id: AuditId,
    pub workspace: WorkspaceId,
    pub at: Timestamp,
    pub action: &'a str,
    pub actor: &'a Actor,
    pub subject: &'a str,
    pub detail: serde_json::Value,
}

impl Catalogue {
    /// Writes the entry, once: an entry with the same id stands as it is.
    pub fn insert_audit(&self, entry: &AuditEntry<'_>) -> Result<D1PreparedStatement> {
        self.statement(
            "INSERT OR IGNORE INTO audit_log
               (id, workspace_id, at, action, user_id, api_key_id, address, subject, detail)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            &[
                text(&entry.id),
                text(&entry.workspace),
                millis(entry.at),
                JsValue::from_str(entry.action),
                text(&entry.actor.user_id),
                optional(entry.actor.api_key_id, |id| text(&id)),
                optional(entry.actor.address.as_deref(), JsValue::from_str),
                JsValue::from_str(entry.subject),
                text(&entry.detail),
            ],
        )
    }
}
