//! Settings → Connectors: the cards that connect a sender, and the list of keys.

use maud::{Markup, html};

use super::format_label;
use crate::components::{
    Attributes, Banner, Button, Column, Field, Kind, cell, chips, empty_state, filter_bar,
    head_cell, link_card, link_cards, mono, muted, no_time, page_header, pagination, post_button,
    section, skeleton, source_label, sparkline, sparkline_skeleton, table, time,
};
use crate::components::{TimeStyle, banner};
use crate::icons::Icon;
use crate::links;
use crate::pages::key_badges::{capped_count, status, status_label};
use crate::pages::senders::{paste_label, sender_icon};
use tidegate_core::domain::expiry::days_left;
use tidegate_core::domain::key::{KeyRecord, ShownStatus, Source};
use tidegate_core::domain::log::Tally;
use tidegate_core::domain::parked::ParkedCount;
use tidegate_core::domain::time::Timestamp;
use tidegate_core::storefront::PROFILES;

/// The filters of the list, as text from the URL.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filters {
    pub search: String,
    pub store: String,
    pub source: String,
    pub status: String,
}

impl Filters {
    pub fn pairs<'a>(&'a self, cursor: &'a str) -> [(&'a str, &'a str); 5] {
        [
            ("q", &self.search),
            ("store", &self.store),
            ("source", &self.source),
            ("status", &self.status),
            ("cursor", cursor),
        ]
    }

    pub fn is_set(&self) -> bool {
        *self != Self::default()
    }
}

/// The view model of the page, for owners and admins.
#[derive(Debug)]
pub struct Connectors<'a> {
    pub csrf: &'a str,
    pub keys: &'a [KeyRecord],
    /// Ids and names of all stores.
    pub stores: &'a [(String, String)],
    pub filters: &'a Filters,
    /// Whether this is not the first page.
    pub later: bool,
    pub next_cursor: Option<&'a str>,
    /// How many keys of the workspace expire within 14 days, and the one that expires first.
    pub expiring: (usize, Option<&'a KeyRecord>),
    pub now: Timestamp,
}

pub fn connectors(page: &Connectors<'_>) -> Markup {
    let new = Button::primary("New key")
        .icon(Icon::Plus)
        .opens_layer(links::NEW_KEY)
        .attr("data-shortcut", "n");
    html! {
        (page_header("Connectors", Some("The keys by which storefronts post orders, payments and clients."), html! { (new) }))
        @if let (count, Some(soonest)) = page.expiring { (expiring_banner(count, soonest, page.now)) }
        (section("quickstart", "Connect a storefront", html! { a href=(links::DOCS) { "Documentation" } }, cards()))
        (section("connections", "Connections", html! {}, html! {
            @if page.keys.is_empty() && !page.filters.is_set() && !page.later {
                (empty_state(Icon::Connectors, "No storefront is connected yet",
                    "Choose a card above: it mints a key and shows what to paste where. The first order can be here in five minutes.",
                    html! {}))
            } @else {
                (filters(page))
                (list(page))
            }
        }))
    }
}

fn expiring_banner(count: usize, soonest: &KeyRecord, now: Timestamp) -> Markup {
    let left = soonest.expires_at.map_or(0, |at| days_left(at, now));
    let when = match left {
        0 => "has expired".to_owned(),
        1 => "expires within a day".to_owned(),
        days => format!("expires in {days} days"),
    };
    banner(&Banner {
        kind: if left <= 3 { Kind::Bad } else { Kind::Warn },
        text: html! {
            strong { (soonest.name) } " " (when)
            @if count > 1 { ", and " (count - 1) " more within 14 days" } "."
        },
        action: Some(html! {
            (Button::secondary("Renew").small().opens_layer(&links::rotate(soonest.key_id.as_str())))
        }),
    })
}

fn cards() -> Markup {
    link_cards(html! {
        @for sender in PROFILES {
            (link_card(sender_icon(sender.kind), sender.title, sender.summary, &links::new_key(sender.source)))
        }
    })
}

