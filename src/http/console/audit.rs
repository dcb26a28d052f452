//! Settings → Audit log, and its export.

use serde_json::json;

use super::export::{ExportFile, export};
use super::page::Page;
use super::request::{ConsoleRequest, Session};
use crate::Result;
use crate::catalogue::Catalogue;
use crate::catalogue::audit_log::AuditRow;
use tidegate_console::components::restricted_card;
use tidegate_console::layout::Section;
use tidegate_console::pages::audit::{Audit, COLUMNS, Entry, Filters, audit, values};
use tidegate_console::routes::Export;
use tidegate_core::domain::audit::AuditCursor;

/// Entries on one page.
const PAGE: u32 = 50;

/// Entries that an export reads per query.
const EXPORT_PAGE: u32 = 1_000;

pub async fn list(request: &ConsoleRequest<'_>, session: &Session) -> Result<Page> {
    let Some(admin) = session.admin() else {
        let card = restricted_card("The audit log");
        let markup = request.page_markup(session, "Audit log", Section::Audit, None, card);
        return Ok(Page::html(403, markup));
    };
    let query = request.query();
    let filters = Filters::from_query(&query);
    let cursor = AuditCursor::parse(query.get("cursor"));
    let catalogue = &request.control_plane.catalogue;
    let page = catalogue.audit_entries(admin.workspace_id, &filters.read()?, cursor, PAGE).await?;
    let entries: Vec<_> = page.entries.into_iter().map(entry).collect();
    let main = audit(&Audit {
        entries: &entries,
        filters: &filters,
        later: cursor.is_some(),
        next: page.next,
        stopped: page.next.is_some() && entries.len() < PAGE as usize,
    });
    Ok(Page::html(200, request.page_markup(session, "Audit log", Section::Audit, None, main)))
}

fn entry(row: AuditRow) -> Entry {
    let AuditRow { id, at, action, user_id, email, api_key_id, address, subject, detail } = row;
    Entry {
        id: id.to_string(),
        at,
        action,
        email,
        user_id: user_id.map(|id| id.to_string()),
        api_key_id: api_key_id.map(|id| id.to_string()),
        address,
        subject,
        // The column always contains a JSON object.
        detail: serde_json::from_str(&detail).unwrap_or_default(),
    }
}

/// All entries that match a filter, as a file. The export itself is written to the audit log before
/// the file is sent.
pub async fn export_entries(
    request: &ConsoleRequest<'_>,
    session: &Session,
    format: Export,
) -> Result<Page> {
    let admin = session.require_admin()?;
    let filters = Filters::from_query(&request.query());
    let mut filter = filters.read()?;
    // Entries written from now on, including the one for this export, are not in the file.
    let now = request.control_plane.now;
    filter.to = Some(filter.to.map_or(now, |to| to.min(now)));
    let workspace = admin.workspace_id;
    let filter_used: serde_json::Map<_, _> = filters
        .pairs("")
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name.to_owned(), json!(value)))
        .collect();
    let detail = json!({ "format": format.extension(), "filter": filter_used });
    let subject = workspace.to_string();
    let (control_plane, actor) = (&request.control_plane, &admin.actor);
    let insert = control_plane.audit(workspace, actor, "audit.exported", &subject, detail)?;
    control_plane.catalogue.batch(vec![insert]).await?;
    let catalogue = Catalogue::open(request.env)?;
    let day = now.to_rfc3339().chars().take(10).collect::<String>();
    let file = ExportFile { name: format!("audit-log-{day}"), format, columns: COLUMNS, values };
    export(file, async move |cursor| {
        let page = catalogue.audit_entries(workspace, &filter, cursor, EXPORT_PAGE).await?;
        Ok((page.entries.into_iter().map(entry).collect(), page.next))
    })
    .await
}
