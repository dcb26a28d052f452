//! The overview. The page comes first without its data; htmx then loads the part that takes longer.

use futures_util::future::{join, join_all};

use super::orders::FAN_OUT;
use super::page::Page;
use super::request::{ConsoleRequest, Session};
use crate::Result;
use crate::catalogue::Query;
use crate::control::caller::Admin;
use crate::control::{OwnedKey, OwnedStore, Usage};
use crate::objects::call::LedgerQuery;
use tidegate_console::layout::Section;
use tidegate_console::pages::attention::{Attention, Traffic};
use tidegate_console::pages::overview::{
    Overview, PART, Steps, StoreToday, Today, overview, today,
};
use tidegate_core::api::orders::replies::StoreSummary;
use tidegate_core::domain::key::KeyRecord;
use tidegate_core::domain::time::DAY;

/// At most this many keys are asked for their traffic: the newest ones.
const MAX_KEYS: u32 = 50;

/// Milliseconds that a KeyGate may take to report its traffic.
const GATE_DEADLINE_MS: u32 = 2_500;

/// At most this many failed sign-ins are counted.
const MAX_SIGN_INS: u32 = 100;

/// A key is listed for renewal this long before it expires.
const RENEW_WITHIN: i64 = 14 * DAY;

pub async fn show(request: &ConsoleRequest<'_>, session: &Session) -> Result<Page> {
    let (control_plane, admin) = (&request.control_plane, session.admin());
    let stores = control_plane.stores(&session.caller)?;
    if request.query().get("part") != PART {
        let (stores, has_key) = match &admin {
            Some(admin) => {
                let newest = control_plane.newest_live_keys(admin, 1)?;
                let (stores, newest) = control_plane.catalogue.run(stores.and(newest)).await?;
                (stores, !newest.is_empty())
            }
            // Members do not see keys, so for them a store is enough.
            None => (control_plane.catalogue.run(stores).await?, true),
        };
        let steps = steps(admin.as_ref(), &open_stores(stores), has_key);
        return Ok(overview_page(request, session, steps, None));
    }
    let (stores, report) = match &admin {
        Some(admin) => {
            let report = KeyReport::query(request, admin)?;
            let (stores, report) = control_plane.catalogue.run(stores.and(report)).await?;
            (stores, Some(report))
        }
        None => (control_plane.catalogue.run(stores).await?, None),
    };
    let stores = open_stores(stores);
    let has_key = report.as_ref().is_none_or(|report| !report.newest.is_empty());
    let steps = steps(admin.as_ref(), &stores, has_key);
    let today = today_markup(request, &stores, report).await;
    if request.wants_only(PART) {
        return Ok(Page::html(200, today));
    }
    Ok(overview_page(request, session, steps, Some(today)))
}

/// The stores that get orders: those that are not archived.
fn open_stores(mut stores: Vec<OwnedStore>) -> Vec<OwnedStore> {
    stores.retain(|store| store.archived_at.is_none());
    stores
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

/// The set-up steps of a workspace that has no open store yet, or no key; `None` once it has both.
fn steps(admin: Option<&Admin>, stores: &[OwnedStore], has_key: bool) -> Option<Steps> {
    let (store, manages) = (!stores.is_empty(), admin.is_some());
    let key = store && has_key;
    (!key).then_some(Steps { store, key, order: false, manages })
}

async fn today_markup(
    request: &ConsoleRequest<'_>,
    stores: &[OwnedStore],
    report: Option<KeyReport>,
) -> maud::Markup {
    let not_asked = stores.len().saturating_sub(FAN_OUT);
    let queried = stores.get(..FAN_OUT).unwrap_or(stores);
    let ids: Vec<_> = queried.iter().map(|store| store.id.to_string()).collect();
    let newest = report.as_ref().map_or(&[][..], |report| &report.newest);
    let traffic = join_all(newest.iter().map(|key| traffic(request, key)));
    let (summaries, traffic) = join(summaries(request, queried), traffic).await;
    let stores: Vec<_> = queried
        .iter()
        .zip(&ids)
        .zip(summaries)
        .map(|((store, id), summary)| StoreToday { id, name: &store.name, summary })
        .collect();
    let Some(KeyReport { renew, waiting, newest, failed_sign_ins }) = report else {
        return today(&Today { attention: None, stores: &stores, not_asked });
    };
    let traffic: Vec<_> = newest.into_iter().map(OwnedKey::into_record).zip(traffic).collect();
    let attention = Some(Attention {
        renew: &renew,
        waiting: &waiting,
        traffic: &traffic,
        failed_sign_ins,
        now: request.control_plane.now,
    });
    today(&Today { attention, stores: &stores, not_asked })
}

/// The last 24 hours of each store; `None` for a store that does not answer.
async fn summaries(
    request: &ConsoleRequest<'_>,
    stores: &[OwnedStore],
) -> Vec<Option<StoreSummary<'static>>> {
    let since = request.control_plane.now.plus(-DAY);
    let calls = stores.iter().map(|store| {
        request.control_plane.query_ledger(store, LedgerQuery::summary(store.id, since))
    });
    join_all(calls).await.into_iter().map(Result::ok).collect()
}

/// What D1 knows for the part of the overview that only owners and admins see.
struct KeyReport {
    /// Keys that expire soon or have lately expired.
    renew: Vec<KeyRecord>,
    /// Keys that are paused or await their secret.
    waiting: Vec<KeyRecord>,
    /// The newest live keys, which are asked for their traffic.
    newest: Vec<OwnedKey>,
    /// How many, and whether there are more than were counted.
    failed_sign_ins: (usize, bool),
}

impl KeyReport {
    fn query(request: &ConsoleRequest<'_>, admin: &Admin) -> Result<Query<Self>> {
        let control_plane = &request.control_plane;
        let (catalogue, now) = (&control_plane.catalogue, control_plane.now);
        let workspace = admin.workspace_id;
        let renew = catalogue.keys_to_renew(workspace, now, now.plus(RENEW_WITHIN))?;
        let waiting = catalogue.waiting_keys(workspace)?;
        let newest = control_plane.newest_live_keys(admin, MAX_KEYS)?;
        let (action, since) = ("session.refused", now.plus(-DAY));
        let refused = catalogue.count_entries(workspace, action, since, MAX_SIGN_INS)?;
        let all = renew.and(waiting).and(newest).and(refused);
        Ok(all.map(|(((renew, waiting), newest), (refused, more))| {
            let failed_sign_ins = (refused as usize, more);
            Ok(Self { renew, waiting, newest, failed_sign_ins })
        }))
    }
}

/// The last 24 hours of a key; `None` if its KeyGate does not answer in time.
async fn traffic(request: &ConsoleRequest<'_>, key: &OwnedKey) -> Option<Traffic> {
    let usage = request.control_plane.usage(key, GATE_DEADLINE_MS).await.ok()?;
    let Usage { h24, parked, failing, hours: _, last_used_at: _ } = usage;
    Some(Traffic { h24, parked, failing })
}
