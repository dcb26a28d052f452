//! Orders: the list, and one order. For members too.

use std::collections::HashMap;

use futures_util::future::join_all;
use serde::de::DeserializeOwned;

use super::page::Page;
use super::visit::{ConsoleRequest, Session};
use crate::console::forms::Form;
use crate::console::layout::Section;
use crate::console::pages::order::{OrderPage, ThroughKey, order_page};
use crate::console::pages::order_view::{Described, StorePage, merged};
use crate::console::pages::orders::{ALL_STORES, OrderFilters, Orders, PAGE, StoreChoice, orders};
use crate::domain::credential::GateName;
use crate::domain::id::{OrderId, RequestId, SequenceId, StoreId};
use crate::domain::key::Source;
use crate::domain::order::OrderStatus;
use crate::domain::rejection::{Code, Rejection};
use crate::domain::search::OrderSearch;
use crate::domain::time::Timestamp;
use crate::edge::catalogue::stores::Store;
use crate::edge::{Result, internal};
use crate::protocol::store_ledger::{LedgerCommand, OrderFilter};

/// Most stores that one page asks.
pub const FAN_OUT: usize = 20;

/// Longest search, in characters.
const SEARCH: usize = 200;

pub async fn list(visit: &ConsoleRequest<'_>, session: &Session) -> Result<Page> {
    let query = visit.query();
    let stores = visit.operations.catalogue.stores(session.caller.workspace_id).await?;
    let (mut filters, mut filter) = read_filters(&query);
    let chosen = chosen(&stores, query.get("store"), filter.search.is_some())?;
    filters.store = chosen.map_or_else(|| ALL_STORES.to_owned(), |store| store.id.to_string());
    let before = query.get("before").parse().ok().and_then(SequenceId::from_i64);
    filter.before = before.map(SequenceId::as_i64);

    let asked = chosen.map_or_else(|| in_order(&stores), |store| vec![store]);
    let not_asked = asked.len().saturating_sub(FAN_OUT);
    let asked = asked.get(..FAN_OUT).unwrap_or(&asked);
    let (pages, unanswered) = ask(visit, asked, &filter).await?;
    let search = filter.search.as_deref().and_then(OrderSearch::parse);
    let (found, next) = merged(pages, search.as_ref(), PAGE);

    let choices: Vec<_> = stores.iter().map(choice).collect();
    let main = orders(&Orders {
        stores: &choices,
        filters: &filters,
        orders: &found,
        later: before.is_some(),
        next,
        unanswered: &unanswered,
        not_asked,
        manages: session.admin().is_some(),
    });
    Ok(Page::html(200, visit.framed(session, "Orders", Section::Orders, None, main)))
}

fn choice(store: &Store) -> StoreChoice {
    let archived = store.archived_at.is_some();
    StoreChoice { id: store.id.to_string(), name: store.name.clone(), archived }
}

/// The store that is asked for; `None` stands for all. Without a word about it a search looks
/// everywhere, and a list shows the oldest store that is not archived.
fn chosen<'a>(stores: &'a [Store], asked: &str, searching: bool) -> Result<Option<&'a Store>> {
    let open = stores.iter().find(|store| store.archived_at.is_none());
    match asked {
        "" if !searching => Ok(open.or_else(|| stores.first())),
        "" | ALL_STORES => Ok(stores.first().filter(|_| stores.len() == 1)),
        id => {
            let store = StoreId::parse(id)
                .and_then(|id| stores.iter().find(|store| store.id == id))
                .ok_or_else(|| Rejection::new(Code::NotFound, "There is no such store."))?;
            Ok(Some(store))
        }
    }
}

/// Stores as they are asked: those in use before those archived.
fn in_order(stores: &[Store]) -> Vec<&Store> {
    let (open, archived): (Vec<_>, Vec<_>) =
        stores.iter().partition(|store| store.archived_at.is_none());
    [open, archived].concat()
}

