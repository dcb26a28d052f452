//! One module per sender: its payload, and a pure conversion to the domain's types.
//!
//! The signature has been checked before ([`crate::domain::signature`]), and the order of arrival is
//! judged afterwards ([`SourceVersion`](crate::domain::order::SourceVersion)).

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

/// What one delivery says.
#[derive(Clone, Debug, PartialEq)]
pub struct ParsedDelivery {
    /// The topic as the sender names it; empty where it names none.
    pub topic: String,
    pub subject: Subject,
    /// What tells this delivery from another with the same bytes, where the sender says it.
    pub delivery: Option<String>,
    /// The shop, account or site that it comes from. The first one of a key is pinned.
    pub source: Option<String>,
    /// What it means; else why its body is not what its topic promises.
    pub meaning: Result<NativeEvent, Unmappable>,
}

/// The headers, in lower case, that matter in deliveries of a format: those of the signature and
/// those that [`read`] looks at.
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

/// The topic that stands in a header of a delivery. Nothing says yet that it is authentic; `None`
/// where the sender says its topic in the body.
pub fn announced_topic(format: PayloadFormat, headers: &Headers) -> Option<&str> {
    match format {
        PayloadFormat::WooCommerce => headers.get(woocommerce::TOPIC),
        PayloadFormat::Shopify => shopify::header(headers, "x-shopify-topic"),
        _ => None,
    }
}

/// Reads an authentic delivery.
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
        // No webhook has this format: its requests come to the integration API.
        PayloadFormat::Gateway => ParsedDelivery {
            topic: String::new(),
            subject: Subject::Other,
            delivery: None,
            source: None,
            meaning: Ok(NativeEvent::Ignored {
                reason: crate::domain::event::Ignored::UnsupportedTopic,
            }),
        },
    }
}