fn filters(page: &Connectors<'_>) -> Markup {
    let any = |label: &'static str| (String::new(), label.to_owned());
    let stores: Vec<_> =
        [any("All stores")].into_iter().chain(page.stores.iter().cloned()).collect();
    let sources = Source::ALL.iter().map(|s| (s.as_str().to_owned(), source_label(*s).to_owned()));
    let sources: Vec<_> = [any("All sources")].into_iter().chain(sources).collect();
    let statuses =
        ShownStatus::ALL.iter().map(|s| (s.as_str().to_owned(), status_label(*s).to_owned()));
    let statuses: Vec<_> = [any("Any status")].into_iter().chain(statuses).collect();
    let field = |name, label| Field::filter(name, label).label_hidden();
    filter_bar(
        "Filter keys",
        links::CONNECTORS,
        &Attributes::new(),
        html! {
            (field("q", "Search keys").attr("placeholder", "Name, key or key id").search(&page.filters.search))
            (field("store", "Store").select(&stores, &page.filters.store))
            (field("source", "Source").select(&sources, &page.filters.source))
            (field("status", "Status").select(&statuses, &page.filters.status))
        },
        page.filters.is_set().then_some(links::CONNECTORS),
    )
}

const NAME: Column<'_> = Column::new("Name");
const STORE: Column<'_> = Column::new("Store");
const SOURCE: Column<'_> = Column::new("Source");
const SCOPES: Column<'_> = Column::new("Scopes");
const REQUESTS: Column<'_> = Column::new("24h requests").width("w-12");
const LAST_USED: Column<'_> = Column::new("Last used").width("w-8");
const STATUS: Column<'_> = Column::new("Status");
const ACTIONS: Column<'_> = Column::hidden("Actions");
const COLUMNS: [Column<'_>; 8] =
    [NAME, STORE, SOURCE, SCOPES, REQUESTS, LAST_USED, STATUS, ACTIONS];

fn list(page: &Connectors<'_>) -> Markup {
    let rows = html! { @for key in page.keys { (row(page, key)) } };
    let cursor = page.next_cursor;
    let older =
        cursor.map(|cursor| links::with_query(links::CONNECTORS, &page.filters.pairs(cursor)));
    let newest = links::with_query(links::CONNECTORS, &page.filters.pairs(""));
    html! {
        @if page.keys.is_empty() {
            p.muted {
                @if cursor.is_some() { "None among the keys looked at. Older ones may match." }
                @else { "No key matches." }
            }
        } @else {
            (table("Integration keys", &COLUMNS, &Attributes::new().set("id", "keys"), rows))
            (usage_loader(page.keys))
        }
        (pagination("Pages of keys", page.later.then_some(newest.as_str()), older.as_deref(), "", &Attributes::new()))
    }
}

/// Loads the usage cells of all rows in one request, at once and then every 30 seconds.
fn usage_loader(keys: &[KeyRecord]) -> Markup {
    let key_ids = keys.iter().map(|key| key.key_id.as_str()).collect::<Vec<_>>().join(",");
    let url = links::with_query(links::USAGE, &[("keys", &key_ids)]);
    html! {
        div hx-get=(url) hx-trigger="load, every 30s, tidegate:visible from:body" hx-swap="none"
            data-poll hx-headers=r#"{"X-Tidegate-Poll":"1"}"# {}
    }
}

fn row(page: &Connectors<'_>, key: &KeyRecord) -> Markup {
    let id = key.key_id.as_str();
    let store = page.stores.iter().find(|(store, _)| *store == key.store_id.to_string());
    let href = links::key(id);
    html! {
        tr id={ "row-" (id) } {
            (head_cell(html! {
                a.row-link href=(href) hx-get=(href) hx-target="#layer" hx-swap="innerHTML" hx-push-url="true" { (key.name) }
                div.sub { (mono(&format!("{}…", key.preview))) }
            }))
            (cell(&STORE, html! { (store.map_or("", |(_, name)| name)) }))
            (cell(&SOURCE, html! {
                div { (source_label(key.source)) }
                div.sub { (muted(format_label(key.payload_format))) }
            }))
            (cell(&SCOPES, chips(key.scopes.iter().map(|scope| scope.as_str()))))
            (cell(&REQUESTS, html! { div.usage id={ "usage-" (id) } { (sparkline_skeleton()) (skeleton("w-6")) } }))
            (cell(&LAST_USED, html! { div id={ "used-" (id) } { (skeleton("w-6")) } }))
            (cell(&STATUS, html! {
                (status(key, page.now))
                @if key.awaits_secret() { div.sub { (paste_link(key)) } }
            }))
            (cell(&ACTIONS, row_actions(page.csrf, key, page.now)))
        }
    }
}

/// A link to the settings, where the signing secret of the key is pasted.
fn paste_link(key: &KeyRecord) -> Markup {
    let href = links::key_settings(key.key_id.as_str());
    html! {
        a.to-end href=(href) hx-get=(href) hx-target="#layer" hx-swap="innerHTML" hx-push-url="true" {
            (paste_label(key.payload_format)) span.visually-hidden { " of " (key.name) }
        }
    }
}

/// The buttons of a key's row.
fn row_actions(csrf: &str, key: &KeyRecord, now: Timestamp) -> Markup {
    let id = key.key_id.as_str();
    let label = |verb: &str| format!("{verb} {}", key.name);
    let (pause, resume) = (label("Pause"), label("Resume"));
    let (rotate, revoke) = (label("Rotate"), label("Revoke"));
    html! {
        @match key.shown_status(now) {
            ShownStatus::Revoked => {}
            status => {
                @if status == ShownStatus::Paused {
                    (post_button(csrf, &links::resume(id), &Button::ghost(&resume).small().icon_only(Icon::Play)))
                } @else if status == ShownStatus::Active {
                    (post_button(csrf, &links::pause(id), &Button::ghost(&pause).small().icon_only(Icon::Pause)))
                }
                (Button::ghost(&rotate).small().icon_only(Icon::Rotate).opens_layer(&links::rotate(id)))
                (Button::ghost(&revoke).small().icon_only(Icon::Revoke).opens_layer(&links::revoke(id)))
            }
        }
    }
}

/// One key and its traffic over 24 hours.
#[derive(Debug)]
pub struct Usage<'a> {
    pub key_id: &'a str,
    /// `None` if the KeyGate did not reply.
    pub traffic: Option<Traffic>,
}

