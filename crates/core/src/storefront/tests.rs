//! What holds of every sender's profile.

use std::fs;
use std::path::{Path, PathBuf};

use data_encoding::BASE64URL_NOPAD;
use serde_json::json;

use super::{PROFILES, read};
use crate::domain::event::{Ignored, NativeEvent, Subject};
use crate::domain::headers::Headers;
use crate::domain::key::{PayloadFormat, Scope, Source};
use crate::domain::sender::{SenderProfile, Signing, Step, TopicPlace, Webhooks};
use crate::domain::signature::{Prefix, Scheme};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The senders with webhooks of their own.
fn native() -> impl Iterator<Item = (&'static SenderProfile, &'static Webhooks)> {
    PROFILES.iter().filter_map(|sender| Some((*sender, sender.webhooks.as_ref()?)))
}

#[test]
fn every_source_and_every_format_has_the_profile_that_says_so() {
    let mut sources: Vec<_> = PROFILES.iter().map(|sender| sender.source).collect();
    sources.sort_unstable();
    assert_eq!(sources, Source::ALL);
    for source in Source::ALL {
        assert_eq!(source.profile().source, *source);
    }
    for format in PayloadFormat::ALL {
        let webhooks = format.webhooks();
        assert_eq!(webhooks.map(|webhooks| webhooks.format), Some(*format).filter(is_native));
        assert_eq!(format.sender().is_some(), is_native(format), "{format}");
    }
    // The paths of webhooks name the source, D1 and the API the format.
    assert!(native().all(|(sender, it)| it.format.as_str() == sender.source.as_str()));
}

fn is_native(format: &PayloadFormat) -> bool {
    *format != PayloadFormat::Gateway
}

#[test]
fn the_headers_of_topic_and_signature_are_read() {
    for (sender, webhooks) in native() {
        let mut needed = vec!["content-type", "user-agent"];
        if let TopicPlace::Headers(names) = webhooks.topic {
            needed.extend(names);
        }
        match webhooks.scheme {
            Scheme::Digest { headers, prefix, .. } => {
                needed.extend(headers);
                if let Prefix::Millis { header, .. } = prefix {
                    needed.push(header);
                }
            }
            Scheme::Stripe { header } => needed.push(header),
            Scheme::StandardWebhooks => {
                needed.extend(["webhook-id", "webhook-timestamp", "webhook-signature"]);
            }
            Scheme::Token => {}
        }
        for name in needed {
            assert!(webhooks.headers.contains(&name), "{}: {name}", sender.source);
            assert_eq!(name, name.to_ascii_lowercase());
        }
    }
}

/// Reads a delivery that has this topic and nothing else. Its event, and its subject.
fn with_topic(webhooks: &Webhooks, topic: &str) -> (Subject, bool) {
    let (headers, body) = match webhooks.topic {
        TopicPlace::Headers(names) => {
            (Headers::from([(names[0], topic)]), json!({ "id": 0 }).to_string())
        }
        TopicPlace::Body(member) => {
            let body = json!({ member: topic, "object": "event" }).to_string();
            (Headers::default(), body)
        }
    };
    let body = match webhooks.scheme {
        Scheme::Token => {
            let claims = json!({ "data": body }).to_string();
            format!("e30.{}.e30", BASE64URL_NOPAD.encode(claims.as_bytes()))
        }
        _ => body,
    };
    let delivery = read(webhooks.format, &headers, body.as_bytes()).unwrap();
    assert_eq!(delivery.topic, topic, "{}", webhooks.format);
    let ignored = NativeEvent::Ignored { reason: Ignored::UnsupportedTopic };
    (delivery.subject, delivery.event != Ok(ignored))
}

#[test]
fn the_topics_of_a_profile_are_processed_under_their_subject_and_others_are_not() {
    for (sender, webhooks) in native() {
        for (subject, topics) in webhooks.topics {
            for topic in *topics {
                let found = with_topic(webhooks, topic);
                assert_eq!(found, (*subject, true), "{}: {topic}", sender.source);
            }
        }
        let (_, processed) = with_topic(webhooks, "of.none.of.them");
        assert!(!processed, "{}", sender.source);
    }
}

#[test]
fn the_scopes_of_a_sender_allow_all_its_topics() {
    for (sender, webhooks) in native() {
        for (subject, _) in webhooks.topics {
            let scope = subject.scope().unwrap();
            assert!(sender.scopes.contains(&scope), "{}: {scope}", sender.source);
        }
    }
    assert!(PROFILES.iter().all(|sender| sender.scopes.contains(&Scope::OrdersWrite)));
}

#[test]
fn the_topics_that_the_steps_name_as_the_sender_writes_them_are_processed() {
    for source in [Source::StripeCheckout, Source::Square] {
        let sender = source.profile();
        let known: Vec<_> =
            sender.webhooks.unwrap().topics.iter().flat_map(|(_, topics)| *topics).collect();
        let chosen = sender.steps.iter().find_map(|step| match step {
            Step::Topics(_, topics) => Some(*topics),
            _ => None,
        });
        for topic in chosen.unwrap() {
            assert!(known.contains(&topic), "{source}: {topic}");
        }
    }
}

#[test]
fn woocommerce_switches_off_at_the_seventh_failure_and_only_wix_has_a_shorter_deadline() {
    for (sender, webhooks) in native() {
        let limit = webhooks.failure_budget.map(|budget| budget.switched_off_at);
        let deadline = if sender.source == Source::Wix { 700 } else { 3_000 };
        assert_eq!(limit, Some(7).filter(|_| sender.source == Source::WooCommerce));
        assert_eq!(webhooks.ledger_deadline, deadline, "{}", sender.source);
    }
}

#[test]
fn every_sender_has_a_quickstart() {
    for source in Source::ALL {
        let page = repository().join(format!("docs/quickstarts/{source}.md"));
        assert!(page.is_file(), "{}", page.display());
    }
}

/// The rows that the migrations insert into a reference table: the text in each, and the number.
fn reference_rows(table: &str) -> Vec<(String, i64)> {
    let mut files: Vec<_> = fs::read_dir(repository().join("d1-migrations"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let sql: String = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    let insert = format!("INSERT INTO {table} ");
    let inserts = sql.split(&insert).skip(1);
    let rows = inserts.flat_map(|insert| {
        let values = insert.split_once("VALUES").unwrap().1.split(';').next().unwrap();
        values.split('(').skip(1).map(|row| {
            let (text, number) = row.split_once(')').unwrap().0.split_once(',').unwrap();
            (text.trim_matches('\'').to_owned(), number.trim().parse().unwrap())
        })
    });
    rows.collect()
}

#[test]
fn the_reference_tables_of_d1_have_the_rows_of_the_profiles() {
    let sources = Source::ALL.iter().map(|source| {
        let required = source.profile().signing == Signing::Required;
        (source.to_string(), i64::from(required))
    });
    let formats = PayloadFormat::ALL.iter();
    let formats = formats.map(|format| (format.to_string(), i64::from(format.signs_address())));
    let scopes = (1..).zip(Scope::ALL).map(|(position, scope)| (scope.to_string(), position));
    for (table, mut expected) in [
        ("sources", sources.collect::<Vec<_>>()),
        ("payload_formats", formats.collect()),
        ("scopes", scopes.collect()),
    ] {
        let mut rows = reference_rows(table);
        rows.sort();
        expected.sort();
        assert_eq!(rows, expected, "{table}");
    }
}
