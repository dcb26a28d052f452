//! The drawer of a key: its log, its parked events, its settings, one request.

use futures_util::future::{OptionFuture, join, join_all};

use super::connectors::{layer_page, restricted_page};
use super::page::Page;
use super::request::{ConsoleRequest, Session};
use crate::Result;
use crate::control::caller::Admin;
use crate::control::{GATE_DEADLINE_MS, OwnedKey, Relatives};
use tidegate_console::forms::FormErrors;
use tidegate_console::links;
use tidegate_console::pages::key_drawer::{KeyDrawer, key_drawer};
use tidegate_console::pages::key_log::{KeyLog, ROWS, key_log, log_rows};
use tidegate_console::pages::key_parked::{AWAITING_DETAILS, KeyParked, key_parked};
use tidegate_console::pages::key_request::{KeyRequest, key_request};
use tidegate_console::pages::key_secret::SecretForm;
use tidegate_console::pages::key_settings::{KeySettings, Receipt, Relative, key_settings};
use tidegate_console::pages::log_filters::LogFilters;
use tidegate_console::pages::senders::sender_of;
use tidegate_console::routes::KeyTab;
use tidegate_core::api::routes::webhook_url;
use tidegate_core::domain::credential::KeyId;
use tidegate_core::domain::id::{RequestId, SequenceId};
use tidegate_core::domain::key::{KeyRecord, KeyStatus};
use tidegate_core::domain::log::Window;
use tidegate_core::domain::parked::ParkedCount;
use tidegate_core::domain::rejection::{Code, Rejection};
use tidegate_core::domain::sender::Webhooks;
use tidegate_core::protocol::key_gate::{LoggedRequest, RequestFilter};

/// The most rows that a page with a live tail shows, and fetches at once.
const LIVE_ROWS: u32 = 200;

/// Parked events on one page.
const PARKED_PAGE: u32 = 50;

/// The key with the id from the path. Another workspace's key is not found.
pub async fn find_key(request: &ConsoleRequest<'_>, admin: &Admin, key: &str) -> Result<OwnedKey> {
    let id = KeyId::parse(key, &request.settings.tag_keys)
        .ok_or_else(|| Rejection::new(Code::NotFound, "There is no such key."))?;
    request.control_plane.key(admin, &id).await
}

/// The sequence id in a request id of this key. A request id of another key is not found.
pub fn sequence_id_of(record: &KeyRecord, request_id: &str) -> Result<SequenceId> {
    let id = RequestId::parse(request_id).filter(|id| id.is_of(record.key_hash.gate()));
    let row = id.and_then(|id| id.row());
    Ok(row.ok_or_else(|| Rejection::new(Code::NotFound, "This key has no such request."))?)
}

pub async fn drawer(
    request: &ConsoleRequest<'_>,
    session: &Session,
    key: &str,
    tab: KeyTab,
) -> Result<Page> {
    let Some(admin) = session.admin() else { return Ok(restricted_page(request, session)) };
    let record = find_key(request, &admin, key).await?;
    if tab == KeyTab::Requests && request.wants_only(ROWS) {
        let (filter, _) =
            LogFilters::from_query(&request.query()).to_filter(request.control_plane.now);
        let filter = RequestFilter { limit: LIVE_ROWS, ..filter };
        let (requests, _) = request.control_plane.requests(&record, filter).await?;
        return Ok(Page::html(200, log_rows(key, &requests)));
    }
    let (content, parked) = match tab {
        KeyTab::Requests => (requests_tab(request, &record).await?, None),
        KeyTab::Parked => parked_tab(request, session, &record).await?,
        KeyTab::Settings => {
            let secret = SecretForm { errors: &FormErrors::default(), notification_url: None };
            (settings_tab(request, session, &record, secret).await?, None)
        }
    };
    drawer_page(request, session, 200, &record, tab, parked, content).await
}

/// The drawer of a key with the content of a tab. `parked` is the count on the parked events tab,
/// if it is known.
pub async fn drawer_page(
    request: &ConsoleRequest<'_>,
    session: &Session,
    status: u16,
    record: &OwnedKey,
    tab: KeyTab,
    parked: Option<ParkedCount>,
    content: maud::Markup,
) -> Result<Page> {
    let (store, now) = (&record.store().name, request.control_plane.now);
    let layer = key_drawer(&KeyDrawer { record, store, tab, parked, now }, content);
    layer_page(request, session, status, layer).await
}

async fn requests_tab(request: &ConsoleRequest<'_>, record: &OwnedKey) -> Result<maud::Markup> {
    let filters = LogFilters::from_query(&request.query());
    let (filter, invalid) = filters.to_filter(request.control_plane.now);
    let window = filters.chosen_window().unwrap_or(Window::H24);
    let id = &record.key_id;
    let (requests, next) = request.control_plane.requests(record, filter).await?;
    let (buckets, total) = request.control_plane.series(record, window).await?;
    let hint = match record.payload_format.webhooks() {
        _ if record.awaits_secret() => {
            "The first one that is taken appears here by itself, once the signing secret has been pasted."
        }
        None => {
            "The first one appears here by itself. Send it with the command that was shown when the key was minted, or see Settings for where to post."
        }
        Some(Webhooks { is_ping: Some(_), .. }) => {
            "The first one appears here by itself. Save the webhook in the shop: its ping comes at once. The delivery URL is under Settings."
        }
        Some(_) => {
            "The first one appears here by itself, as soon as the sender has something to tell. The webhook URL is under Settings."
        }
    };
    Ok(key_log(&KeyLog {
        key_id: id.as_str(),
        hint,
        requests: &requests,
        next: next.and_then(SequenceId::from_i64),
        filters: &filters,
        invalid: &invalid,
        window,
        buckets: &buckets,
        total,
    }))
}

