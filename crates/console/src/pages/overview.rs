//! The overview of a workspace: problems that need attention, the orders of the last 24 hours, and
//! the first steps of a new workspace.

use super::attention::{Attention, attention};
use super::order_view::Order;
use super::orders::order_table;
use crate::components::{Attributes, Button, page_header, section, skeleton, stat, stats};
use crate::icons::{Icon, icon};
use crate::links;
use maud::{Markup, html};
use tidegate_core::api::orders::replies::StoreSummary;

/// The id of the element into which the slow part of the page ([`today`]) is loaded, and the name
/// of that part in the URL.
pub const PART: &str = "attention";

/// The view model of the page.
#[derive(Debug)]
pub struct Overview<'a> {
    pub workspace_name: &'a str,
    /// The first steps, if the workspace has not completed them. They replace the rest of the page.
    pub steps: Option<Steps>,
    /// The slow part, if it is rendered already. If `None`, the page loads it with a second
    /// request.
    pub today: Option<Markup>,
}

/// Which of the first steps are done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Steps {
    pub store: bool,
    pub key: bool,
    pub order: bool,
    /// Whether the user may take these steps.
    pub manages: bool,
}

/// A store and its summary; `None` if its ledger did not reply in time.
#[derive(Debug)]
pub struct StoreToday<'a> {
    pub id: &'a str,
    pub name: &'a str,
    pub summary: Option<StoreSummary<'static>>,
}

/// The view model of the slow part, which needs replies from Durable Objects.
#[derive(Debug)]
pub struct Today<'a> {
    /// `None` for members.
    pub attention: Option<Attention<'a>>,
    pub stores: &'a [StoreToday<'a>],
    /// How many stores were not asked, because there are too many.
    pub not_asked: usize,
}

pub fn overview(page: &Overview<'_>) -> Markup {
    html! {
        (page_header("Overview", Some(page.workspace_name), html! {}))
        @if let Some(steps) = page.steps {
            (getting_started(steps))
        } @else {
            @match &page.today {
                Some(today) => { div id=(PART) { (today) } }
                None => { (loading()) }
            }
        }
    }
}

/// The placeholder of the slow part, which loads it.
fn loading() -> Markup {
    let url = links::with_query(links::OVERVIEW, &[("part", PART)]);
    let placeholder = html! {
        noscript { p { a.button href=(url) { "Load what needs attention" } } }
        div.needs-script aria-hidden="true" {
            div.section.first { div.section-head { (skeleton("w-10")) } div.loading-block {} }
            div.section { div.section-head { (skeleton("w-6")) } div.loading-block.tall {} }
        }
    };
    Attributes::new()
        .set("id", PART)
        .set("hx-get", &url)
        .set("hx-trigger", "load")
        .set("hx-target", "this")
        .set("hx-swap", "innerHTML")
        .set("aria-live", "polite")
        .element("div", placeholder)
}

/// The slow part, which is loaded after the page.
pub fn today(page: &Today<'_>) -> Markup {
    let newest = newest(page.stores);
    let nothing_yet = newest.is_empty() && page.stores.iter().all(|store| store.summary.is_some());
    let manages = page.attention.is_some();
    html! {
        @if let Some(given) = &page.attention {
            (section("attention-today", "Needs attention", html! {}, attention(given)))
        }
        (section("orders-today", "Orders in the last 24 hours", html! { a href=(links::ORDERS) { "All orders" } }, html! {
            @if nothing_yet {
                (getting_started(Steps { store: true, key: true, order: false, manages }))
            } @else {
                (counts(page))
                @if !newest.is_empty() {
                    h3.newest-title { "Newest" }
                    (newest_table(page.stores, &newest))
                }
            }
        }))
    }
}

/// The number of newest orders that are shown.
const NEWEST: usize = 5;

fn newest<'a>(stores: &'a [StoreToday<'a>]) -> Vec<Order> {
    let summaries = stores.iter().filter_map(|store| store.summary.as_ref());
    let mut newest: Vec<_> = summaries.flat_map(|summary| summary.newest.iter().cloned()).collect();
    newest.sort_by_key(|order| std::cmp::Reverse(order.id.row));
    newest.truncate(NEWEST);
    newest
}

