//! Orders: the list, and the page of one order. Members may see both.

use std::collections::HashMap;

use futures_util::future::join_all;

use super::page::Page;
use super::request::{ConsoleRequest, Session};
use crate::Result;
use crate::catalogue::stores::Store;
use crate::control::OwnedStore;
use crate::objects::call::LedgerQuery;
use tidegate_console::forms::Form;
use tidegate_console::layout::Section;
use tidegate_console::pages::order::{OrderPage, ThroughKey, order_page};
use tidegate_console::pages::order_view::{ShownOrder, merge_pages};
use tidegate_console::pages::orders::{
    ALL_STORES, OrderFilters, Orders, PAGE, StoreChoice, orders,
};
use tidegate_core::api::orders::replies::{self, OrderWithHistory};
use tidegate_core::domain::credential::GateName;
use tidegate_core::domain::id::{OrderId, RequestId, SequenceId, StoreId};
use tidegate_core::domain::key::Source;
use tidegate_core::domain::order::OrderStatus;
use tidegate_core::domain::rejection::{Code, Rejection};
use tidegate_core::domain::search::OrderSearch;
use tidegate_core::domain::time::Timestamp;
use tidegate_core::protocol::store_ledger::OrderFilter;

/// At most this many stores are queried for one page.
pub const FAN_OUT: usize = 20;

/// Characters of the longest search text.
const MAX_SEARCH: usize = 200;

pub async fn list(request: &ConsoleRequest<'_>, session: &Session) -> Result<Page> {
    let query = request.query();
    let control_plane = &request.control_plane;
    let stores = control_plane.catalogue.run(control_plane.stores(&session.caller)?).await?;
    let (mut filters, mut filter) = read_filters(&query);
    let chosen = choose_store(&stores, query.get("store"), filter.search.is_some())?;
    filters.store = chosen.map_or_else(|| ALL_STORES.to_owned(), |store| store.id.to_string());
    let before = query.get("before").parse().ok().and_then(SequenceId::from_i64);
    filter.before = before.map(SequenceId::as_i64);

    let queried = chosen.map_or_else(|| open_stores_first(&stores), |store| vec![store]);
    let not_asked = queried.len().saturating_sub(FAN_OUT);
    let queried = queried.get(..FAN_OUT).unwrap_or(&queried);
    let (pages, unanswered) = order_pages(request, queried, &filter).await?;
    let search = filter.search.as_deref().and_then(OrderSearch::parse);
    let (listed, next) = merge_pages(pages, search.as_ref(), PAGE);

    let choices: Vec<_> = stores.iter().map(|store| store_choice(store)).collect();
    let main = orders(&Orders {
        stores: &choices,
        filters: &filters,
        orders: &listed,
        later: before.is_some(),
        next,
        unanswered: &unanswered,
        not_asked,
        manages: session.admin().is_some(),
    });
    Ok(Page::html(200, request.page_markup(session, "Orders", Section::Orders, None, main)))
}

fn store_choice(store: &Store) -> StoreChoice {
    let archived = store.archived_at.is_some();
    StoreChoice { id: store.id.to_string(), name: store.name.clone(), archived }
}

/// The store that the query selects; `None` means all stores. If the query names none, a search
/// covers all stores, and a list shows the oldest store that is not archived.
fn choose_store<'a>(
    stores: &'a [OwnedStore],
    selected: &str,
    searching: bool,
) -> Result<Option<&'a OwnedStore>> {
    let oldest_open = stores.iter().find(|store| store.archived_at.is_none());
    match selected {
        "" if !searching => Ok(oldest_open.or_else(|| stores.first())),
        "" | ALL_STORES => Ok(stores.first().filter(|_| stores.len() == 1)),
        id => {
            let store = StoreId::parse(id)
                .and_then(|id| stores.iter().find(|store| store.id == id))
                .ok_or_else(|| Rejection::new(Code::NotFound, "There is no such store."))?;
            Ok(Some(store))
        }
    }
}