async fn parked_tab(
    request: &ConsoleRequest<'_>,
    session: &Session,
    record: &OwnedKey,
) -> Result<(maud::Markup, Option<ParkedCount>)> {
    let query = request.query();
    let before =
        query.get("cursor").parse().ok().and_then(SequenceId::from_i64).map(SequenceId::as_i64);
    let usage = request.control_plane.usage(record, GATE_DEADLINE_MS).await?;
    let count = usage.parked;
    let awaiting_details = match query.get("view") {
        AWAITING_DETAILS => true,
        "" => count.attention == 0 && count.awaiting_details > 0,
        _ => false,
    };
    let only = Some(awaiting_details);
    let (events, next) = request.control_plane.parked(record, PARKED_PAGE, before, only).await?;
    let csrf = request.csrf(session);
    let content = key_parked(&KeyParked {
        csrf: &csrf,
        key_id: record.key_id.as_str(),
        gate: record.key_hash.gate(),
        events: &events,
        next,
        count,
        awaiting_details,
        sender: sender_of(record).title,
        later: before.is_some(),
        failing: &usage.failing,
        failure_budget: (record.payload_format.webhooks())
            .and_then(|webhooks| webhooks.failure_budget),
        live: record.status != KeyStatus::Revoked,
        now: request.control_plane.now,
    });
    Ok((content, Some(count)))
}

pub async fn settings_tab(
    request: &ConsoleRequest<'_>,
    session: &Session,
    record: &OwnedKey,
    secret: SecretForm<'_>,
) -> Result<maud::Markup> {
    let csrf = request.csrf(session);
    let url = webhook_url(request.api_origin(), record.payload_format, record.key_id.as_str());
    let Relatives { predecessor, successors } = request.control_plane.relatives(record).await?;
    let traffic = |key| with_traffic(request, key);
    let (own, (predecessor, relatives)) = join(
        traffic(record),
        join(
            OptionFuture::from(predecessor.as_ref().map(traffic)),
            join_all(successors.iter().map(traffic)),
        ),
    )
    .await;
    let receipt = receipt(request, record).await?;
    Ok(key_settings(&KeySettings {
        csrf: &csrf,
        record,
        store: &record.store().name,
        webhook_url: url.as_deref(),
        own,
        predecessor,
        successors: &relatives,
        receipt: record.revoked_at.zip(receipt.as_ref()).map(|(revoked_at, (accepted, later))| {
            Receipt { revoked_at, last_accepted: accepted.as_ref(), later }
        }),
        secret,
        now: request.control_plane.now,
    }))
}

/// A key with its traffic, which is `None` if its KeyGate does not answer.
async fn with_traffic<'a>(request: &ConsoleRequest<'_>, record: &'a OwnedKey) -> Relative<'a> {
    match request.control_plane.stats(record).await {
        Ok(stats) => Relative { record, h24: Some(stats.h24), last_used_at: stats.last_used_at },
        Err(_) => Relative { record, h24: None, last_used_at: None },
    }
}

/// For a revoked key: the last request that was accepted, and the failed requests since the
/// revocation. `None` for any other key.
async fn receipt(
    request: &ConsoleRequest<'_>,
    record: &OwnedKey,
) -> Result<Option<(Option<LoggedRequest>, Vec<LoggedRequest>)>> {
    let Some(revoked_at) = record.revoked_at else { return Ok(None) };
    let accepted = RequestFilter { limit: 1, status_class: Some(2), ..RequestFilter::default() };
    let later = RequestFilter {
        limit: 50,
        from: Some(revoked_at),
        errors: true,
        ..RequestFilter::default()
    };
    let (accepted, _) = request.control_plane.requests(record, accepted).await?;
    let (later, _) = request.control_plane.requests(record, later).await?;
    Ok(Some((accepted.into_iter().next(), later)))
}

/// One request of a key in detail.
pub async fn request(
    request: &ConsoleRequest<'_>,
    session: &Session,
    key: &str,
    request_id: &str,
) -> Result<Page> {
    let Some(admin) = session.admin() else { return Ok(restricted_page(request, session)) };
    let record = find_key(request, &admin, key).await?;
    let row = sequence_id_of(&record, request_id)?;
    let detail = request.control_plane.request(&record, row).await?;
    let csrf = request.csrf(session);
    let permalink = format!("{}{}", request.console_origin(), links::request(key, request_id));
    let content = key_request(&KeyRequest {
        csrf: &csrf,
        record: &record,
        detail: &detail,
        permalink: &permalink,
    });
    drawer_page(request, session, 200, &record, KeyTab::Requests, None, content).await
}
