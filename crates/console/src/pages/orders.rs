//! The list of orders.

use maud::{Markup, html};

use super::order_view::{Order, ShownOrder, status_label};
use crate::components::{
    Attributes, Button, Column, Field, Kind, TimeStyle, cell, empty_state, filter_bar, head_cell,
    inline_note, json_viewer, page_header, pagination, source_label, table, time,
};
use crate::icons::{Icon, icon};
use crate::links;
use tidegate_core::domain::id::SequenceId;
use tidegate_core::domain::key::Source;
use tidegate_core::domain::order::OrderStatus;

/// The value of the store filter for all stores.
pub const ALL_STORES: &str = "all";

/// The filters of the list, as text from the URL.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrderFilters {
    /// A store's id, or [`ALL_STORES`].
    pub store: String,
    pub search: String,
    pub source: String,
    pub status: String,
    /// A time in UTC, to the minute: `2026-11-22T11:48`.
    pub from: String,
    pub to: String,
}

impl OrderFilters {
    fn href(&self, before: &str) -> String {
        links::with_query(
            links::ORDERS,
            &[
                ("store", &self.store),
                ("q", &self.search),
                ("source", &self.source),
                ("status", &self.status),
                ("from", &self.from),
                ("to", &self.to),
                ("before", before),
            ],
        )
    }

    /// Whether any filter other than the store is set.
    pub fn is_set(&self) -> bool {
        *self != Self { store: self.store.clone(), ..Self::default() }
    }
}

/// An option of the store filter.
#[derive(Clone, Debug)]
pub struct StoreChoice {
    pub id: String,
    pub name: String,
    pub archived: bool,
}

/// The view model of the page, which members see too.
#[derive(Debug)]
pub struct Orders<'a> {
    pub stores: &'a [StoreChoice],
    /// The filters as they were applied; `store` is always set.
    pub filters: &'a OrderFilters,
    pub orders: &'a [Order],
    /// Whether this is not the first page.
    pub later: bool,
    /// The row before which the next page continues; `None` on the last page.
    pub next: Option<SequenceId>,
    /// Names of the stores whose ledger did not reply in time.
    pub unanswered: &'a [&'a str],
    /// How many stores were not asked, because there are too many.
    pub not_asked: usize,
    /// Whether the user may connect storefronts.
    pub manages: bool,
}

/// The number of orders on a full page.
pub const PAGE: usize = 50;

pub fn orders(page: &Orders<'_>) -> Markup {
    html! {
        (page_header("Orders", Some("What storefronts have sent, the last to come in first."), html! {}))
        @if page.stores.is_empty() {
            (no_store(page.manages))
        } @else {
            (filters(page))
            (notes(page))
            @if !page.orders.is_empty() {
                (list(page))
            } @else if page.filters.is_set() || page.later {
                (none_match(page))
            } @else {
                (none_yet(page.manages))
            }
            (more(page))
        }
    }
}

fn no_store(manages: bool) -> Markup {
    let action = Button::primary("Create a store").icon(Icon::Plus).href(links::STORES);
    empty_state(
        Icon::Stores,
        "No store yet",
        "Orders belong to a store. Once there is one, a storefront can send its first.",
        html! { @if manages { (action) } @else { "Ask an owner or admin to create one." } },
    )
}

fn none_yet(manages: bool) -> Markup {
    let connect = Button::primary("Connect a storefront").icon(Icon::Plus).href(links::NEW_KEY);
    let minimal = "{\"external_id\":\"A-1\",\"currency\":\"USD\",\n \"lines\":[{\"name\":\"Thing\",\"quantity\":2,\"unit_price\":\"10.00\"}],\n \"total\":\"20.00\"}";
    html! {
        (empty_state(Icon::Orders, "No order yet",
            "Connect a storefront: the page that shows its key has the webhook address to paste, or a command that sends a first order.",
            html! { @if manages { (connect) } @else { "Ask an owner or admin to connect one." } }))
        div.first-order { (json_viewer("least-order", "The least that POST /integrations/v1/orders accepts", minimal)) }
    }
}

