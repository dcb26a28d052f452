//! The settings of a key: its properties, signing secret, rotation, pause and revocation. Also the
//! dialogs that rotate and revoke it.

use maud::{Markup, html};

use super::connect::quickstart;
use super::key_secret::{Secret, SecretForm, awaiting, secret};
use super::senders::sender_of;
use super::{format_label, scope_text};
use crate::components::{
    Attributes, Button, Confirm, Field, Kind, Layer, TimeStyle, actions, confirm, copy_value,
    error_summary, form, hidden, inline_note, keyvalue, modal, mono, no_time, post_button, section,
    source_label, time,
};
use crate::forms::FormErrors;
use crate::icons::Icon;
use crate::links;
use crate::pages::key_form::expiry_buttons;
use crate::pages::key_log::{internal_id, status_of};
use tidegate_core::domain::expiry::days_left;
use tidegate_core::domain::key::{KeyRecord, ShownStatus};
use tidegate_core::domain::log::Tally;
use tidegate_core::domain::time::{DAY, HOUR, Timestamp};
use tidegate_core::protocol::key_gate::LoggedRequest;

/// A key of the rotation (this one, its predecessor or a successor), with its traffic.
#[derive(Debug)]
pub struct Relative<'a> {
    pub record: &'a KeyRecord,
    pub h24: Option<Tally>,
    pub last_used_at: Option<Timestamp>,
}

/// The requests of a revoked key before and after it was revoked.
#[derive(Debug)]
pub struct Receipt<'a> {
    pub revoked_at: Timestamp,
    /// The last request that was accepted.
    pub last_accepted: Option<&'a LoggedRequest>,
    /// The requests after the revocation, newest first.
    pub later: &'a [LoggedRequest],
}

/// The view model of the settings in the drawer.
#[derive(Debug)]
pub struct KeySettings<'a> {
    pub csrf: &'a str,
    pub record: &'a KeyRecord,
    pub store: &'a str,
    pub webhook_url: Option<&'a str>,
    pub own: Relative<'a>,
    pub predecessor: Option<Relative<'a>>,
    pub successors: &'a [Relative<'a>],
    pub receipt: Option<Receipt<'a>>,
    pub secret: SecretForm<'a>,
    pub now: Timestamp,
}

pub fn key_settings(page: &KeySettings<'_>) -> Markup {
    let live = page.record.shown_status(page.now) != ShownStatus::Revoked;
    let KeySettings { csrf, record, webhook_url, secret: form, now, .. } = *page;
    let of_secret = Secret { csrf, record, webhook_url, form, now };
    html! {
        @if let Some(receipt) = &page.receipt { (receipt_of(page, receipt)) }
        @if page.record.awaits_secret() { (awaiting(&of_secret)) }
        @if live { (rotation(page)) }
        (section("facts", "Details", html! {}, facts(page)))
        @if live {
            @if !page.record.awaits_secret() { (section("secret", "Signing secret", html! {}, secret(&of_secret))) }
            (section("end", "Pause or revoke", html! {}, ending(page)))
        }
    }
}

fn facts(page: &KeySettings<'_>) -> Markup {
    let record = page.record;
    let copyable =
        |value: &str, label: &str| html! { span.wrap { (mono(value)) } (copy_value(value, label)) };
    keyvalue(&[
        ("Key id", copyable(record.key_id.as_str(), "Copy the key id")),
        (
            "Key",
            html! { (mono(&format!("{}…", record.preview))) " " span.muted { "shown in full only when it was minted" } },
        ),
        (
            "Webhook URL",
            html! { @match page.webhook_url { Some(url) => { (copyable(url, "Copy the webhook URL")) } None => { "None: it posts to /integrations/v1/orders" } } },
        ),
        ("Store", html! { (page.store) }),
        (
            "Source",
            html! { (source_label(record.source)) ", " (format_label(record.payload_format)) ". " (quickstart(sender_of(record))) },
        ),
        (
            "Scopes",
            html! { ul.plain { @for scope in record.scopes.iter() { li { (mono(scope.as_str())) " " span.muted { (scope_text(scope)) } } } } },
        ),
        ("Rate limit", html! { (record.rate_limit.per_minute()) " requests in any 60 seconds" }),
        (
            "Signature",
            html! { @if record.require_signature { "Required" } @else { "Not required; checked where it is sent" } },
        ),
        ("Bodies", html! { @if record.capture_bodies { "Kept for 30 days" } @else { "Not kept" } }),
        ("Created", time(record.created_at, TimeStyle::Full)),
        (
            "Expires",
            html! { @match record.expires_at { Some(at) => { (time(at, TimeStyle::Full)) } None => { (no_time("Never")) } } },
        ),
        (
            "Last used",
            html! { @match page.own.last_used_at { Some(at) => { (time(at, TimeStyle::Relative(page.now))) } None => { (no_time("Never")) } } },
        ),
    ])
}

