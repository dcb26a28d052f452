//! The request log as a file, and live.

use worker::worker_sys::web_sys::Response;

use super::export::{Exported, export};
use super::keys::key_of;
use super::page::Page;
use super::visit::{ConsoleRequest, Session};
use crate::api::console_routes::Export;
use crate::console::pages::key_log::{EXPORT_COLUMNS, export_values};
use crate::console::pages::log_filters::LogFilters;
use crate::domain::rejection::{Code, Rejection};
use crate::edge::Result;
use crate::edge::incoming::header;
use crate::edge::objects::{Objects, TailFailed};
use crate::edge::operations::ControlPlane;
use crate::protocol::key_gate::{RequestFilter, TailTicket, object_name};

/// The requests that the filters of the page select, as a file. The audit log notes who took it.
pub async fn export_requests(
    visit: &ConsoleRequest<'_>,
    session: &Session,
    key: &str,
    format: Export,
) -> Result<Page> {
    let admin = session.require_admin()?;
    let record = key_of(visit, &admin, key).await?;
    let (filter, _) = LogFilters::from_query(&visit.query()).to_filter(visit.operations.now);
    let filter = RequestFilter { limit: RequestFilter::MAX_LIMIT, before: None, ..filter };
    let detail = serde_json::json!({ "name": record.name });
    let audit = visit.operations.audit(
        admin.workspace_id,
        &admin.actor,
        "integration_key.log_exported",
        record.key_id.as_str(),
        detail,
    )?;
    visit.operations.catalogue.batch(vec![audit]).await?;
    let file = Exported {
        name: format!("requests-{}", record.key_id),
        format,
        columns: EXPORT_COLUMNS,
        values: export_values,
    };
    let (env, settings) = (visit.env.clone(), visit.settings.clone());
    export(file, async move |before: Option<i64>| {
        let filter = RequestFilter { before, ..filter.clone() };
        ControlPlane::new(&env, &settings)?.requests(&admin, &record.key_id, filter).await
    })
    .await
}

/// The socket that follows a key's log: from its KeyGate to the page of an owner or admin. `Origin`
/// is checked, because browsers let any site open a socket to any other.
pub async fn tail(visit: &ConsoleRequest<'_>, session: &Session, key: &str) -> Result<Response> {
    let admin = session.require_admin()?;
    let upgrade = header(visit.request, "upgrade")?.unwrap_or_default();
    if !upgrade.eq_ignore_ascii_case("websocket") {
        return Err(Rejection::new(Code::InvalidQuery, "This address takes a WebSocket."));
    }
    if header(visit.request, "origin")?.as_deref() != Some(visit.target.origin) {
        return Err(Rejection::new(Code::Forbidden, "This socket was opened by another site."));
    }
    let record = key_of(visit, &admin, key).await?;
    let (filter, _) = LogFilters::from_query(&visit.query()).to_filter(visit.operations.now);
    let gate = record.key_hash.gate();
    let now = visit.operations.now;
    // What ends the session must find the tail, so it is noted first.
    let catalogue = &visit.operations.catalogue;
    let name = object_name(&gate);
    catalogue.batch(vec![catalogue.insert_tail(&session.hash, &name, now)?]).await?;
    let ticket = TailTicket {
        session: session.hash.to_hex(),
        user_id: admin.actor.user_id,
        filter: RequestFilter { before: None, from: None, ..filter },
        opened_at: now,
    };
    let opened = Objects::key_gates(visit.env)?.tail(&name, &ticket).await;
    opened.map_err(|failed| match failed {
        TailFailed::FilterTooLong => {
            Rejection::new(Code::InvalidQuery, "These filters are too long to be followed live.")
        }
        TailFailed::NoAnswer => {
            Rejection::new(Code::Unavailable, "The key's gate did not answer in time. Try again.")
                .retry_after(2)
        }
    })
}
