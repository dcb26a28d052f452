//! The drawer of a key: its log, its parked events, its settings, one request.

use super::connectors::{layered, restricted};
use super::page::Page;
use super::visit::{ConsoleRequest, Session};
use crate::api::console_routes::KeyTab;
use crate::api::routes::webhook_url;
use crate::console::forms::FormErrors;
use crate::console::links;
use crate::console::pages::key_drawer::{KeyDrawer, key_drawer};
use crate::console::pages::key_log::{KeyLog, ROWS, key_log, log_rows};
use crate::console::pages::key_parked::{KEPT, KeyParked, key_parked};
use crate::console::pages::key_request::{KeyRequest, key_request};
use crate::console::pages::key_secret::SecretForm;
use crate::console::pages::key_settings::{KeySettings, Receipt, Relative, key_settings};
use crate::console::pages::log_filters::LogFilters;
use crate::console::pages::senders::sender_of;
use crate::domain::credential::KeyId;
use crate::domain::id::{RequestId, SequenceId};
use crate::domain::key::{KeyRecord, KeyStatus, PayloadFormat};
use crate::domain::log::Window;
use crate::domain::parked::ParkedCount;
use crate::domain::rejection::{Code, Rejection};
use crate::edge::Result;
use crate::edge::caller::Admin;
use crate::protocol::key_gate::{LoggedRequest, RequestFilter};

/// Parked events of one page.
const PARKED: u32 = 50;

/// A key that a path names, of the admin's workspace.
pub async fn key_of(visit: &ConsoleRequest<'_>, admin: &Admin, key: &str) -> Result<KeyRecord> {
    let id = KeyId::parse(key, &visit.settings.tag_keys)
        .ok_or_else(|| Rejection::new(Code::NotFound, "There is no such key."))?;
    visit.operations.key(admin, &id).await
}

/// The name of a key's store.
pub async fn store_name(visit: &ConsoleRequest<'_>, record: &KeyRecord) -> Result<String> {
    let store = visit.operations.catalogue.store(record.workspace_id, record.store_id).await?;
    Ok(store.map(|store| store.name).unwrap_or_default())
}

/// The row that a request id of this key names.
pub fn row_of(record: &KeyRecord, request: &str) -> Result<SequenceId> {
    RequestId::parse(request)
        .filter(|id| id.is_of(record.key_hash.gate()))
        .and_then(|id| id.row())
        .ok_or_else(|| Rejection::new(Code::NotFound, "This key has no such request."))
}

pub async fn drawer(
    visit: &ConsoleRequest<'_>,
    session: &Session,
    key: &str,
    tab: KeyTab,
) -> Result<Page> {
    let Some(admin) = session.admin() else { return Ok(restricted(visit, session)) };
    let record = key_of(visit, &admin, key).await?;
    if tab == KeyTab::Requests && visit.wants_only(ROWS) {
        let (filter, _) = LogFilters::from_query(&visit.query()).to_filter(visit.operations.now);
        let (requests, _) = visit.operations.requests(&admin, &record.key_id, filter).await?;
        return Ok(Page::html(200, log_rows(key, &requests)));
    }
    let (content, parked) = match tab {
        KeyTab::Requests => (requests_tab(visit, &admin, &record).await?, None),
        KeyTab::Parked => parked_tab(visit, session, &admin, &record).await?,
        KeyTab::Settings => {
            let secret = SecretForm { errors: &FormErrors::default(), notification_url: None };
            (settings_tab(visit, session, &admin, &record, secret).await?, None)
        }
    };
    in_drawer(visit, session, 200, &record, tab, parked, content).await
}

pub async fn in_drawer(
    visit: &ConsoleRequest<'_>,
    session: &Session,
    status: u16,
    record: &KeyRecord,
    tab: KeyTab,
    parked: Option<ParkedCount>,
    content: maud::Markup,
) -> Result<Page> {
    let store = store_name(visit, record).await?;
    let now = visit.operations.now;
    let layer = key_drawer(&KeyDrawer { record, store: &store, tab, parked, now }, content);
    layered(visit, session, status, layer).await
}

async fn requests_tab(
    visit: &ConsoleRequest<'_>,
    admin: &Admin,
    record: &KeyRecord,
) -> Result<maud::Markup> {
    let filters = LogFilters::from_query(&visit.query());
    let (filter, misread) = filters.to_filter(visit.operations.now);
    let window = filters.chosen_window().unwrap_or(Window::H24);
    let id = &record.key_id;
    let (requests, next) = visit.operations.requests(admin, id, filter).await?;
    let (buckets, total) = visit.operations.series(admin, id, window).await?;
    let hint = match record.payload_format {
        _ if record.awaits_secret() => {
            "The first one that is taken appears here by itself, once the signing secret has been pasted."
        }
        PayloadFormat::Gateway => {
            "The first one appears here by itself. Send it with the command that was shown when the key was minted, or see Settings for where to post."
        }
        PayloadFormat::WooCommerce => {
            "The first one appears here by itself. Save the webhook in the shop: its ping comes at once. The delivery URL is under Settings."
        }
        _ => {
            "The first one appears here by itself, as soon as the sender has something to tell. The webhook URL is under Settings."
        }
    };
    Ok(key_log(&KeyLog {
        key_id: id.as_str(),
        hint,
        requests: &requests,
        next: next.and_then(SequenceId::from_i64),
        filters: &filters,
        misread: &misread,
        window,
        buckets: &buckets,
        total,
    }))
}

