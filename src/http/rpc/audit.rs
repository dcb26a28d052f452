//! The handler of the audit log.

use super::Call;
use crate::Result;
use crate::catalogue::audit_log::AuditRow;
use crate::control::caller::Admin;
use tidegate_core::api::output::Rfc3339;
use tidegate_core::api::procedures::Audit;
use tidegate_core::api::procedures::audit::{AuditEntryOut, AuditPageOut, ListAuditEntries};

impl Audit for Call<'_> {
    async fn list_audit_entries(
        &self,
        admin: &Admin,
        arguments: ListAuditEntries,
    ) -> Result<AuditPageOut> {
        let ListAuditEntries { filter, cursor, limit } = arguments;
        let catalogue = &self.control_plane.catalogue;
        let page = catalogue.audit_entries(admin.workspace_id, &filter, cursor, limit).await?;
        Ok(AuditPageOut {
            entries: page.entries.into_iter().map(entry_out).collect(),
            next_cursor: page.next.map(|cursor| cursor.to_string()),
        })
    }
}

fn entry_out(entry: AuditRow) -> AuditEntryOut {
    let AuditRow { id, at, action, user_id, email, api_key_id, address, subject, detail } = entry;
    AuditEntryOut {
        id,
        at: Rfc3339(at),
        action,
        user_id,
        email,
        api_key_id,
        address,
        subject,
        detail: serde_json::from_str(&detail).unwrap_or_default(),
    }
}
