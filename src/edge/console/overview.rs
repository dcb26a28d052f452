//! The overview: a frame at once, and what takes longer after it.

use futures_util::future::{join, join_all};

use super::orders::{FAN_OUT, ledger};
use super::page::Page;
use super::visit::{ConsoleRequest, Session};
use crate::console::layout::Section;
use crate::console::pages::attention::{Attention, Traffic};
use crate::console::pages::overview::{
    Overview, PART, Steps, StoreToday, Summary, Today, overview, today,
};
use crate::domain::audit::AuditFilter;
use crate::domain::key::KeyRecord;
use crate::domain::parked::ParkedCount;
use crate::domain::time::DAY;
use crate::edge::Result;
use crate::edge::caller::Admin;
use crate::edge::catalogue::stores::Store;
use crate::protocol::key_gate::{GateCommand, GateReply};
use crate::protocol::store_ledger::LedgerCommand;

/// Most keys that are asked how their day was: those connected last.
const KEYS: u32 = 50;

/// How long a gate may take to say it.
const GATE_DEADLINE_MS: u32 = 2_500;

/// Most failed sign-ins that are counted.
const SIGN_INS: u32 = 100;

/// How long before it expires a key is told of.
const RENEW_WITHIN: i64 = 14 * DAY;

pub async fn show(visit: &ConsoleRequest<'_>, session: &Session) -> Result<Page> {
    let mut stores = visit.operations.catalogue.stores(session.caller.workspace_id).await?;
    // Nothing comes in for an archived store.
    stores.retain(|store| store.archived_at.is_none());
    if visit.query().get("part") != PART {
        let steps = steps(visit, session, &stores).await?;
        return Ok(framed(visit, session, steps, None));
    }
    let today = today_of(visit, session, &stores).await?;
    if visit.wants_only(PART) {
        return Ok(Page::html(200, today));
    }
    let steps = steps(visit, session, &stores).await?;
    Ok(framed(visit, session, steps, Some(today)))
}

fn framed(
    visit: &ConsoleRequest<'_>,
    session: &Session,
    steps: Option<Steps>,
    today: Option<maud::Markup>,
) -> Page {
    let workspace_name = &session.workspace_name;
    let main = overview(&Overview { workspace_name, steps, today });
    Page::html(200, visit.framed(session, "Overview", Section::Overview, None, main))
}

/// How far a workspace is that has not begun: no store, or none with a key. Members are not told
/// of keys.
async fn steps(
    visit: &ConsoleRequest<'_>,
    session: &Session,
    stores: &[Store],
) -> Result<Option<Steps>> {
    let store = !stores.is_empty();
    let key = match session.admin() {
        Some(admin) if store => {
            let catalogue = &visit.operations.catalogue;
            !catalogue.newest_live_keys(admin.workspace_id, 1).await?.is_empty()
        }
        _ => store,
    };
    let manages = session.admin().is_some();
    Ok((!store || !key).then_some(Steps { store, key, order: false, manages }))
}

async fn today_of(
    visit: &ConsoleRequest<'_>,
    session: &Session,
    stores: &[Store],
) -> Result<maud::Markup> {
    let not_asked = stores.len().saturating_sub(FAN_OUT);
    let asked = stores.get(..FAN_OUT).unwrap_or(stores);
    let ids: Vec<_> = asked.iter().map(|store| store.id.to_string()).collect();
    let looking = async {
        match session.admin() {
            Some(admin) => Looked::at(visit, &admin).await.map(Some),
            None => Ok(None),
        }
    };
    let (summaries, looked) = join(summaries(visit, asked), looking).await;
    let looked = looked?;
    let stores: Vec<_> = asked
        .iter()
        .zip(&ids)
        .zip(summaries)
        .map(|((store, id), summary)| StoreToday { id, name: &store.name, summary })
        .collect();
    let attention = looked.as_ref().map(|looked| Attention {
        renew: &looked.renew,
        waiting: &looked.waiting,
        traffic: &looked.traffic,
        failed_sign_ins: looked.failed_sign_ins,
        now: visit.operations.now,
    });
    Ok(today(&Today { attention, stores: &stores, not_asked }))
}

async fn summaries(visit: &ConsoleRequest<'_>, stores: &[Store]) -> Vec<Option<Summary>> {
    let since = visit.operations.now.plus(-DAY);
    let asked = stores.iter().map(|store| {
        let command = LedgerCommand::Summary { store_id: store.id, since };
        ledger::<Summary>(visit, store.id, command)
    });
    join_all(asked).await.into_iter().map(Result::ok).collect()
}

/// What owners and admins are told of.
struct Looked {
    renew: Vec<KeyRecord>,
    waiting: Vec<KeyRecord>,
    traffic: Vec<(KeyRecord, Option<Traffic>)>,
    failed_sign_ins: (usize, bool),
}

impl Looked {
    async fn at(visit: &ConsoleRequest<'_>, admin: &Admin) -> Result<Self> {
        let (catalogue, now) = (&visit.operations.catalogue, visit.operations.now);
        let workspace = admin.workspace_id;
        let renew = catalogue.keys_to_renew(workspace, now, now.plus(RENEW_WITHIN)).await?;
        let waiting = catalogue.waiting_keys(workspace).await?;
        let filter = AuditFilter {
            action: Some("session.refused".to_owned()),
            from: Some(now.plus(-DAY)),
            ..AuditFilter::default()
        };
        let refused = catalogue.audit_entries(workspace, &filter, None, SIGN_INS).await?;
        let keys = catalogue.newest_live_keys(workspace, KEYS).await?;
        let told = join_all(keys.iter().map(|key| traffic(visit, key))).await;
        Ok(Self {
            renew,
            waiting,
            traffic: keys.into_iter().zip(told).collect(),
            failed_sign_ins: (refused.entries.len(), refused.next.is_some()),
        })
    }
}

/// The last 24 hours of a key, as its gate tells them in time.
async fn traffic(visit: &ConsoleRequest<'_>, key: &KeyRecord) -> Option<Traffic> {
    let asked =
        visit.operations.command_within(key.key_hash.gate(), GateCommand::Usage, GATE_DEADLINE_MS);
    match asked.await {
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
