//! The overview. The page comes first without its data; htmx then loads the part that takes longer.

use futures_util::future::{join, join_all};

use super::orders::{FAN_OUT, query_ledger};
use super::page::Page;
use super::request::{ConsoleRequest, Session};
use crate::Result;
use crate::catalogue::stores::Store;
use crate::control::caller::Admin;
use tidegate_console::layout::Section;
use tidegate_console::pages::attention::{Attention, Traffic};
use tidegate_console::pages::overview::{
    Overview, PART, Steps, StoreToday, Summary, Today, overview, today,
};
use tidegate_core::domain::audit::AuditFilter;
use tidegate_core::domain::key::KeyRecord;
use tidegate_core::domain::parked::ParkedCount;
use tidegate_core::domain::time::DAY;
use tidegate_core::protocol::key_gate::{GateCommand, GateReply};
use tidegate_core::protocol::store_ledger::LedgerCommand;

/// At most this many keys are asked for their traffic: the newest ones.
const MAX_KEYS: u32 = 50;

/// Milliseconds that a KeyGate may take to report its traffic.
const GATE_DEADLINE_MS: u32 = 2_500;

/// At most this many failed sign-ins are counted.
const MAX_SIGN_INS: u32 = 100;

/// A key is listed for renewal this long before it expires.
const RENEW_WITHIN: i64 = 14 * DAY;

pub async fn show(request: &ConsoleRequest<'_>, session: &Session) -> Result<Page> {
    let mut stores = request.control_plane.catalogue.stores(session.caller.workspace_id).await?;
    // An archived store gets no orders.
    stores.retain(|store| store.archived_at.is_none());
    if request.query().get("part") != PART {
        let steps = steps(request, session, &stores).await?;
        return Ok(overview_page(request, session, steps, None));
    }
    let today = today_markup(request, session, &stores).await?;
    if request.wants_only(PART) {
        return Ok(Page::html(200, today));
    }
    let steps = steps(request, session, &stores).await?;
    Ok(overview_page(request, session, steps, Some(today)))
}

fn overview_page(
    request: &ConsoleRequest<'_>,
    session: &Session,
    steps: Option<Steps>,
    today: Option<maud::Markup>,
) -> Page {
    let workspace_name = &session.workspace_name;
    let main = overview(&Overview { workspace_name, steps, today });
    Page::html(200, request.page_markup(session, "Overview", Section::Overview, None, main))
}

/// The set-up steps of a workspace that has no store yet, or no key; `None` once it has both.
/// Members do not see keys, so for them a store is enough.
async fn steps(
    request: &ConsoleRequest<'_>,
    session: &Session,
    stores: &[Store],
) -> Result<Option<Steps>> {
    let has_store = !stores.is_empty();
    let has_key = match session.admin() {
        Some(admin) if has_store => {
            let catalogue = &request.control_plane.catalogue;
            !catalogue.newest_live_keys(admin.workspace_id, 1).await?.is_empty()
        }
        _ => has_store,
    };
    let manages = session.admin().is_some();
    let steps = Steps { store: has_store, key: has_key, order: false, manages };
    Ok((!has_store || !has_key).then_some(steps))
}

async fn today_markup(
    request: &ConsoleRequest<'_>,
    session: &Session,
    stores: &[Store],
) -> Result<maud::Markup> {
    let not_asked = stores.len().saturating_sub(FAN_OUT);
    let queried = stores.get(..FAN_OUT).unwrap_or(stores);
    let ids: Vec<_> = queried.iter().map(|store| store.id.to_string()).collect();
    let key_report = async {
        match session.admin() {
            Some(admin) => KeyReport::read(request, &admin).await.map(Some),
            None => Ok(None),
        }
    };
    let (summaries, key_report) = join(summaries(request, queried), key_report).await;
    let key_report = key_report?;
    let stores: Vec<_> = queried
        .iter()
        .zip(&ids)
        .zip(summaries)
        .map(|((store, id), summary)| StoreToday { id, name: &store.name, summary })
        .collect();
    let attention = key_report.as_ref().map(|report| Attention {
        renew: &report.renew,
        waiting: &report.waiting,
        traffic: &report.traffic,
        failed_sign_ins: report.failed_sign_ins,
        now: request.control_plane.now,
    });
    Ok(today(&Today { attention, stores: &stores, not_asked }))
}

/// The last 24 hours of each store; `None` for a store that does not answer.
async fn summaries(request: &ConsoleRequest<'_>, stores: &[Store]) -> Vec<Option<Summary>> {
    let since = request.control_plane.now.plus(-DAY);
    let calls = stores.iter().map(|store| {
        let command = LedgerCommand::Summary { store_id: store.id, since };
        query_ledger::<Summary>(request, store.id, command)
    });
    join_all(calls).await.into_iter().map(Result::ok).collect()
}

/// The part of the overview that only owners and admins see.
struct KeyReport {
    /// Keys that expire soon or have lately expired.
    renew: Vec<KeyRecord>,
    /// Keys that are paused or await their secret.
    waiting: Vec<KeyRecord>,
    traffic: Vec<(KeyRecord, Option<Traffic>)>,
    /// How many, and whether there are more than were counted.
    failed_sign_ins: (usize, bool),
}

impl KeyReport {
    async fn read(request: &ConsoleRequest<'_>, admin: &Admin) -> Result<Self> {
        let (catalogue, now) = (&request.control_plane.catalogue, request.control_plane.now);
        let workspace = admin.workspace_id;
        let renew = catalogue.keys_to_renew(workspace, now, now.plus(RENEW_WITHIN)).await?;
        let waiting = catalogue.waiting_keys(workspace).await?;
        let filter = AuditFilter {
            action: Some("session.refused".to_owned()),
            from: Some(now.plus(-DAY)),
            ..AuditFilter::default()
        };
        let refused = catalogue.audit_entries(workspace, &filter, None, MAX_SIGN_INS).await?;
        let keys = catalogue.newest_live_keys(workspace, MAX_KEYS).await?;
        let traffic = join_all(keys.iter().map(|key| traffic(request, key))).await;
        Ok(Self {
            renew,
            waiting,
            traffic: keys.into_iter().zip(traffic).collect(),
            failed_sign_ins: (refused.entries.len(), refused.next.is_some()),
        })
    }
}

/// The last 24 hours of a key; `None` if its KeyGate does not answer in time.
async fn traffic(request: &ConsoleRequest<'_>, key: &KeyRecord) -> Option<Traffic> {
    let gate = key.key_hash.gate();
    let reply =
        request.control_plane.command_within(gate, GateCommand::Usage, GATE_DEADLINE_MS).await;
    match reply {
        Ok(GateReply::Usage { h24, parked, awaiting_details, failing, .. }) => {
            let parked = ParkedCount {
                attention: parked.saturating_sub(awaiting_details),
                awaiting_details,
            };
            Some(Traffic { h24, parked, failing })
        }
        _ => None,
    }
}
