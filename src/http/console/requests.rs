//! The request log of a key: its export as a file, and its live tail.

use worker::worker_sys::web_sys::Response;

use super::export::{ExportFile, export};
use super::keys::find_key;
use super::page::Page;
use super::request::{ConsoleRequest, Session};
use crate::Result;
use crate::control::ControlPlane;
use crate::objects::client::{KEY_GATE, Objects, TailFailed};
use crate::platform::incoming::header;
use tidegate_console::pages::key_log::{EXPORT_COLUMNS, export_values};
use tidegate_console::pages::log_filters::LogFilters;
use tidegate_console::routes::Export;
use tidegate_core::domain::rejection::{Code, Rejection};
use tidegate_core::protocol::key_gate::{RequestFilter, TailTicket, object_name};

/// The requests that match the filters of the page, as a file. The export is written to the audit
/// log.
pub async fn export_requests(
    request: &ConsoleRequest<'_>,
    session: &Session,
    key: &str,
    format: Export,
) -> Result<Page> {
    let admin = session.require_admin()?;
    let record = find_key(request, &admin, key).await?;
    let (filter, _) = LogFilters::from_query(&request.query()).to_filter(request.control_plane.now);
    let filter = RequestFilter { limit: RequestFilter::MAX_LIMIT, before: None, ..filter };
    let detail = serde_json::json!({ "name": record.name });
    let audit = request.control_plane.audit(
        admin.workspace_id,
        &admin.actor,
        "integration_key.log_exported",
        record.key_id.as_str(),
        detail,
    )?;
    request.control_plane.catalogue.batch(vec![audit]).await?;
    let file = ExportFile {
        name: format!("requests-{}", record.key_id),
        format,
        columns: EXPORT_COLUMNS,
        values: export_values,
    };
    let (env, settings) = (request.env.clone(), request.settings.clone());
    export(file, async move |before: Option<i64>| {
        let filter = RequestFilter { before, ..filter.clone() };
        ControlPlane::new(&env, &settings)?.requests(&record, filter).await
    })
    .await
}

/// Opens a live tail: a WebSocket from a key's KeyGate to the page of an owner or admin. `Origin`
/// is checked because browsers let any site open a WebSocket to any other.
pub async fn tail(request: &ConsoleRequest<'_>, session: &Session, key: &str) -> Result<Response> {
    let admin = session.require_admin()?;
    let upgrade = header(request.http, "upgrade")?.unwrap_or_default();
    if !upgrade.eq_ignore_ascii_case("websocket") {
        return Err(Rejection::new(Code::InvalidQuery, "This address takes a WebSocket.").into());
    }
    if header(request.http, "origin")?.as_deref() != Some(request.target.origin) {
        return Err(
            Rejection::new(Code::Forbidden, "This socket was opened by another site.").into()
        );
    }
    let record = find_key(request, &admin, key).await?;
    let (filter, _) = LogFilters::from_query(&request.query()).to_filter(request.control_plane.now);
    let gate = record.key_hash.gate();
    let now = request.control_plane.now;
    // The tail is recorded before it opens: whatever ends the session must find it to close it.
    let catalogue = &request.control_plane.catalogue;
    let name = object_name(&gate);
    catalogue.batch(vec![catalogue.insert_tail(&session.hash, &name, now)?]).await?;
    let ticket = TailTicket {
        session: session.hash.to_hex(),
        user_id: admin.actor.user_id,
        filter: RequestFilter { before: None, from: None, ..filter },
        opened_at: now,
    };
    let response = Objects::from_binding(request.env, KEY_GATE)?.open_tail(&name, &ticket).await;
    Ok(response.map_err(|error| match error {
        TailFailed::FilterTooLong => {
            Rejection::new(Code::InvalidQuery, "These filters are too long to be followed live.")
        }
        TailFailed::NoReply => Rejection::key_gate_unavailable(2),
    })?)
}