fn ending(page: &KeySettings<'_>) -> Markup {
    let id = page.record.key_id.as_str();
    html! {
        @match page.record.shown_status(page.now) {
            ShownStatus::Paused => {
                p.muted { "Paused: requests are refused with 403 key_paused, webhook deliveries are parked." }
                (post_button(page.csrf, &links::resume(id), &Button::secondary("Resume").icon(Icon::Play).busy("Resuming…")))
            }
            ShownStatus::Active => {
                p.muted { "Pausing refuses requests with 403 key_paused and parks webhook deliveries, until you resume. Revoking is for ever." }
                (post_button(page.csrf, &links::pause(id), &Button::secondary("Pause").icon(Icon::Pause).busy("Pausing…")))
            }
            ShownStatus::Expired | ShownStatus::Revoked => {}
        }
        " "
        (Button::danger("Revoke…").icon(Icon::Revoke).opens_layer(&links::revoke(id)))
    }
}

fn rotation(page: &KeySettings<'_>) -> Markup {
    let id = page.record.key_id.as_str();
    let href = links::rotate(id);
    let expires = page.record.expires_at.map(|at| days_left(at, page.now));
    let button = if expires.is_some_and(|days| days <= 14) { "Renew…" } else { "Rotate…" };
    let aside = html! { (Button::secondary(button).small().icon(Icon::Rotate).opens_layer(&href)) };
    let content = html! {
        @if page.predecessor.is_none() && page.successors.is_empty() {
            p.muted { "Rotating mints a new key with the same settings, beside this one. Both work until you revoke this one, and they know each other's orders." }
        } @else {
            table.traffic {
                caption.visually-hidden { "Traffic of the keys of this rotation" }
                thead { tr { th scope="col" { "Key" } th.num scope="col" { "24h requests" } th scope="col" { "Last used" } th scope="col" { span.visually-hidden { "Actions" } } } }
                tbody {
                    @if let Some(old) = &page.predecessor { (relative(page, old, "the key before", page.own.last_used_at.is_some())) }
                    (relative(page, &page.own, "this key", false))
                    @for new in page.successors { (relative(page, new, "its successor", false)) }
                }
            }
            @if let Some(new) = page.successors.iter().find(|new| new.last_used_at.is_some()) {
                @if is_quiet(&page.own, page.now) {
                    (inline_note(Kind::Good, html! {
                        "“" (new.record.name) "” carries the traffic, and this key has gone quiet. "
                        (Button::danger("Revoke this key…").small().opens_layer(&links::revoke(id)))
                    }))
                }
            }
        }
    };
    section("rotation", "Rotation", aside, content)
}

/// Whether a key has had no request for a day.
fn is_quiet(key: &Relative<'_>, now: Timestamp) -> bool {
    key.h24.is_some_and(|tally| tally.requests == 0)
        || key.last_used_at.is_some_and(|at| now.since(at) > DAY)
}

fn relative(page: &KeySettings<'_>, key: &Relative<'_>, role: &str, offer_revoke: bool) -> Markup {
    let id = key.record.key_id.as_str();
    let status = key.record.shown_status(page.now);
    let quiet = key.last_used_at.is_none_or(|at| page.now.since(at) > HOUR);
    html! {
        tr {
            th scope="row" {
                a href=(links::key_settings(id)) hx-get=(links::key_settings(id)) hx-target="#layer" hx-swap="innerHTML" hx-push-url="true" { (key.record.name) }
                " " span.muted { (role) ", " (status.as_str()) }
            }
            td.num { @match key.h24 { Some(tally) => { (tally.requests) } None => { "—" } } }
            td { @match key.last_used_at { Some(at) => { (time(at, TimeStyle::Relative(page.now))) } None => { (no_time("Never")) } } }
            td.actions-cell {
                @if offer_revoke && quiet && status != ShownStatus::Revoked {
                    (Button::danger("Revoke…").small().opens_layer(&links::revoke(id)))
                }
            }
        }
    }
}

