//! The parked events of a key, and how close the sender is to switching off its webhooks.

use maud::{Markup, html};

use super::connect::docs_link;
use super::key_badges::capped_count;
use super::key_drawer::in_layer;
use crate::components::{
    Attributes, Button, Column, Confirm, Kind, Tab, TimeStyle, cell, confirm, empty_state,
    head_cell, inline_note, meter, mono, muted, no_time, pagination, post_button, segmented, table,
    time,
};
use crate::icons::Icon;
use crate::links;
use tidegate_core::domain::credential::GateName;
use tidegate_core::domain::failing::{FailingWebhook, FailureBudget};
use tidegate_core::domain::id::{RequestId, SequenceId};
use tidegate_core::domain::parked::{ParkReason, ParkedCount, Retry};
use tidegate_core::domain::time::Timestamp;
use tidegate_core::protocol::key_gate::ParkedEvent;

/// The view model of the parked events in the drawer.
#[derive(Debug)]
pub struct KeyParked<'a> {
    pub csrf: &'a str,
    pub key_id: &'a str,
    pub gate: GateName,
    pub events: &'a [ParkedEvent],
    pub next: Option<i64>,
    pub count: ParkedCount,
    /// Whether the list contains the events that await details, or all others.
    pub awaiting_details: bool,
    /// The sender's name.
    pub sender: &'a str,
    /// Whether this is not the first page.
    pub later: bool,
    /// Topics whose newest deliveries failed.
    pub failing: &'a [FailingWebhook],
    /// When the sender switches such a webhook off.
    pub failure_budget: Option<FailureBudget>,
    /// Whether events can be retried, which a revoked key does not allow.
    pub live: bool,
    pub now: Timestamp,
}

pub fn key_parked(page: &KeyParked<'_>) -> Markup {
    let base = links::key_parked(page.key_id);
    let attention = links::with_query(&base, &[("view", "attention")]);
    let awaiting = links::with_query(&base, &[("view", AWAITING_DETAILS)]);
    let newest = if page.awaiting_details { &awaiting } else { &attention };
    let older = page.next.map(|row| {
        let view = if page.awaiting_details { AWAITING_DETAILS } else { "attention" };
        links::with_query(&base, &[("view", view), ("cursor", &row.to_string())])
    });
    let nothing = page.events.is_empty() && !page.later && page.next.is_none();
    html! {
        @if let Some(budget) = &page.failure_budget {
            @for webhook in page.failing { (failing_meter(page.sender, budget, webhook)) }
        }
        @if page.count.awaiting_details > 0 {
            div.parked-views {
                (segmented("Parked events", &[
                    Tab { label: &format!("Needs attention ({})", capped_count(page.count.attention)), href: &attention, current: !page.awaiting_details },
                    Tab { label: &format!("Kept, awaiting details ({})", capped_count(page.count.awaiting_details)), href: &awaiting, current: page.awaiting_details },
                ], &in_layer()))
            }
        }
        @if page.awaiting_details { (awaiting_details(page.sender)) }
        @if nothing {
            (empty_state(Icon::Check, if page.count.awaiting_details > 0 { "Nothing needs attention" } else { "Nothing is parked" },
                "An authentic event that cannot be applied yet waits here with its reason. Nothing is lost, and the shop was answered 200.",
                html! {}))
        } @else {
            @if !page.live {
                (inline_note(Kind::Info, html! { "The key is revoked: its parked events can only be discarded." }))
            }
            @if page.events.is_empty() { p.muted { "None among the events looked at. Older ones may be." } }
            @else { (list(page)) }
            (pagination("Pages of parked events", page.later.then_some(newest.as_str()), older.as_deref(), "", &in_layer()))
        }
    }
}

/// The value of `view` for the events that await details.
pub const AWAITING_DETAILS: &str = "kept";

