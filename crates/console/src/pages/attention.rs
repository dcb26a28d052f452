//! The overview's list of problems that need attention, each with a link to the page where it can
//! be fixed.

use maud::{Markup, html};

use crate::components::{TimeStyle, time};
use crate::icons::{Icon, icon};
use crate::links;
use crate::pages::key_badges::capped_count;
use crate::pages::senders::paste_label;
use tidegate_core::domain::expiry::days_left;
use tidegate_core::domain::failing::FailingWebhook;
use tidegate_core::domain::key::{KeyRecord, ShownStatus};
use tidegate_core::domain::log::Tally;
use tidegate_core::domain::parked::ParkedCount;
use tidegate_core::domain::time::Timestamp;

/// The records in which [`attention`] looks for problems.
#[derive(Debug)]
pub struct Attention<'a> {
    /// Keys that expire within 14 days or have recently expired.
    pub renew: &'a [KeyRecord],
    /// Keys that are paused or await their signing secret.
    pub waiting: &'a [KeyRecord],
    /// The newest live keys, each with the traffic that its KeyGate reported; `None` if it did not
    /// reply in time.
    pub traffic: &'a [(KeyRecord, Option<Traffic>)],
    /// The number of failed sign-ins within 24 hours, and whether there are more than were counted.
    pub failed_sign_ins: (usize, bool),
    pub now: Timestamp,
}

/// The traffic of one key in the last 24 hours.
#[derive(Clone, Debug, Default)]
pub struct Traffic {
    pub h24: Tally,
    pub parked: ParkedCount,
    pub failing: Vec<FailingWebhook>,
}

/// The most items of one kind that are listed; the rest are only counted.
const MAX_LISTED: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Urgency {
    Bad,
    Warn,
}

/// One problem.
struct Item {
    urgency: Urgency,
    icon: Icon,
    /// The beginning of the sentence that `text` continues; usually the name of a key.
    subject: String,
    text: Markup,
    href: String,
    action: &'static str,
}

pub fn attention(given: &Attention<'_>) -> Markup {
    let kinds = [
        failing(given),
        renewals(given),
        parked(given),
        errors(given),
        waiting(given),
        silent(given),
        sign_ins(given),
    ];
    let left_out: usize = kinds.iter().map(|kind| kind.len().saturating_sub(MAX_LISTED)).sum();
    let mut items: Vec<Item> =
        kinds.into_iter().flat_map(|kind| kind.into_iter().take(MAX_LISTED)).collect();
    items.sort_by_key(|item| item.urgency);
    html! {
        @if items.is_empty() {
            (nothing_to_do(given))
        } @else {
            ul.attention-list { @for item in &items { (item_row(item)) } }
            @if left_out > 0 {
                p.muted.attention-more { "And " (left_out) " more, to be found under " a href=(links::CONNECTORS) { "Connectors" } "." }
            }
        }
    }
}

fn nothing_to_do(given: &Attention<'_>) -> Markup {
    let keys = given.traffic.len();
    let reported = || given.traffic.iter().filter_map(|(_, traffic)| traffic.as_ref());
    let requests: u64 = reported().map(|traffic| traffic.h24.requests).sum();
    let awaiting_details: u32 = reported().map(|traffic| traffic.parked.awaiting_details).sum();
    html! {
        div.calm {
            span.empty-icon { (icon(Icon::Check)) }
            div {
                p.empty-title { "Nothing needs attention" }
                p.muted {
                    (keys) (if keys == 1 { " connection" } else { " connections" }) ", "
                    (requests) (if requests == 1 { " request" } else { " requests" })
                    " in the last 24 hours, none of them failed."
                    @if awaiting_details > 0 {
                        " " (capped_count(awaiting_details)) (if awaiting_details == 1 { " event is" } else { " events are" }) " kept, awaiting details."
                    }
                }
            }
        }
    }
}

fn item_row(item: &Item) -> Markup {
    let class = match item.urgency {
        Urgency::Bad => "bad",
        Urgency::Warn => "warn",
    };
    html! {
        li.attention-item {
            span.attention-icon.(class) { (icon(item.icon)) }
            div.attention-text { strong { (item.subject) } " " (item.text) }
            a.button.small href=(item.href) {
                span.label { (item.action) span.visually-hidden { ": " (item.subject) } }
            }
        }
    }
}

