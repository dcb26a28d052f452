//! Fuzzes the conversion of every sender's payloads. It terminates, and its event survives
//! serialisation, which takes it to a ledger.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate_core::domain::event::NativeEvent;
use tidegate_core::domain::headers::Headers;
use tidegate_core::domain::key::PayloadFormat;
use tidegate_core::storefront;

/// Topics of the senders that send the topic in a header. For the others the header is ignored.
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
            let delivery = storefront::read(*format, &headers, body);
            if let Ok(event) = delivery.event {
                let json = serde_json::to_string(&event).expect("an event serialises");
                let again: NativeEvent = serde_json::from_str(&json).expect("and is read again");
                assert_eq!(event, again, "{format} {topic}");
            }
        }
    }
});
