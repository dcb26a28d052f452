//! The conversion of every sender's payloads: it ends, and what it says survives the way to a ledger.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate::domain::event::NativeEvent;
use tidegate::domain::headers::Headers;
use tidegate::domain::key::PayloadFormat;
use tidegate::storefront;

/// Topics as senders write them in a header; for those that do not, one is as good as another.
fn topics(format: PayloadFormat) -> &'static [&'static str] {
    match format {
        PayloadFormat::WooCommerce => {
            &["order.created", "order.deleted", "customer.updated", "customer.deleted", "other"]
        }
        PayloadFormat::Shopify => &[
            "orders/updated",
            "orders/delete",
            "customers/update",
            "customers/delete",
            "refunds/create",
            "order_transactions/create",
            "other",
        ],
        _ => &[""],
    }
}

fuzz_target!(|body: &[u8]| {
    for format in PayloadFormat::ALL {
        let names = storefront::headers(*format);
        for topic in topics(*format) {
            let headers = Headers::read(names.iter().copied(), |name| {
                Some(if name.ends_with("topic") { (*topic).to_owned() } else { "1".to_owned() })
            });
            let reading = storefront::read(*format, &headers, body);
            if let Ok(event) = reading.meaning {
                let json = serde_json::to_string(&event).expect("an event serialises");
                let again: NativeEvent = serde_json::from_str(&json).expect("and is read again");
                assert_eq!(event, again, "{format} {topic}");
            }
        }
    }
});
