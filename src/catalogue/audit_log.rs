//! `audit_log`: the append-only audit log.

use serde::Deserialize;
use worker::D1PreparedStatement;
use worker::wasm_bindgen::JsValue;

use super::{Catalogue, Query, millis, optional, text};
use crate::Result;
use tidegate_core::domain::actor::Actor;
use tidegate_core::domain::audit::{AuditCursor, AuditFilter};
use tidegate_core::domain::id::{ApiKeyId, AuditId, UserId, WorkspaceId};
use tidegate_core::domain::time::{LATEST, Timestamp};

/// An entry to write.
#[derive(Debug)]
pub struct AuditEntry<'a> {
    pub id: AuditId,
    pub workspace: WorkspaceId,
    pub at: Timestamp,
    pub action: &'a str,
    /// `None` if no signed-in user did it.
    pub actor: Option<&'a Actor>,
    /// The IP address that the action came from.
    pub address: Option<&'a str>,
    pub subject: &'a str,
    pub detail: serde_json::Value,
}

/// A row of the audit log, with the actor's e-mail address.
#[derive(Debug, Deserialize)]
pub struct AuditRow {
    pub id: AuditId,
    pub at: Timestamp,
    pub action: String,
    pub user_id: Option<UserId>,
    pub email: Option<String>,
    pub api_key_id: Option<ApiKeyId>,
    pub address: Option<String>,
    pub subject: String,
    /// A JSON object.
    pub detail: String,
}

/// A page of entries, and the cursor of the next page.
#[derive(Debug)]
pub struct AuditPage {
    pub entries: Vec<AuditRow>,
    pub next: Option<AuditCursor>,
}

/// Entries that a filtered page scans at most.
const MAX_SCAN: u32 = 1_000;

impl Catalogue {
    /// Writes the entry. If there is one with the same id, it stays as it is.
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
                optional(entry.actor, |actor| text(&actor.user_id)),
                optional(entry.actor.and_then(|actor| actor.api_key_id), |id| text(&id)),
                optional(entry.address, JsValue::from_str),
                JsValue::from_str(entry.subject),
                text(&entry.detail),
            ],
        )
    }

    /// A page of a workspace's log, newest first. With a filter it scans at most 1,000 entries
    /// (each costs two row reads: the entry and its index entry). So a page may have fewer entries
    /// than `limit` and still have a next page.
    pub async fn audit_entries(
        &self,
        workspace: WorkspaceId,
        filter: &AuditFilter,
        before: Option<AuditCursor>,
        limit: u32,
    ) -> Result<AuditPage> {
        let AuditFilter { action, email, subject, from, to } = filter;
        let end = to.map_or(LATEST.millis(), Timestamp::millis);
        let (before_at, before_id) = match before {
            Some(AuditCursor { at, id }) if at.millis() < end => (at.millis(), id.to_string()),
            _ => (end, String::new()),
        };
        let query = "SELECT a.*, u.email
             FROM (SELECT * FROM audit_log WHERE workspace_id = ?1 AND (at, id) < (?2, ?3)
                     AND at >= ?4 ORDER BY at DESC, id DESC LIMIT ?5) a
             LEFT JOIN users u ON u.id = a.user_id
             WHERE (?6 IS NULL OR a.action = ?6 OR substr(a.action, 1, length(?6) + 1) = ?6 || '.')
               AND (?7 IS NULL OR a.user_id = (SELECT id FROM users WHERE email = ?7))
               AND (?8 IS NULL OR a.subject = ?8)
             ORDER BY a.at DESC, a.id DESC LIMIT ?9";
        let filtered = action.is_some() || email.is_some() || subject.is_some();
        let scan = if filtered { MAX_SCAN.max(limit) } else { limit };
        let text_or_null = |value: &Option<String>| optional(value.as_deref(), JsValue::from_str);
        let parameters = [
            text(&workspace),
            JsValue::from_f64(before_at as f64),
            JsValue::from_str(&before_id),
            JsValue::from_f64(from.map_or(0, Timestamp::millis) as f64),
            JsValue::from_f64(f64::from(scan)),
            text_or_null(action),
            text_or_null(email),
            text_or_null(subject),
            JsValue::from_f64(f64::from(limit)),
        ];
        let entries = self.all::<AuditRow>(query, &parameters).await?;
        let next = if entries.len() >= limit as usize {
            entries.last().map(|last| AuditCursor { at: last.at, id: last.id })
        } else if filtered {
            self.end_of_scan(scan, &parameters[..5]).await?
        } else {
            None
        };
        Ok(AuditPage { entries, next })
    }

    /// The last entry that a filtered page scanned, if there may be older ones. If entries were
    /// written since the page was read, the result can be a newer entry, never an older one, so the
    /// next page skips nothing.
    async fn end_of_scan(&self, scan: u32, range: &[JsValue]) -> Result<Option<AuditCursor>> {
        #[derive(Deserialize)]
        struct ScanEnd {
            scanned: u32,
            last: Option<String>,
        }
        let query = "SELECT count(*) AS scanned, min(printf('%016d.%s', at, id)) AS last
             FROM (SELECT at, id FROM audit_log WHERE workspace_id = ?1 AND (at, id) < (?2, ?3)
                     AND at >= ?4 ORDER BY at DESC, id DESC LIMIT ?5)";
        let end = self.first::<ScanEnd>(query, range).await?;
        let last = end.filter(|end| end.scanned == scan).and_then(|end| end.last);
        Ok(last.as_deref().and_then(AuditCursor::parse))
    }

    /// How many entries of an action a workspace has since `from`, up to `limit`, and whether there
    /// may be more. Looks at no more than the newest 1,000 entries.
    pub fn count_entries(
        &self,
        workspace: WorkspaceId,
        action: &str,
        from: Timestamp,
        limit: u32,
    ) -> Result<Query<(u32, bool)>> {
        #[derive(Deserialize)]
        struct Counted {
            found: u32,
            scanned: u32,
        }
        let query = "SELECT count(*) FILTER (WHERE action = ?3) AS found, count(*) AS scanned
             FROM (SELECT action FROM audit_log WHERE workspace_id = ?1 AND at >= ?2
               ORDER BY at DESC, id DESC LIMIT ?4)";
        let parameters = [
            text(&workspace),
            millis(from),
            JsValue::from_str(action),
            JsValue::from_f64(f64::from(MAX_SCAN)),
        ];
        let counted = self.rows::<Counted>(query, &parameters)?;
        Ok(counted.map(move |rows| {
            let Some(Counted { found, scanned }) = rows.first() else { return Ok((0, false)) };
            Ok(((*found).min(limit), *found >= limit || *scanned == MAX_SCAN))
        }))
    }
}
