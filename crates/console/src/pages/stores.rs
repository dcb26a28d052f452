//! Settings → Stores: the list of stores with its forms, and the dialog that archives a store.

use maud::{Markup, html};

use crate::components::{
    Attributes, Button, Column, Confirm, Field, Kind, Layer, Status, TimeStyle, actions, cell,
    confirm, copy_value, empty_state, field_id, form, head_cell, inline_note, mono, muted,
    page_header, post_button, section, small_modal, status_badge, table, time,
};
use crate::forms::FormErrors;
use crate::icons::{Icon, icon};
use crate::links;
use tidegate_core::domain::key::ShownStatus;
use tidegate_core::domain::time::Timestamp;

/// A store as the list shows it.
#[derive(Clone, Debug)]
pub struct ShownStore {
    pub id: String,
    pub name: String,
    pub created_at: Timestamp,
    pub archived_at: Option<Timestamp>,
    pub keys: LiveKeys,
}

/// The number of keys of a store that are not revoked, by status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LiveKeys {
    pub active: u32,
    pub paused: u32,
    pub expired: u32,
}

impl LiveKeys {
    /// The number of keys that prevent the store from being archived.
    pub const fn hold(self) -> u32 {
        self.active.saturating_add(self.paused)
    }

    /// The counts that are not zero.
    fn by_status(self) -> impl Iterator<Item = (ShownStatus, u32)> {
        [
            (ShownStatus::Active, self.active),
            (ShownStatus::Paused, self.paused),
            (ShownStatus::Expired, self.expired),
        ]
        .into_iter()
        .filter(|(_, keys)| *keys > 0)
    }
}

/// A form of the page that was sent with errors.
#[derive(Clone, Debug, Default)]
pub struct Unfinished<'a> {
    /// The store to rename; `None` for the form that creates a store.
    pub store: Option<&'a str>,
    /// The typed name.
    pub name: &'a str,
    pub errors: FormErrors,
}

/// The view model of the page, for owners and admins.
#[derive(Debug)]
pub struct Stores<'a> {
    pub csrf: &'a str,
    pub stores: &'a [ShownStore],
    pub unfinished: Option<&'a Unfinished<'a>>,
}

pub fn stores(page: &Stores<'_>) -> Markup {
    let archived = |store: &&ShownStore| store.archived_at.is_some();
    let open: Vec<_> = page.stores.iter().filter(|store| !archived(store)).collect();
    let closed: Vec<_> = page.stores.iter().filter(archived).collect();
    html! {
        (page_header("Stores", Some("Each store keeps its own orders and clients. A key belongs to one store for good."), html! {}))
        @if open.is_empty() {
            (empty_state(Icon::Stores,
                if closed.is_empty() { "No store yet" } else { "Every store is archived" },
                "Make one for each shop or brand whose orders you keep apart. Then connect a storefront to it.",
                create_form(page)))
        } @else {
            (table("Stores", &COLUMNS, &Attributes::new(), html! { @for store in open { (row(page, store)) } }))
            (section("new-store", "New store", html! {}, create_form(page)))
        }
        @if !closed.is_empty() {
            (section("archived", "Archived", html! {}, table("Archived stores", &COLUMNS,
                &Attributes::new(), html! { @for store in closed { (row(page, store)) } })))
        }
    }
}

/// The label of a field of these forms, with which its error messages begin.
pub const fn label(_field: &str) -> &'static str {
    "Name"
}

fn create_form(page: &Stores<'_>) -> Markup {
    let unfinished = page.unfinished.filter(|form| form.store.is_none());
    let typed = unfinished.map_or("", |form| form.name);
    let field = name_field("Name", unfinished).attr("placeholder", "Main shop");
    let content = html! {
        (field.after(html! { (Button::primary("Create store").icon(Icon::Plus).busy("Creating…")) }).text(typed))
    };
    form(page.csrf, links::STORES, &Attributes::new().set("class", "line-form"), content)
}

/// The field for a store's name, with its error.
fn name_field<'a>(label: &'a str, unfinished: Option<&'a Unfinished<'a>>) -> Field<'a> {
    let error = unfinished.and_then(|form| form.errors.of("name").or_else(|| form.errors.of("")));
    let field = Field::new("name", label)
        .required()
        .attr("maxlength", "100")
        .attr("autocomplete", "off")
        .error(error);
    if error.is_some() { field.flag("autofocus") } else { field }
}