fn failing(given: &Attention<'_>) -> Vec<Item> {
    let failing = given.traffic.iter().flat_map(|(key, traffic)| {
        let failing = traffic.iter().flat_map(|traffic| &traffic.failing);
        failing.map(move |webhook| (key, webhook))
    });
    let item = |(key, webhook): (&KeyRecord, &FailingWebhook)| {
        let sender = key.payload_format.sender()?;
        let left = sender.webhooks?.failure_budget?.remaining(webhook.failures);
        let (sender, topic) = (sender.title, &webhook.topic);
        let text = match left {
            0 => html! { (sender) " has switched its webhook " code { (topic) } " off." },
            1 => {
                html! { (sender) " switches its webhook " code { (topic) } " off after one more failure." }
            }
            left => {
                html! { (sender) " switches its webhook " code { (topic) } " off after " (left) " more failures." }
            }
        };
        Some(Item {
            urgency: if left <= 3 { Urgency::Bad } else { Urgency::Warn },
            icon: Icon::Alert,
            subject: key.name.clone(),
            text,
            href: failures_of(key),
            action: "Show failures",
        })
    };
    failing.filter_map(item).collect()
}

fn failures_of(key: &KeyRecord) -> String {
    links::with_query(&links::key(key.key_id.as_str()), &[("status", "errors")])
}

fn renewals(given: &Attention<'_>) -> Vec<Item> {
    let item = |key: &KeyRecord| {
        let at = key.expires_at?;
        let left = days_left(at, given.now);
        let text = match left {
            0 => {
                html! { "has expired, " (time(at, TimeStyle::Relative(given.now))) ". Its requests are refused." }
            }
            1 => html! { "expires within a day." },
            days => html! { "expires in " (days) " days." },
        };
        Some(Item {
            urgency: if left <= 3 { Urgency::Bad } else { Urgency::Warn },
            icon: Icon::Clock,
            subject: key.name.clone(),
            text,
            href: links::rotate(key.key_id.as_str()),
            action: "Renew",
        })
    };
    given.renew.iter().filter_map(item).collect()
}

fn parked(given: &Attention<'_>) -> Vec<Item> {
    let item = |(key, traffic): &(KeyRecord, Option<Traffic>)| {
        // Events that await details need no action, so they are not counted.
        let parked = traffic.as_ref()?.parked.attention;
        let count = capped_count(parked);
        (parked > 0).then(|| Item {
            urgency: Urgency::Warn,
            icon: Icon::Archive,
            subject: key.name.clone(),
            text: html! { "keeps " (count) (if parked == 1 { " parked event" } else { " parked events" }) " whose orders are not in yet." },
            href: links::key_parked(key.key_id.as_str()),
            action: "Retry or discard",
        })
    };
    given.traffic.iter().filter_map(item).collect()
}

fn errors(given: &Attention<'_>) -> Vec<Item> {
    let item = |(key, traffic): &(KeyRecord, Option<Traffic>)| {
        let Tally { requests, errors } = traffic.as_ref()?.h24;
        (errors > 0).then(|| Item {
            urgency: Urgency::Warn,
            icon: Icon::Alert,
            subject: key.name.clone(),
            text: html! { "answered " (errors) " of " (requests) " requests with an error in the last 24 hours." },
            href: failures_of(key),
            action: "Show errors",
        })
    };
    given.traffic.iter().filter_map(item).collect()
}

fn waiting(given: &Attention<'_>) -> Vec<Item> {
    let item = |key: &KeyRecord| {
        let settings = links::key_settings(key.key_id.as_str());
        let subject = key.name.clone();
        if key.awaits_secret() {
            return Some(Item {
                urgency: Urgency::Warn,
                icon: Icon::Lock,
                subject,
                text: html! { "awaits its signing secret. Until then its deliveries are refused." },
                href: settings,
                action: paste_label(key.payload_format),
            });
        }
        (key.shown_status(given.now) == ShownStatus::Paused).then(|| Item {
            urgency: Urgency::Warn,
            icon: Icon::Pause,
            subject,
            text: html! { "is paused." },
            href: settings,
            action: "Look at it",
        })
    };
    given.waiting.iter().filter_map(item).collect()
}

fn silent(given: &Attention<'_>) -> Vec<Item> {
    let item = |(key, traffic): &(KeyRecord, Option<Traffic>)| {
        traffic.is_none().then(|| Item {
            urgency: Urgency::Warn,
            icon: Icon::Help,
            subject: key.name.clone(),
            text: html! { "did not answer in time, so its requests are not counted here." },
            href: links::key(key.key_id.as_str()),
            action: "Open its log",
        })
    };
    given.traffic.iter().filter_map(item).collect()
}

