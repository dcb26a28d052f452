//! One module per sender: a pure conversion of its webhook payloads to domain types.
//!
//! The caller has already checked the signature ([`crate::domain::signature`]). Deliveries that
//! arrive out of order are sorted out later, by comparing their
//! [`SourceVersion`](crate::domain::order::SourceVersion).

pub mod bigcommerce;
pub mod envelope;
pub mod field;
pub mod shopify;
pub mod square;
pub mod squarespace;
pub mod stripe;
pub mod webflow;
pub mod wix;
pub mod woocommerce;

use crate::domain::event::{NativeEvent, Subject, Unmappable};
use crate::domain::headers::Headers;
use crate::domain::key::PayloadFormat;

/// One webhook delivery, converted to domain types.
#[derive(Clone, Debug, PartialEq)]
pub struct ParsedDelivery {
    /// The topic as the sender names it; empty where it names none.
    pub topic: String,
    pub subject: Subject,
    /// The sender's id of this delivery, where it sends one. Distinguishes deliveries with equal
    /// bodies.
    pub delivery_id: Option<String>,
    /// The shop, account or site that sent it. A key is pinned to the first one.
    pub source: Option<String>,
    /// The event, or why the body is not what the topic promises.
    pub event: Result<NativeEvent, Unmappable>,
}

/// The names, in lower case, of the headers to capture from deliveries of a format: the signature
/// headers and those that [`read`] uses.
pub const fn headers(format: PayloadFormat) -> &'static [&'static str] {
    match format {
        PayloadFormat::Gateway => &[],
        PayloadFormat::WooCommerce => woocommerce::HEADERS,
        PayloadFormat::Shopify => shopify::HEADERS,
        PayloadFormat::Square => square::HEADERS,
        PayloadFormat::BigCommerce => bigcommerce::HEADERS,
        PayloadFormat::StripeCheckout => stripe::HEADERS,
        PayloadFormat::Squarespace => squarespace::HEADERS,
        PayloadFormat::Wix => wix::HEADERS,
        PayloadFormat::Webflow => webflow::HEADERS,
    }
}

/// The topic from the headers of a delivery, before its signature is checked. `None` for senders
/// that put the topic in the body.
pub fn announced_topic(format: PayloadFormat, headers: &Headers) -> Option<&str> {
    match format {
        PayloadFormat::WooCommerce => headers.get(woocommerce::TOPIC),
        PayloadFormat::Shopify => shopify::header(headers, "x-shopify-topic"),
        _ => None,
    }
}

/// Converts a delivery whose signature has been checked.
pub fn read(format: PayloadFormat, headers: &Headers, body: &[u8]) -> ParsedDelivery {
    match format {
        PayloadFormat::WooCommerce => woocommerce::read(headers, body),
        PayloadFormat::Shopify => shopify::read(headers, body),
        PayloadFormat::Square => square::read(body),
        PayloadFormat::BigCommerce => bigcommerce::read(headers, body),
        PayloadFormat::StripeCheckout => stripe::read(body),
        PayloadFormat::Squarespace => squarespace::read(body),
        PayloadFormat::Wix => wix::read(body),
        PayloadFormat::Webflow => webflow::read(body),
        // Not a webhook format: requests in this format go to the integration API.
        PayloadFormat::Gateway => ParsedDelivery {
            topic: String::new(),
            subject: Subject::Other,
            delivery_id: None,
            source: None,
            event: Ok(NativeEvent::Ignored {
                reason: crate::domain::event::Ignored::UnsupportedTopic,
            }),
        },
    }
}
