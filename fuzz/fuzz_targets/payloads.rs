//! The conversion of every sender's payloads: it ends, says the same each time, and what it says
//! survives the way to a ledger.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate::domain::event::NativeEvent;
use tidegate::domain::headers::Headers;
use tidegate::domain::key::PayloadFormat;
use tidegate::storefront;

/// Topics as senders write them in headers.
const TOPICS: [&str; 14] = [
    "order.created",
    "order.deleted",
    "customer.updated",
    "customer.deleted",
    "orders/create",
    "orders/updated",
    "orders/cancelled",
    "orders/paid",
    "orders/delete",
    "customers/update",
    "customers/delete",
    "refunds/create",
    "order_transactions/create",
    "other",
];

fuzz_target!(|body: &[u8]| {
    for format in PayloadFormat::ALL {
        let names = storefront::headers(*format);
        let topics = if names.iter().any(|name| name.ends_with("topic")) { &TOPICS[..] } else { &TOPICS[..1] };
        for topic in topics {
            let headers = Headers::read(names.iter().copied(), |name| {
                Some(if name.ends_with("topic") { (*topic).to_owned() } else { "1".to_owned() })
            });
            let reading = storefront::read(*format, &headers, body);
            assert_eq!(reading, storefront::read(*format, &headers, body), "{format} {topic}");
            if let Ok(event) = reading.meaning {
                let json = serde_json::to_string(&event).expect("an event serialises");
                let again: NativeEvent = serde_json::from_str(&json).expect("and is read again");
                assert_eq!(event, again, "{format} {topic}");
            }
        }
    }
});