/// The stores in the order in which they are queried: archived ones last.
fn open_stores_first(stores: &[OwnedStore]) -> Vec<&OwnedStore> {
    let (open, archived): (Vec<_>, Vec<_>) =
        stores.iter().partition(|store| store.archived_at.is_none());
    [open, archived].concat()
}

/// The filters of the URL: as the page shows them, and as the ledger takes them. A value that is
/// not one of the choices is left out of both.
fn read_filters(query: &Form) -> (OrderFilters, OrderFilter) {
    let search: String = query.get("q").trim().chars().take(MAX_SEARCH).collect();
    let source = Source::parse(query.get("source"));
    let status = OrderStatus::parse(query.get("status"));
    let (from, to) = (parse_minute(query.get("from")), parse_minute(query.get("to")));
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

/// Parses the value of a `datetime-local` field as UTC, with or without seconds.
fn parse_minute(text: &str) -> Option<Timestamp> {
    Timestamp::parse_utc_without_zone(text)
        .or_else(|| Timestamp::parse_utc_without_zone(&format!("{text}:00")))
}

/// A page of orders from each store that answers, and the names of the stores that do not. An error
/// if none answers.
async fn order_pages<'a>(
    request: &ConsoleRequest<'_>,
    stores: &[&'a OwnedStore],
    filter: &OrderFilter,
) -> Result<(Vec<replies::OrderPage<'static>>, Vec<&'a str>)> {
    let calls = stores.iter().map(|store| {
        request.control_plane.query_ledger(store, LedgerQuery::orders(store.id, filter.clone()))
    });
    let (mut pages, mut unanswered, mut failure) = (Vec::new(), Vec::new(), None);
    for (store, result) in stores.iter().zip(join_all(calls).await) {
        match result {
            Ok(page) => pages.push(page),
            Err(rejection) => {
                unanswered.push(store.name.as_str());
                failure = Some(rejection);
            }
        }
    }
    match failure {
        Some(rejection) if pages.is_empty() => Err(rejection),
        _ => Ok((pages, unanswered)),
    }
}

pub async fn show(request: &ConsoleRequest<'_>, session: &Session, id: &str) -> Result<Page> {
    let not_found = || Rejection::new(Code::NotFound, "There is no such order.");
    let id = OrderId::parse(id).ok_or_else(not_found)?;
    // The ledger is called only after this check: another workspace's order is not found.
    let store = request.control_plane.find_store(&session.caller, id.store).await?;
    let store = store.ok_or_else(not_found)?;
    let query = LedgerQuery::order_with_history(id);
    let described = request.control_plane.query_ledger(&store, query).await?;

    let keys = keys_by_gate(request, session, &described).await?;
    let key_of = |request_id: &RequestId| keys.get(&request_id.gate());
    let first_key = creating_gate(&described).and_then(|gate| keys.get(&gate));
    let page =
        OrderPage { described: &described, store_name: &store.name, key_of: &key_of, first_key };
    let title = format!("Order {}", described.order.title());
    let main = order_page(&page);
    Ok(Page::html(200, request.page_markup(session, &title, Section::Orders, None, main)))
}

/// The KeyGate of the key that created an order.
fn creating_gate(described: &OrderWithHistory<'_>) -> Option<GateName> {
    described.order.key_id.as_ref().and_then(|key| key.gate())
}

/// The keys whose requests made or changed an order, by the name of their KeyGate. Empty for
/// members.
async fn keys_by_gate(
    request: &ConsoleRequest<'_>,
    session: &Session,
    described: &OrderWithHistory<'_>,
) -> Result<HashMap<GateName, ThroughKey>> {
    let Some(admin) = session.admin() else { return Ok(HashMap::new()) };
    let history = described.history.iter().map(|entry| entry.request_id.gate());
    let mut gates: Vec<_> = history.chain(creating_gate(described)).collect();
    gates.sort_unstable();
    gates.dedup();
    let keys = request.control_plane.catalogue.keys_of_gates(admin.workspace_id, &gates).await?;
    let named = keys.into_iter().filter_map(|key| {
        let through = ThroughKey { key_id: key.key_id.to_string(), name: key.name };
        Some((key.key_id.gate()?, through))
    });
    Ok(named.collect())
}