fn none_match(page: &Orders<'_>) -> Markup {
    let can_widen = page.stores.len() > 1 && page.filters.store != ALL_STORES;
    let everywhere = OrderFilters { store: ALL_STORES.to_owned(), ..page.filters.clone() };
    let everywhere = everywhere.href("");
    html! {
        div.table-frame {
            p.nothing {
                @if page.next.is_some() { "None among the orders looked at so far." }
                @else if page.filters.is_set() { "No order matches." }
                @else { "No older orders." }
                @if can_widen && !page.filters.search.is_empty() {
                    " " a href=(everywhere) { "Search all stores" }
                }
            }
        }
    }
}

fn filters(page: &Orders<'_>) -> Markup {
    let OrderFilters { store, search, source, status, from, to } = page.filters;
    let any = |label: &'static str| (String::new(), label.to_owned());
    let option = |store: &StoreChoice| {
        let archived = if store.archived { " (archived)" } else { "" };
        (store.id.clone(), format!("{}{archived}", store.name))
    };
    let all = (page.stores.len() > 1).then(|| (ALL_STORES.to_owned(), "All stores".to_owned()));
    let stores: Vec<_> = page.stores.iter().map(option).chain(all).collect();
    let sources = Source::ALL.iter().map(|s| (s.as_str().to_owned(), source_label(*s).to_owned()));
    let sources: Vec<_> = [any("All sources")].into_iter().chain(sources).collect();
    let statuses =
        OrderStatus::ALL.iter().map(|s| (s.as_str().to_owned(), status_label(*s).to_owned()));
    let statuses: Vec<_> = [any("Any status")].into_iter().chain(statuses).collect();
    let cleared = OrderFilters { store: store.clone(), ..OrderFilters::default() }.href("");
    filter_bar(
        "Filter orders",
        links::ORDERS,
        &Attributes::new(),
        html! {
            (Field::new("q", "Search").attr("placeholder", "Number, id or client").search(search))
            (Field::new("store", "Store").select(&stores, store))
            (Field::new("source", "Source").select(&sources, source))
            (Field::new("status", "Status").select(&statuses, status))
            (Field::new("from", "Placed from").datetime(from))
            (Field::new("to", "Placed before").datetime(to))
        },
        page.filters.is_set().then_some(cleared.as_str()),
    )
}

fn notes(page: &Orders<'_>) -> Markup {
    html! {
        @if !page.unanswered.is_empty() {
            (inline_note(Kind::Warn, html! {
                (page.unanswered.join(", ")) " did not answer in time, so its orders are missing here. Load the page again."
            }))
        }
        @if page.not_asked > 0 {
            (inline_note(Kind::Info, html! {
                (page.not_asked) " more stores were not asked. Choose one to see its orders."
            }))
        }
    }
}

const ORDER: Column<'_> = Column::new("Order");
const STORE: Column<'_> = Column::new("Store");
const PLACED: Column<'_> = Column::new("Placed");
const CLIENT: Column<'_> = Column::new("Client");
const SOURCE: Column<'_> = Column::new("Source");
const STATUS: Column<'_> = Column::new("Status");
const TOTAL: Column<'_> = Column::numeric("Total");

fn list(page: &Orders<'_>) -> Markup {
    let store_name = |order: &Order| {
        let id = order.id.store.to_string();
        let store = page.stores.iter().find(|store| store.id == id);
        store.map_or("", |store| store.name.as_str())
    };
    order_table(page.orders, (page.filters.store == ALL_STORES).then_some(&store_name))
}

/// A table of orders. `store` returns the name of an order's store; it is given if the table
/// contains orders of several stores.
pub fn order_table<'a>(
    orders: &'a [Order],
    store: Option<&dyn Fn(&'a Order) -> &'a str>,
) -> Markup {
    let mut columns = vec![ORDER, PLACED, CLIENT, SOURCE, STATUS, TOTAL];
    if store.is_some() {
        columns.insert(1, STORE);
    }
    let rows = html! {
        @for order in orders {
            tr {
                (head_cell(html! {
                    a.row-link href=(links::order(&order.id.to_string())) { (order.title()) }
                    (order.other_id())
                }))
                @if let Some(store) = store { (cell(&STORE, html! { (store(order)) })) }
                (cell(&PLACED, time(order.placed_at.0, TimeStyle::Short)))
                (cell(&CLIENT, html! { div { (order.client_summary()) } }))
                (cell(&SOURCE, order.source_chip()))
                (cell(&STATUS, order.status_badge()))
                (cell(&TOTAL, order.amount(order.total)))
            }
        }
    };
    table("Orders", &columns, &Attributes::new(), rows)
}