fn receipt_of(page: &KeySettings<'_>, receipt: &Receipt<'_>) -> Markup {
    let key_id = page.record.key_id.as_str();
    let summary = |request: &LoggedRequest| {
        html! {
            a href=(links::request(key_id, &request.id.to_string())) { (time(request.received_at, TimeStyle::Full)) }
            " " (status_of(request.status))
            @if let Some(id) = &request.internal_id { " " (internal_id(id)) }
        }
    };
    let content = html! {
        (keyvalue(&[
            ("Revoked", time(receipt.revoked_at, TimeStyle::Full)),
            ("Last accepted request", html! { @match receipt.last_accepted { Some(request) => { (summary(request)) } None => { "None" } } }),
            ("Attempts since", html! {
                @if receipt.later.is_empty() { "None: nobody has tried it again" }
                @else {
                    (receipt.later.iter().map(|request| u64::from(request.count)).sum::<u64>()) " refused, the last "
                    @if let Some(last) = receipt.later.first() { (summary(last)) }
                }
            }),
        ]))
    };
    section("receipt", "Receipt", html! {}, content)
}

/// The dialog that asks before a key is revoked. It says what stops working.
pub fn confirm_revoke(csrf: &str, record: &KeyRecord, h24: Option<Tally>) -> Markup {
    let id = record.key_id.as_str();
    let (action, close) = (links::revoke(id), links::key_settings(id));
    let title = format!("Revoke “{}”?", record.name);
    let button = format!("Revoke {}", record.name);
    confirm(Confirm {
        id: "revoke",
        title: &title,
        body: html! {
            p { "Its very next request is refused with 401. This cannot be undone; a new key has to be pasted into the storefront." }
            @if let Some(tally) = h24 {
                p {
                    @if tally.requests == 0 { "It has had no request in the last 24 hours." }
                    @else { "It has had " strong { (tally.requests) } " requests in the last 24 hours: whatever sends them stops working." }
                }
            }
            p.muted { "Requests that are under way finish. The log and the orders stay." }
        },
        action: &action,
        csrf,
        button: &button,
        busy: "Revoking…",
        close_href: &close,
        attributes: Attributes::new(),
    })
}

/// The view model of the modal that mints the successor of a key.
#[derive(Debug)]
pub struct RotateForm<'a> {
    pub csrf: &'a str,
    pub form_id: &'a str,
    pub record: &'a KeyRecord,
    pub store: &'a str,
    pub name: &'a str,
    pub expires_in_days: &'a str,
    pub errors: &'a FormErrors,
}

pub fn rotate_form(page: &RotateForm<'_>) -> Markup {
    let record = page.record;
    let close = links::key_settings(record.key_id.as_str());
    let title = format!("Rotate “{}”", record.name);
    let layer = Layer::new("rotate", &title, &close);
    let errors = page.errors;
    let scopes: Vec<_> = record.scopes.iter().map(|scope| scope.as_str()).collect();
    let content = html! {
        (error_summary(&errors.summary()))
        (hidden("form", page.form_id))
        p { "Mints a new key with the same settings, in the same connection: orders that came in through the old key are known to the new one. The old key goes on until you revoke it." }
        (Field::new("name", "Name").required().error(errors.of("name")).attr("maxlength", "100").text(page.name))
        (Field::new("expires_in_days", "Expires in").error(errors.of("expires_in_days"))
            .hint("Days, 1 to 3,650; blank for never.").after(expiry_buttons()).number(page.expires_in_days))
        (keyvalue(&[
            ("Store", html! { (page.store) }),
            ("Source", html! { (source_label(record.source)) ", " (format_label(record.payload_format)) }),
            ("Scopes", html! { (scopes.join(", ")) }),
            ("Rate limit", html! { (record.rate_limit.per_minute()) " per minute" }),
            ("Signature", html! { @if record.require_signature { "Required" } @else { "Not required" } }),
        ]))
        (actions(html! {
            (Button::secondary("Cancel").href(&close).attr("data-close", ""))
            (Button::primary("Mint the new key").busy("Minting…"))
        }))
    };
    let action = links::rotate(record.key_id.as_str());
    let attributes = Attributes::new()
        .set("class", "stack")
        .flag("data-guard", true)
        .set("hx-post", &action)
        .set("hx-target", "#layer")
        .set("hx-swap", "innerHTML");
    modal(&layer, form(page.csrf, &action, &attributes, content))
}
