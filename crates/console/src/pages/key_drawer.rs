//! The drawer of a key: its head, its tabs, and the content of the current tab.

use maud::{Markup, html};

use super::key_badges::{capped_count, status};
use super::senders::paste_label;
use crate::components::{
    Attributes, Banner, Button, CloseBy, Kind, Layer, Tab, banner, copy_value, drawer, mono,
    source_label, tabs,
};
use crate::links;
use crate::routes::KeyTab;
use tidegate_core::domain::key::KeyRecord;
use tidegate_core::domain::parked::ParkedCount;
use tidegate_core::domain::time::Timestamp;

/// The view model of the drawer.
#[derive(Debug)]
pub struct KeyDrawer<'a> {
    pub record: &'a KeyRecord,
    pub store: &'a str,
    pub tab: KeyTab,
    /// How many events are parked; `None` if unknown.
    pub parked: Option<ParkedCount>,
    pub now: Timestamp,
}

pub fn key_drawer(page: &KeyDrawer<'_>, content: Markup) -> Markup {
    let id = page.record.key_id.as_str();
    let layer = Layer {
        close_by: CloseBy::Uncovering,
        ..Layer::new("key", &page.record.name, links::CONNECTORS)
    };
    let urls = [links::key(id), links::key_parked(id), links::key_settings(id)];
    let parked = match page.parked.unwrap_or_default() {
        ParkedCount { attention: 0, awaiting_details: 0 } => "Parked events".to_owned(),
        ParkedCount { attention: 0, awaiting_details } => {
            format!("Parked events ({} kept)", capped_count(awaiting_details))
        }
        ParkedCount { attention, .. } => format!("Parked events ({})", capped_count(attention)),
    };
    let [requests_url, parked_url, settings_url] = &urls;
    let key_tabs = [
        Tab { label: "Requests", href: requests_url, current: page.tab == KeyTab::Requests },
        Tab { label: &parked, href: parked_url, current: page.tab == KeyTab::Parked },
        Tab { label: "Settings", href: settings_url, current: page.tab == KeyTab::Settings },
    ];
    let header = html! { span.layer-status { (status(page.record, page.now)) } };
    let body = html! {
        p.facts {
            (mono(&format!("{}…", page.record.preview))) " · " (source_label(page.record.source))
            " · " (page.store) " · " (mono(id)) (copy_value(id, "Copy the key id"))
        }
        @if page.record.awaits_secret() && page.tab != KeyTab::Settings { (awaits_secret(page.record)) }
        (tabs("Sections of the key", &key_tabs, &in_layer()))
        (content)
    };
    drawer(&layer, header, body)
}

/// The banner of a key without its signing secret, with a link to where it is pasted.
fn awaits_secret(record: &KeyRecord) -> Markup {
    let settings = links::key_settings(record.key_id.as_str());
    banner(&Banner {
        kind: Kind::Warn,
        text: html! {
            strong { "This key awaits its signing secret." } " Until then every delivery is refused."
        },
        action: Some(html! {
            (Button::secondary(paste_label(record.payload_format)).small().opens_layer(&settings))
        }),
    })
}

/// The htmx attributes with which links load into the layer instead of leaving the page.
pub fn in_layer() -> Attributes {
    Attributes::new()
        .set("hx-boost", "true")
        .set("hx-target", "#layer")
        .set("hx-swap", "innerHTML")
        .set("hx-push-url", "true")
}