fn newest_table(stores: &[StoreToday<'_>], newest: &[Order]) -> Markup {
    let store_name = |order: &Order| {
        let id = order.id.store.to_string();
        stores.iter().find(|store| store.id == id).map_or("", |store| store.name)
    };
    order_table(newest, (stores.len() > 1).then_some(&store_name))
}

fn counts(page: &Today<'_>) -> Markup {
    html! {
        (stats(html! {
            @for store in page.stores {
                @let orders = links::with_query(links::ORDERS, &[("store", store.id)]);
                (stat(store.name, html! {
                    @match &store.summary {
                        Some(summary) => { (summary.orders) @if summary.more { "+" } }
                        None => { "—" }
                    }
                }, html! {
                    @if store.summary.is_some() {
                        a href=(orders) { "Show orders" span.visually-hidden { " of " (store.name) } }
                    } @else { "did not answer in time" }
                }))
            }
        }))
        @if page.not_asked > 0 {
            p.muted.attention-more { "And " (page.not_asked) " more stores." }
        }
    }
}

fn getting_started(steps: Steps) -> Markup {
    let Steps { store, key, order, manages } = steps;
    let create = Button::primary("Create a store").href(links::STORES);
    let connect = Button::primary("Connect a storefront").href(links::NEW_KEY);
    let look = Button::secondary("Open connectors").href(links::CONNECTORS);
    html! {
        ol.first-steps {
            (step(store, "Create a store", "It keeps its own orders and clients.",
                html! { @if manages && !store { (create) } }))
            (step(key, "Connect a storefront", "Mint a key for WooCommerce, Zapier, Make or your own code, and paste what the next page shows.",
                html! { @if manages && store && !key { (connect) } }))
            (step(order, "Receive the first order", "Place a test order, or run the command that was shown with the key. It appears here within a second.",
                html! { @if manages && key && !order { (look) } }))
        }
        @if !manages { p.muted { "Owners and admins of this workspace connect storefronts." } }
    }
}

fn step(done: bool, title: &str, text: &str, action: Markup) -> Markup {
    html! {
        li.first-step.done[done] {
            span.step-mark { @if done { (icon(Icon::Check)) span.visually-hidden { "Done: " } } }
            div {
                p.step-title { (title) }
                p.muted { (text) }
            }
            div.step-action { (action) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::order_view::tests::order;
    use super::*;

    fn summary(orders: u32, newest: Vec<Order>) -> Option<StoreSummary<'static>> {
        Some(StoreSummary { orders, more: orders == 2_000, newest })
    }

    fn render(stores: &[StoreToday<'_>]) -> String {
        today(&Today { attention: None, stores, not_asked: 0 }).into_string()
    }

    #[test]
    fn the_page_loads_its_slow_part_and_links_to_it_without_a_script() {
        let page = Overview { workspace_name: "<Acme>", steps: None, today: None };
        let markup = overview(&page).into_string();
        assert!(markup.contains("id=\"attention\" hx-get=\"/?part=attention\""), "{markup}");
        assert!(
            markup.contains("<noscript><p><a class=\"button\" href=\"/?part=attention\">"),
            "{markup}"
        );
        assert!(!markup.contains("<Acme>"));
    }

    #[test]
    fn a_new_workspace_is_offered_only_the_next_step() {
        let steps = Steps { store: true, key: false, order: false, manages: true };
        let page = Overview { workspace_name: "Acme", steps: Some(steps), today: None };
        let markup = overview(&page).into_string();
        assert_eq!(markup.matches("first-step done").count(), 1, "{markup}");
        assert!(
            markup.contains(links::NEW_KEY) && !markup.contains("Create a store</span>"),
            "{markup}"
        );
        let member = Steps { manages: false, ..steps };
        let member = overview(&Overview { steps: Some(member), ..page }).into_string();
        assert!(!member.contains(links::NEW_KEY), "{member}");
    }

    #[test]
    fn the_newest_orders_of_all_stores_are_shown_with_their_store() {
        let a = StoreToday {
            id: &order(1, 1).id.store.to_string(),
            name: "<A>",
            summary: summary(2_000, (1..=5).map(|at| order(1, at)).collect()),
        };
        let b = StoreToday {
            id: &order(2, 1).id.store.to_string(),
            name: "B",
            summary: summary(1, vec![order(2, 9)]),
        };
        let markup = render(&[a, b]);
        assert!(markup.contains("2000+") && !markup.contains("<A>"), "{markup}");
        assert_eq!(markup.matches("class=\"row-link\"").count(), 5);
        assert!(markup.contains("data-label=\"Store\">B<"), "{markup}");
    }

    #[test]
    fn a_store_that_does_not_reply_is_marked_and_the_others_are_still_shown() {
        let silent = StoreToday { id: "sto_a", name: "A", summary: None };
        let other = StoreToday { id: "sto_b", name: "B", summary: summary(0, vec![]) };
        let markup = render(&[silent, other]);
        assert!(markup.contains("did not answer in time"), "{markup}");
        assert!(!markup.contains("Receive the first order"));
    }

    #[test]
    fn before_the_first_order_the_last_step_is_shown() {
        let store = StoreToday { id: "sto_a", name: "A", summary: summary(0, vec![]) };
        assert!(render(&[store]).contains("Receive the first order"));
    }
}