async fn parked_tab(
    visit: &ConsoleRequest<'_>,
    session: &Session,
    admin: &Admin,
    record: &KeyRecord,
) -> Result<(maud::Markup, Option<ParkedCount>)> {
    let query = visit.query();
    let before =
        query.get("cursor").parse().ok().and_then(SequenceId::from_i64).map(SequenceId::as_i64);
    let id = &record.key_id;
    let usage = visit.operations.usage(admin, id).await?;
    let count = usage.parked;
    let kept = match query.get("view") {
        KEPT => true,
        "" => count.attention == 0 && count.awaiting_details > 0,
        _ => false,
    };
    let listed = visit.operations.parked(admin, id, PARKED, before, Some(kept)).await?;
    let (gate, events, next) = listed;
    let csrf = visit.csrf(session);
    let content = key_parked(&KeyParked {
        csrf: &csrf,
        key_id: id.as_str(),
        gate,
        events: &events,
        next,
        count,
        kept,
        sender: sender_of(record).title,
        later: before.is_some(),
        failing: &usage.failing,
        live: record.status != KeyStatus::Revoked,
        now: visit.operations.now,
    });
    Ok((content, Some(count)))
}

pub async fn settings_tab(
    visit: &ConsoleRequest<'_>,
    session: &Session,
    admin: &Admin,
    record: &KeyRecord,
    secret: SecretForm<'_>,
) -> Result<maud::Markup> {
    let catalogue = &visit.operations.catalogue;
    let store = store_name(visit, record).await?;
    let csrf = visit.csrf(session);
    let url = webhook_url(visit.api_origin(), record.payload_format, record.key_id.as_str());
    let successors = catalogue.successors(admin.workspace_id, &record.key_id).await?;
    let predecessor = match &record.rotated_from {
        Some(id) => Some(visit.operations.key(admin, id).await?),
        None => None,
    };
    let mut relatives = Vec::new();
    for relative in &successors {
        relatives.push(with_traffic(visit, admin, relative).await);
    }
    let predecessor = match &predecessor {
        Some(record) => Some(with_traffic(visit, admin, record).await),
        None => None,
    };
    let after_end = receipt(visit, admin, record).await?;
    Ok(key_settings(&KeySettings {
        csrf: &csrf,
        record,
        store: &store,
        webhook_url: url.as_deref(),
        own: with_traffic(visit, admin, record).await,
        predecessor,
        successors: &relatives,
        receipt: record.revoked_at.zip(after_end.as_ref()).map(|(revoked_at, (last, later))| {
            Receipt { revoked_at, last_accepted: last.as_ref(), later }
        }),
        secret,
        now: visit.operations.now,
    }))
}

/// A key with its traffic; a gate that does not answer leaves that open.
async fn with_traffic<'a>(
    visit: &ConsoleRequest<'_>,
    admin: &Admin,
    record: &'a KeyRecord,
) -> Relative<'a> {
    match visit.operations.stats(admin, &record.key_id).await {
        Ok(stats) => Relative { record, h24: Some(stats.h24), last_used_at: stats.last_used_at },
        Err(_) => Relative { record, h24: None, last_used_at: None },
    }
}

/// Of a revoked key: the last request that was accepted, and those that came after its end.
async fn receipt(
    visit: &ConsoleRequest<'_>,
    admin: &Admin,
    record: &KeyRecord,
) -> Result<Option<(Option<LoggedRequest>, Vec<LoggedRequest>)>> {
    let Some(revoked_at) = record.revoked_at else { return Ok(None) };
    let accepted = RequestFilter { limit: 1, status_class: Some(2), ..RequestFilter::default() };
    let later = RequestFilter {
        limit: 50,
        from: Some(revoked_at),
        errors: true,
        ..RequestFilter::default()
    };
    let (accepted, _) = visit.operations.requests(admin, &record.key_id, accepted).await?;
    let (later, _) = visit.operations.requests(admin, &record.key_id, later).await?;
    Ok(Some((accepted.into_iter().next(), later)))
}

/// One request, opened.
pub async fn request(
    visit: &ConsoleRequest<'_>,
    session: &Session,
    key: &str,
    request: &str,
) -> Result<Page> {
    let Some(admin) = session.admin() else { return Ok(restricted(visit, session)) };
    let record = key_of(visit, &admin, key).await?;
    let row = row_of(&record, request)?;
    let detail = visit.operations.request(&admin, &record.key_id, row).await?;
    let csrf = visit.csrf(session);
    let permalink = format!("{}{}", visit.console_origin(), links::request(key, request));
    let content = key_request(&KeyRequest {
        csrf: &csrf,
        record: &record,
        detail: &detail,
        permalink: &permalink,
    });
    in_drawer(visit, session, 200, &record, KeyTab::Requests, None, content).await
}