const NAME: Column<'_> = Column::new("Name");
const KEYS: Column<'_> = Column::new("Keys");
const CREATED: Column<'_> = Column::new("Created");
const ORDERS: Column<'_> = Column::new("Orders");
const ACTIONS: Column<'_> = Column::hidden("Actions");
const COLUMNS: [Column<'_>; 5] = [NAME, KEYS, CREATED, ORDERS, ACTIONS];

fn row(page: &Stores<'_>, store: &ShownStore) -> Markup {
    let orders = links::with_query(links::ORDERS, &[("store", &store.id)]);
    html! {
        tr {
            (head_cell(html! {
                (store.name)
                div.sub {
                    span.with-copy {
                        (mono(&store.id))
                        (copy_value(&store.id, &format!("Copy the id of {}", store.name)))
                    }
                }
            }))
            (cell(&KEYS, keys(store)))
            (cell(&CREATED, html! { (time(store.created_at, TimeStyle::Date)) }))
            (cell(&ORDERS, html! { a href=(orders) { "Orders" span.visually-hidden { " of " (store.name) } } }))
            (cell(&ACTIONS, html! { div.row-actions { (row_actions(page, store)) } }))
        }
    }
}

fn keys(store: &ShownStore) -> Markup {
    if let Some(at) = store.archived_at {
        return html! {
            span.badges { (status_badge(Status::Neutral, "Archived")) (time(at, TimeStyle::Date)) }
        };
    }
    if store.keys == LiveKeys::default() {
        let connect = links::with_query(links::NEW_KEY, &[("store", &store.id)]);
        return html! { div { (muted("None")) " · " a href=(connect) { "Connect a storefront" } } };
    }
    html! {
        span.badges {
            @for (status, count) in store.keys.by_status() {
                a.quiet href=(keys_of(&store.id, Some(status))) {
                    (status_badge(kind(status), &format!("{count} {}", status.as_str())))
                }
            }
        }
    }
}

const fn kind(status: ShownStatus) -> Status {
    match status {
        ShownStatus::Active => Status::Good,
        ShownStatus::Paused | ShownStatus::Expired | ShownStatus::Revoked => Status::Bad,
    }
}

/// The URL of the list of a store's keys, of one status or all.
fn keys_of(store: &str, status: Option<ShownStatus>) -> String {
    let status = status.map_or("", ShownStatus::as_str);
    links::with_query(links::CONNECTORS, &[("store", store), ("status", status)])
}

fn row_actions(page: &Stores<'_>, store: &ShownStore) -> Markup {
    let archive = format!("Archive {}", store.name);
    let restore = format!("Restore {}", store.name);
    html! {
        (rename(page, store))
        @if store.archived_at.is_some() {
            (post_button(page.csrf, &links::restore_store(&store.id),
                &Button::secondary("Restore").small().attr("aria-label", &restore)))
        } @else {
            (Button::ghost(&archive).small().icon_only(Icon::Archive).opens_layer(&links::archive_store(&store.id)))
        }
    }
}

fn rename(page: &Stores<'_>, store: &ShownStore) -> Markup {
    let unfinished = page.unfinished.filter(|form| form.store == Some(store.id.as_str()));
    let typed = unfinished.map_or(store.name.as_str(), |form| form.name);
    let id = field_id(&format!("name-{}", store.id));
    let name = name_field("New name", unfinished)
        .id(&id)
        .after(html! { (Button::secondary("Rename").busy("Renaming…")) })
        .text(typed);
    html! {
        details.pop open[unfinished.is_some()] {
            summary.button.ghost.small.icon-only title={ "Rename " (store.name) } {
                (icon(Icon::Edit)) span.visually-hidden { "Rename " (store.name) }
            }
            div.pop-panel {
                (form(page.csrf, &links::rename_store(&store.id), &Attributes::new(), name))
            }
        }
    }
}

/// The dialog that asks before a store is archived. For a store that still has live keys it
/// explains that these must be revoked first.
pub fn archive_dialog(csrf: &str, store: &ShownStore) -> Markup {
    let title = format!("Archive “{}”?", store.name);
    let live_keys = store.keys.hold();
    if live_keys > 0 {
        let layer = Layer::new("archive-store", &title, links::STORES);
        return small_modal(&layer, html! { (in_use(store, live_keys)) });
    }
    confirm(Confirm {
        id: "archive-store",
        title: &title,
        body: html! {
            p { "No new key can be minted for it. Its orders stay, and can be read as before." }
            p.muted { "You can restore it at any time." }
        },
        action: &links::archive_store(&store.id),
        csrf,
        button: &format!("Archive {}", store.name),
        busy: "Archiving…",
        close_href: links::STORES,
        attributes: Attributes::new(),
    })
}

fn in_use(store: &ShownStore, live_keys: u32) -> Markup {
    let LiveKeys { active, paused, .. } = store.keys;
    let status = match (active, paused) {
        (_, 0) => Some(ShownStatus::Active),
        (0, _) => Some(ShownStatus::Paused),
        _ => None,
    };
    html! {
        (inline_note(Kind::Warn, html! {
            (live_keys) (if live_keys == 1 { " live key points" } else { " live keys point" })
            " to this store, so it is not archived: storefronts would go on sending it orders."
        }))
        p { "Revoke " (if live_keys == 1 { "it" } else { "them" }) " first, then archive the store." }
        (actions(html! {
            (Button::secondary("Cancel").href(links::STORES).attr("data-close", ""))
            (Button::primary(if live_keys == 1 { "Show the key" } else { "Show the keys" }).href(&keys_of(&store.id, status)))
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(keys: LiveKeys) -> ShownStore {
        ShownStore {
            id: "sto_a".to_owned(),
            name: "<Main> \"shop\"".to_owned(),
            created_at: Timestamp::from_millis(1_795_348_087_000),
            archived_at: None,
            keys,
        }
    }

    fn page(stores: &[ShownStore], unfinished: Option<&Unfinished<'_>>) -> String {
        super::stores(&Stores { csrf: "tok", stores, unfinished }).into_string()
    }

    #[test]
    fn a_workspace_without_stores_shows_how_to_create_one() {
        let markup = page(&[], None);
        assert!(markup.contains("No store yet") && markup.contains("Create store"), "{markup}");
        assert!(!markup.contains("<table"));
    }

    #[test]
    fn names_are_escaped_everywhere() {
        let markup = page(&[store(LiveKeys::default())], None);
        assert!(!markup.contains("<Main>") && !markup.contains("\"shop\""), "{markup}");
        let dialog = archive_dialog("tok", &store(LiveKeys::default())).into_string();
        assert!(!dialog.contains("<Main>") && !dialog.contains("\"shop\""), "{dialog}");
        assert!(dialog.contains("Archive “&lt;Main&gt; &quot;shop&quot;”?"), "{dialog}");
    }

    #[test]
    fn key_counts_link_to_the_list_filtered_by_store_and_status() {
        let markup = page(&[store(LiveKeys { active: 2, paused: 0, expired: 1 })], None);
        assert!(markup.contains("/settings/connectors?store=sto_a&amp;status=active"), "{markup}");
        assert!(markup.contains("2 active") && markup.contains("1 expired"));
        assert!(!markup.contains("paused"));
    }

    #[test]
    fn a_store_in_use_offers_its_keys_and_no_way_to_archive_it() {
        let markup = |active, paused| {
            archive_dialog("tok", &store(LiveKeys { active, paused, expired: 3 })).into_string()
        };
        let one = markup(0, 1);
        assert!(one.contains("1 live key points to this store"), "{one}");
        assert!(one.contains("store=sto_a&amp;status=paused") && !one.contains("<form"), "{one}");
        let three = markup(1, 2);
        assert!(three.contains("3 live keys point to this store"), "{three}");
        assert!(three.contains("href=\"/settings/connectors?store=sto_a\""), "{three}");
    }

    #[test]
    fn an_expired_key_does_not_prevent_archiving_a_store() {
        let dialog = archive_dialog("tok", &store(LiveKeys { expired: 3, ..LiveKeys::default() }));
        assert!(dialog.into_string().contains("<form"));
    }

    #[test]
    fn an_invalid_name_is_shown_again_with_its_error_in_its_own_form() {
        let errors = FormErrors::one("name", "Name is too long.");
        let renaming = Unfinished { store: Some("sto_a"), name: "typed", errors };
        let markup = page(&[store(LiveKeys::default())], Some(&renaming));
        assert!(markup.contains("<details class=\"pop\" open>"), "{markup}");
        assert_eq!(markup.matches("Name is too long.").count(), 1);
        assert!(markup.contains("value=\"typed\""));
        let creating = Unfinished { store: None, ..renaming };
        let markup = page(&[store(LiveKeys::default())], Some(&creating));
        assert!(!markup.contains("<details class=\"pop\" open>"), "{markup}");
        assert_eq!(markup.matches("Name is too long.").count(), 1);
    }
}
