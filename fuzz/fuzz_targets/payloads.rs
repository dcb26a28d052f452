//! Fuzzes the conversion of every sender's payloads. It terminates, and its event survives
//! serialisation, which takes it to a ledger.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate_core::domain::event::NativeEvent;
use tidegate_core::domain::headers::Headers;
use tidegate_core::domain::key::PayloadFormat;
use tidegate_core::domain::sender::{TopicPlace, Webhooks};
use tidegate_core::storefront;

/// Topics to try, for a sender that sends the topic in a header. For the others a header is ignored.
fn topics(webhooks: &Webhooks) -> Vec<&'static str> {
    match webhooks.topic {
        TopicPlace::Headers(_) => {
            let known = webhooks.topics.iter().flat_map(|(_, topics)| topics.iter().copied());
            known.chain(["other"]).collect()
        }
        TopicPlace::Body(_) => vec![""],
    }
}

fuzz_target!(|body: &[u8]| {
    for webhooks in PayloadFormat::ALL.iter().filter_map(|format| format.webhooks()) {
        for topic in topics(webhooks) {
            let headers = Headers::read(webhooks.headers.iter().copied(), |name| {
                Some(if name.ends_with("topic") { topic.to_owned() } else { "1".to_owned() })
            });
            let format = webhooks.format;
            let Some(delivery) = storefront::read(format, &headers, body) else {
                panic!("{format} has webhooks");
            };
            if let Ok(event) = delivery.event {
                let json = serde_json::to_string(&event).expect("an event serialises");
                let again: NativeEvent = serde_json::from_str(&json).expect("and is read again");
                assert_eq!(event, again, "{format} {topic}");
            }
        }
    }
});