fn sign_ins(given: &Attention<'_>) -> Vec<Item> {
    let (failed, more) = given.failed_sign_ins;
    let item = || Item {
        urgency: Urgency::Warn,
        icon: Icon::Account,
        subject: match (failed, more) {
            (1, false) => "1 failed sign-in".to_owned(),
            (failed, false) => format!("{failed} failed sign-ins"),
            (failed, true) => format!("At least {failed} failed sign-ins"),
        },
        text: html! { "in the last 24 hours." },
        href: links::with_query(links::AUDIT, &[("action", "session.refused")]),
        action: "Look at them",
    };
    (failed > 0).then(item).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_core::domain::time::DAY;

    const NOW: Timestamp = Timestamp::from_seconds(1_795_348_087);

    fn key(changes: serde_json::Value) -> KeyRecord {
        let mut record = serde_json::json!({
            "key_id": format!("key_{}", "a".repeat(26)), "key_hash": "0".repeat(64),
            "preview": "pck_int_abcd", "workspace_id": format!("wks_{}", "a".repeat(16)),
            "store_id": format!("sto_{}", "a".repeat(16)), "namespace": format!("ns_{}", "a".repeat(16)),
            "name": "<Shop>", "source": "custom", "payload_format": "peptideclients",
            "scopes": ["orders:write"], "rate_limit": 120, "require_signature": true,
            "capture_bodies": true, "status": "active", "secrets": [{"sealed": "x", "valid_until": null}],
            "created_at": 0, "expires_at": null, "revoked_at": null, "rotated_from": null,
        });
        for (name, value) in changes.as_object().unwrap() {
            record[name] = value.clone();
        }
        serde_json::from_value(record).unwrap()
    }

    const NOTHING: Attention<'_> =
        Attention { renew: &[], waiting: &[], traffic: &[], failed_sign_ins: (0, false), now: NOW };

    fn render(given: &Attention<'_>) -> String {
        attention(given).into_string()
    }

    #[test]
    fn without_problems_the_page_says_that_nothing_needs_attention() {
        let parked = ParkedCount { attention: 0, awaiting_details: 3 };
        let traffic =
            Traffic { h24: Tally { requests: 7, errors: 0 }, parked, ..Traffic::default() };
        let keys = [(key(serde_json::json!({})), Some(traffic))];
        let markup = render(&Attention { traffic: &keys, ..NOTHING });
        assert!(markup.contains("Nothing needs attention"), "{markup}");
        assert!(markup.contains("1 connection, 7 requests"), "{markup}");
        assert!(markup.contains("3 events are kept, awaiting details."), "{markup}");
        assert!(!markup.contains("<li"));
    }

    #[test]
    fn every_problem_links_to_the_page_that_fixes_it_and_the_worst_come_first() {
        let failing = FailingWebhook { topic: "order.<created>".into(), failures: 5 };
        let parked = ParkedCount { attention: 2, awaiting_details: 700 };
        let traffic =
            Traffic { h24: Tally { requests: 9, errors: 4 }, parked, failing: vec![failing] };
        let shop = key(serde_json::json!({ "payload_format": "woocommerce" }));
        let keys = [(shop, Some(traffic)), (key(serde_json::json!({})), None)];
        let expired = NOW.plus(-DAY).millis();
        let renew = [
            key(serde_json::json!({ "expires_at": NOW.plus(10 * DAY).millis() })),
            key(serde_json::json!({ "expires_at": expired })),
        ];
        let waiting = [
            key(serde_json::json!({ "secrets": [] })),
            key(serde_json::json!({ "status": "paused" })),
        ];
        let markup = render(&Attention {
            renew: &renew,
            waiting: &waiting,
            traffic: &keys,
            failed_sign_ins: (100, true),
            now: NOW,
        });
        for part in [
            "off after 2 more failures",
            "/rotate\"",
            "expires in 10 days",
            "has expired",
            "/parked\"",
            "2 parked events",
            "4 of 9 requests",
            "?status=errors",
            "awaits its signing secret",
            "is paused",
            "did not answer in time",
            "At least 100 failed sign-ins",
            "/settings/audit?action=session.refused",
        ] {
            assert!(markup.contains(part), "{part}: {markup}");
        }
        assert!(!markup.contains("<Shop>") && !markup.contains("<created>"), "{markup}");
        assert!(
            markup.rfind("attention-icon bad") < markup.find("attention-icon warn"),
            "{markup}"
        );
    }

    #[test]
    fn items_of_one_kind_beyond_the_maximum_are_counted_rather_than_listed() {
        let keys: Vec<_> = (0..50).map(|_| (key(serde_json::json!({})), None)).collect();
        let markup = render(&Attention { traffic: &keys, ..NOTHING });
        assert_eq!(markup.matches("<li").count(), MAX_LISTED);
        assert!(markup.contains("And 42 more"), "{markup}");
    }
}