/// What the URL says of filters, as shown and as asked. What is none of the choices is left out of
/// both.
fn read_filters(query: &Form) -> (OrderFilters, OrderFilter) {
    let search: String = query.get("q").trim().chars().take(SEARCH).collect();
    let source = Source::parse(query.get("source"));
    let status = OrderStatus::parse(query.get("status"));
    let (from, to) = (minute(query.get("from")), minute(query.get("to")));
    let shown = |time: Option<Timestamp>, name| time.map_or("", |_| query.get(name)).to_owned();
    let filters = OrderFilters {
        store: String::new(),
        search: search.clone(),
        source: source.map_or("", Source::as_str).to_owned(),
        status: status.map_or("", OrderStatus::as_str).to_owned(),
        from: shown(from, "from"),
        to: shown(to, "to"),
    };
    let filter = OrderFilter {
        limit: u32::try_from(PAGE).unwrap_or(u32::MAX),
        source,
        status,
        placed_from: from,
        placed_to: to,
        search: OrderSearch::parse(&search).map(|_| search),
        ..OrderFilter::default()
    };
    (filters, filter)
}

/// What a `datetime-local` field sends, UTC: to the minute, or to the second.
fn minute(text: &str) -> Option<Timestamp> {
    Timestamp::parse_utc_without_zone(text)
        .or_else(|| Timestamp::parse_utc_without_zone(&format!("{text}:00")))
}

/// The pages of the stores that answer, and the names of those that do not; an error where none
/// does.
async fn ask<'a>(
    visit: &ConsoleRequest<'_>,
    stores: &[&'a Store],
    filter: &OrderFilter,
) -> Result<(Vec<StorePage>, Vec<&'a str>)> {
    let asked = stores.iter().map(|store| {
        let command = LedgerCommand::ListOrders { store_id: store.id, filter: filter.clone() };
        ledger::<StorePage>(visit, store.id, command)
    });
    let (mut pages, mut unanswered, mut failed) = (Vec::new(), Vec::new(), None);
    for (store, answer) in stores.iter().zip(join_all(asked).await) {
        match answer {
            Ok(page) => pages.push(page),
            Err(rejection) => {
                unanswered.push(store.name.as_str());
                failed = Some(rejection);
            }
        }
    }
    match failed {
        Some(rejection) if pages.is_empty() => Err(rejection),
        _ => Ok((pages, unanswered)),
    }
}

/// A ledger's answer as a view. The store was found to be of the right workspace.
pub async fn ledger<T: DeserializeOwned>(
    visit: &ConsoleRequest<'_>,
    store: StoreId,
    command: LedgerCommand,
) -> Result<T> {
    let (_, body) = visit.operations.ask_ledger(store, command).await?;
    serde_json::from_str(&body).map_err(|error| internal(&format!("a ledger's answer: {error}")))
}

pub async fn show(visit: &ConsoleRequest<'_>, session: &Session, id: &str) -> Result<Page> {
    let not_found = || Rejection::new(Code::NotFound, "There is no such order.");
    let id = OrderId::parse(id).ok_or_else(not_found)?;
    let workspace = session.caller.workspace_id;
    // Authority before routing: another workspace's order is not found.
    let store = visit.operations.catalogue.store(workspace, id.store).await?;
    let store = store.ok_or_else(not_found)?;
    let command = LedgerCommand::DescribeOrder { store_id: id.store, row: id.row.as_i64() };
    let described: Described = ledger(visit, id.store, command).await?;

    let keys = keys_of(visit, session, &described).await?;
    let key_of = |request: &RequestId| keys.get(&request.gate());
    let first_key = described.order.key_id.gate().and_then(|gate| keys.get(&gate));
    let page =
        OrderPage { described: &described, store_name: &store.name, key_of: &key_of, first_key };
    let title = format!("Order {}", described.order.title());
    let main = order_page(&page);
    Ok(Page::html(200, visit.framed(session, &title, Section::Orders, None, main)))
}

/// The keys that the requests of an order came through, by their gates; none for members.
async fn keys_of(
    visit: &ConsoleRequest<'_>,
    session: &Session,
    described: &Described,
) -> Result<HashMap<GateName, ThroughKey>> {
    let Some(admin) = session.admin() else { return Ok(HashMap::new()) };
    let requests = described.history.iter().map(|entry| entry.request_id.gate());
    let mut gates: Vec<_> = requests.chain(described.order.key_id.gate()).collect();
    gates.sort_unstable();
    gates.dedup();
    let keys = visit.operations.catalogue.keys_of_gates(admin.workspace_id, &gates).await?;
    let named = keys.into_iter().filter_map(|key| {
        let through = ThroughKey { key_id: key.key_id.to_string(), name: key.name };
        Some((key.key_id.gate()?, through))
    });
    Ok(named.collect())
}