/// The explanation of events that only name the changed resource, and what an operator can do.
fn awaiting_details(sender: &str) -> Markup {
    inline_note(
        Kind::Info,
        html! {
            strong { "Nothing is lost, and nothing has to be done." }
            " These events only say which order or customer changed: " (sender)
            " sends nothing else of it. Each is kept with its body, and a later release of the gateway fetches the details. If you need an order here before that, post it to the integration API. "
            (docs_link("What these events are", links::THIN_EVENTS))
        },
    )
}

/// The meter of consecutive failures of a webhook, after which the sender switches it off.
pub fn failing_meter(sender: &str, budget: &FailureBudget, webhook: &FailingWebhook) -> Markup {
    let FailingWebhook { topic, failures } = webhook;
    let text = match budget.remaining(*failures) {
        0 => format!(
            "{sender} has probably switched the webhook “{topic}” off: its last {failures} deliveries failed. Switch it on again in {}.",
            budget.screen
        ),
        1 => format!("{sender} will switch the webhook “{topic}” off after 1 more failure."),
        left => {
            format!("{sender} will switch the webhook “{topic}” off after {left} more failures.")
        }
    };
    meter(&text, *failures, budget.switched_off_at)
}

const RECEIVED: Column<'_> = Column::new("Received");
const TOPIC: Column<'_> = Column::new("Topic");
const REASON: Column<'_> = Column::new("Reason");
const NEXT: Column<'_> = Column::new("Next attempt");
const SIZE: Column<'_> = Column::numeric("Size");
const ACTIONS: Column<'_> = Column::hidden("Actions");
const COLUMNS: [Column<'_>; 6] = [RECEIVED, TOPIC, REASON, NEXT, SIZE, ACTIONS];

fn list(page: &KeyParked<'_>) -> Markup {
    let rows = html! { @for event in page.events { (row(page, event)) } };
    table("Parked events, newest first", &COLUMNS, &Attributes::new(), rows)
}

fn row(page: &KeyParked<'_>, event: &ParkedEvent) -> Markup {
    let Some(row) = SequenceId::from_i64(event.row) else { return html! {} };
    let id = RequestId::new(page.gate, row).to_string();
    let href = links::request(page.key_id, &id);
    html! {
        tr id={ "parked-" (id) } {
            (head_cell(html! {
                a.row-link href=(href) hx-get=(href) hx-target="#layer" hx-swap="innerHTML" hx-push-url="true" {
                    (time(event.received_at, TimeStyle::Short))
                }
            }))
            (cell(&TOPIC, html! { @match &event.topic { Some(topic) => { (mono(topic)) } None => { "—" } } }))
            (cell(&REASON, html! {
                div { (reason_text(event.reason)) }
                @if let Some(detail) = &event.detail { div.sub { (muted(detail)) } }
                @if event.attempts > 0 { div.sub { (muted(&format!("Tried {} times", event.attempts))) } }
            }))
            (cell(&NEXT, html! {
                @match event.next_attempt_at {
                    Some(at) => { (time(at, TimeStyle::Relative(page.now))) }
                    None if page.awaiting_details => { (no_time("Later release")) }
                    None => { (no_time(waits_for(event.reason))) }
                }
            }))
            (cell(&SIZE, html! { (event.bytes) " B" }))
            (cell(&ACTIONS, html! {
                @if page.live && event.reason != ParkReason::AwaitingDetails {
                    (post_button(page.csrf, &links::retry(page.key_id, &id), &Button::secondary("Retry").small().busy("Retrying…")))
                }
                (Button::ghost("Discard…").small().opens_layer(&links::discard(page.key_id, &id)))
            }))
        }
    }
}

const fn reason_text(reason: ParkReason) -> &'static str {
    match reason {
        ParkReason::RateLimited => "The key was over its rate limit",
        ParkReason::KeyPaused => "The key was paused",
        ParkReason::InsufficientScope => "The key lacks the scope",
        ParkReason::StoreUnavailable => "The store did not answer in time",
        ParkReason::Unmappable => "The body could not be understood",
        ParkReason::ParentUnknown => "What it changes has not arrived yet",
        ParkReason::SourceChanged => "It came from another shop address",
        ParkReason::AwaitingDetails => "Its details are awaited",
    }
}

