//! The hourly maintenance: audit entries for keys that expire, and the deletion of ended sessions.

use serde_json::json;
use sha2::{Digest, Sha256};
use worker::D1PreparedStatement;

use super::ControlPlane;
use crate::Result;
use crate::catalogue::audit_log::AuditEntry;
use tidegate_core::domain::expiry::{NOTICES, notice};
use tidegate_core::domain::id::AuditId;
use tidegate_core::domain::key::KeyRecord;
use tidegate_core::domain::time::DAY;

/// Keys that are read per query.
const PAGE: u32 = 200;

impl ControlPlane<'_> {
    /// Writes audit entries for the keys that expire within 14 days, within 3 days, or have
    /// expired; each key gets each notice once. Then deletes the sessions that have ended.
    pub async fn hourly_maintenance(&self) -> Result<()> {
        let longest = NOTICES.iter().copied().max().unwrap_or_default();
        let to = self.now.plus(longest * DAY);
        let mut after = (self.now.plus(-DAY), String::new());
        loop {
            let keys = self.catalogue.expiring_keys((after.0, &after.1), to, PAGE).await?;
            let batch = self.notices(&keys)?;
            if !batch.is_empty() {
                self.catalogue.batch(batch).await?;
            }
            match keys.last().filter(|_| keys.len() == PAGE as usize) {
                Some(last) => {
                    let at = last.expires_at.unwrap_or(after.0);
                    after = (at, last.key_id.to_string());
                }
                None => break,
            }
        }
        self.catalogue.batch(vec![self.catalogue.delete_ended_sessions(self.now)?]).await
    }

    /// The statements that write the notices that are due.
    fn notices(&self, keys: &[KeyRecord]) -> Result<Vec<D1PreparedStatement>> {
        let mut batch = Vec::new();
        for record in keys {
            let Some((days, at)) =
                record.expires_at.and_then(|at| Some((notice(at, self.now)?, at)))
            else {
                continue;
            };
            // The id is derived from key and notice, and an id is written once.
            let digest = Sha256::digest(format!("expiring {} {days}", record.key_id));
            let mut id = [0; 10];
            id.copy_from_slice(&digest[..10]);
            let action =
                if days == 0 { "integration_key.expired" } else { "integration_key.expiring" };
            batch.push(self.catalogue.insert_audit(&AuditEntry {
                id: AuditId::from_random(id),
                workspace: record.workspace_id,
                at: self.now,
                action,
                actor: None,
                address: None,
                subject: record.key_id.as_str(),
                detail: json!({
                    "name": record.name, "expires_at": at.to_rfc3339(), "notice_days": days,
                }),
            })?);
        }
        Ok(batch)
    }
}