/// The traffic of a key, as its KeyGate reported it.
#[derive(Clone, Debug)]
pub struct Traffic {
    pub total: Tally,
    /// One tally for each of the 24 hours, the oldest first.
    pub hours: Vec<Tally>,
    pub last_used_at: Option<Timestamp>,
    pub parked: ParkedCount,
}

/// The usage cells of several keys, which htmx swaps into their rows.
pub fn usage_cells(keys: &[Usage<'_>], now: Timestamp) -> Markup {
    html! {
        @for Usage { key_id, traffic } in keys {
            div.usage id={ "usage-" (key_id) } hx-swap-oob="true" {
                @match traffic {
                    Some(traffic) => { (usage_cell(key_id, traffic)) }
                    None => { (muted("No answer")) }
                }
            }
            div id={ "used-" (key_id) } hx-swap-oob="true" {
                @match traffic.as_ref().and_then(|traffic| traffic.last_used_at) {
                    Some(at) => { (time(at, TimeStyle::Relative(now))) }
                    None => { (no_time(if traffic.is_some() { "Never" } else { "—" })) }
                }
            }
        }
    }
}

fn usage_cell(key_id: &str, traffic: &Traffic) -> Markup {
    let hours: Vec<_> = traffic.hours.iter().map(|hour| (hour.requests, hour.errors)).collect();
    html! {
        (sparkline(&hours))
        span.count { (traffic.total.requests) }
        @if traffic.total.errors > 0 {
            a.errors href=(links::with_query(&links::key(key_id), &[("status", "errors")])) {
                (traffic.total.errors) (if traffic.total.errors == 1 { " error" } else { " errors" })
            }
        }
        @let ParkedCount { attention, awaiting_details } = traffic.parked;
        @if attention > 0 {
            a href=(links::key_parked(key_id)) { (capped_count(attention)) " parked" }
        } @else if awaiting_details > 0 {
            a.muted href=(links::key_parked(key_id)) { (capped_count(awaiting_details)) " kept" }
        }
    }
}
