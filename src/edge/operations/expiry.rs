//! Keys that expire: what the scheduled event records of them.

use serde_json::json;
use sha2::{Digest, Sha256};

use super::Operations;
use crate::domain::expiry::{NOTICES, notice};
use crate::domain::id::AuditId;
use crate::domain::time::DAY;
use crate::edge::Result;
use crate::edge::catalogue::audit_log::AuditEntry;

impl Operations<'_> {
    /// Notes in the audit log, once for each notice, the keys that expire within 14 and 3 days and
    /// those that have expired; and forgets sessions that have ended.
    pub async fn note_expiring(&self) -> Result<usize> {
        let longest = NOTICES.iter().copied().max().unwrap_or_default();
        let (from, to) = (self.now.plus(-DAY), self.now.plus(longest * DAY));
        let keys = self.catalogue.expiring_keys(None, from, to).await?;
        let mut batch = Vec::new();
        for record in &keys {
            let Some((days, at)) =
                record.expires_at.and_then(|at| Some((notice(at, self.now)?, at)))
            else {
                continue;
            };
            // The same key and notice have the same id, and an entry is written once.
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
        let noted = batch.len();
        batch.push(self.catalogue.delete_ended_sessions(self.now)?);
        self.catalogue.batch(batch).await?;
        Ok(noted)
    }
}