const fn waits_for(reason: ParkReason) -> &'static str {
    match reason.retry() {
        Retry::Alarm => "Soon",
        Retry::OnResume => "When resumed",
        Retry::OnParent => "When that arrives",
        Retry::ByHand => "By hand",
    }
}

/// The dialog that asks before an event is discarded.
pub fn confirm_discard(csrf: &str, key_id: &str, name: &str, event_id: &str) -> Markup {
    let action = links::discard(key_id, event_id);
    let close = links::key_parked(key_id);
    confirm(Confirm {
        id: "discard",
        title: "Discard this event?",
        body: html! {
            p { "The event " (mono(event_id)) " of “" (name) "” is forgotten with its body, and is never applied. The shop does not send it again." }
        },
        action: &action,
        csrf,
        button: "Discard the event",
        busy: "Discarding…",
        close_href: &close,
        attributes: Attributes::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_core::domain::key::PayloadFormat;

    fn event(reason: ParkReason) -> ParkedEvent {
        let row = SequenceId::at(Timestamp::from_millis(1_795_348_087_000)).as_i64();
        ParkedEvent {
            row,
            received_at: Timestamp::from_millis(1_795_348_087_000),
            reason,
            detail: None,
            topic: Some("<topic>".to_owned()),
            attempts: 0,
            next_attempt_at: None,
            bytes: 9,
        }
    }

    fn page(events: &[ParkedEvent], count: ParkedCount, awaiting_details: bool) -> String {
        let page = KeyParked {
            csrf: "c",
            key_id: "key_a",
            gate: GateName::from_bytes([9; 12]),
            events,
            next: None,
            count,
            awaiting_details,
            sender: "<Square>",
            later: false,
            failing: &[],
            failure_budget: None,
            live: true,
            now: Timestamp::from_millis(1_795_348_087_000),
        };
        key_parked(&page).into_string()
    }

    #[test]
    fn events_that_await_details_have_their_own_list_and_cannot_be_retried() {
        let count = ParkedCount { attention: 0, awaiting_details: 1_000 };
        let awaiting = page(&[event(ParkReason::AwaitingDetails)], count, true);
        for part in ["awaiting details (1,000+)", "Nothing is lost", "&lt;Square&gt;", "Discard"] {
            assert!(awaiting.contains(part), "{part}: {awaiting}");
        }
        assert!(!awaiting.contains("Retry") && !awaiting.contains("<topic>"), "{awaiting}");
        let others = page(&[], count, false);
        assert!(others.contains("Nothing needs attention") && others.contains("?view=kept"));
    }

    #[test]
    fn without_events_that_await_details_there_is_only_one_list() {
        let count = ParkedCount { attention: 1, awaiting_details: 0 };
        let markup = page(&[event(ParkReason::Unmappable)], count, false);
        assert!(!markup.contains("awaiting details") && markup.contains("Retry"), "{markup}");
    }

    #[test]
    fn the_meter_counts_down_to_the_failure_that_switches_the_webhook_off() {
        let text = |failures| {
            let webhook = FailingWebhook { topic: "order.<created>".to_owned(), failures };
            let sender = PayloadFormat::WooCommerce.sender().unwrap();
            let budget = sender.webhooks.unwrap().failure_budget.unwrap();
            failing_meter(sender.title, &budget, &webhook).into_string()
        };
        assert!(text(1).contains("off after 6 more failures"), "{}", text(1));
        assert!(text(6).contains("off after 1 more failure."));
        assert!(text(7).contains("probably switched"));
        assert!(!text(1).contains("<created>"));
    }
}