/// The links to other pages. A page that is not full although a next page exists was cut short by
/// the limit on the rows that one page may examine.
fn more(page: &Orders<'_>) -> Markup {
    let older = page.next.map(|row| page.filters.href(&row.as_i64().to_string()));
    let newest = page.filters.href("");
    let newer = page.later.then_some(newest.as_str());
    match (page.next, &older) {
        (Some(row), Some(href)) if page.orders.len() < PAGE => html! {
            nav.pagination aria-label="Pages of orders" {
                span.pagination-note { "Searched back to " (time(row.time(), TimeStyle::Full)) "." }
                @if let Some(newer) = newer { a.button.small href=(newer) rel="prev" { (icon(Icon::ChevronLeft)) span.label { "Newest" } } }
                a.button.small href=(href) rel="next" { span.label { "Continue" } (icon(Icon::ChevronRight)) }
            }
        },
        _ => pagination("Pages of orders", newer, older.as_deref(), "", &Attributes::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::order_view::tests::order;
    use super::*;

    fn store(id: &str) -> StoreChoice {
        StoreChoice { id: id.to_owned(), name: format!("<{id}>"), archived: id == "sto_b" }
    }

    fn page<'a>(stores: &'a [StoreChoice], filters: &'a OrderFilters) -> Orders<'a> {
        Orders {
            stores,
            filters,
            orders: &[],
            later: false,
            next: None,
            unanswered: &[],
            not_asked: 0,
            manages: true,
        }
    }

    #[test]
    fn texts_of_senders_are_escaped() {
        let stores = [store("sto_a"), store("sto_b")];
        let filters = OrderFilters {
            store: ALL_STORES.into(),
            search: "\"><script>".into(),
            ..OrderFilters::default()
        };
        let found = [order(1, 5)];
        let shown = Orders { orders: &found, unanswered: &["<sto_b>"], ..page(&stores, &filters) };
        let markup = orders(&shown).into_string();
        assert!(!markup.contains("<script>") && !markup.contains("<sto_"), "{markup}");
        assert!(markup.contains("imported · WooCommerce") && markup.contains("On hold"));
        assert!(markup.contains("&lt;sto_b&gt; (archived)"), "archived stores stay readable");
    }

    #[test]
    fn an_empty_list_shows_how_to_begin_and_an_empty_search_does_not() {
        let stores = [store("sto_a"), store("sto_c")];
        let filters = OrderFilters { store: "sto_a".into(), ..OrderFilters::default() };
        let empty = orders(&page(&stores, &filters)).into_string();
        assert!(empty.contains("Connect a storefront") && empty.contains("external_id"), "{empty}");
        let member = orders(&Orders { manages: false, ..page(&stores, &filters) }).into_string();
        assert!(!member.contains(links::NEW_KEY), "{member}");
        let searched = OrderFilters { search: "x".into(), ..filters };
        let none = orders(&page(&stores, &searched)).into_string();
        assert!(none.contains("No order matches.") && none.contains("store=all&amp;q=x"), "{none}");
    }

    #[test]
    fn a_page_that_was_cut_short_says_how_far_it_searched() {
        let stores = [store("sto_a")];
        let filters = OrderFilters {
            store: "sto_a".into(),
            status: "failed".into(),
            ..OrderFilters::default()
        };
        let next = Some(SequenceId::at(tidegate_core::domain::time::Timestamp::from_millis(
            1_795_348_087_000,
        )));
        let markup = orders(&Orders { next, ..page(&stores, &filters) }).into_string();
        assert!(
            markup.contains("Searched back to <time datetime=\"2026-11-22T11:48:07.000Z\""),
            "{markup}"
        );
        assert!(markup.contains("status=failed&amp;before=") && markup.contains("Continue"));
    }
}
