//! One module per sender: its profile, and a pure conversion of its webhook payloads to domain
//! types.
//!
//! The caller has already checked the signature ([`crate::domain::signature`]). Deliveries that
//! arrive out of order are sorted out later, by comparing their
//! [`SourceVersion`](crate::domain::order::SourceVersion).

pub mod bigcommerce;
mod custom;
pub mod envelope;
pub mod field;
mod make;
mod other;
pub mod shopify;
pub mod square;
pub mod squarespace;
pub mod stripe;
pub mod webflow;
pub mod wix;
pub mod woocommerce;
mod zapier;

#[cfg(test)]
mod tests;

use crate::domain::event::{NativeEvent, Subject, Unmappable};
use crate::domain::headers::Headers;
use crate::domain::key::{PayloadFormat, Source};
use crate::domain::sender::SenderProfile;

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

/// Where headers are set at a sender that gives them no screen.
const ELSEWHERE: &str = "in the code that sends the request";

/// Makes the look-ups of the list below: the senders with webhooks of their own, and those that
/// post Tidegate's own format. The console shows them in this order.
macro_rules! senders {
    (
        webhooks { $($native:ident = $native_module:ident,)* }
        gateway { $($plain:ident = $plain_module:ident,)* }
    ) => {
        pub const PROFILES: &[&SenderProfile] =
            &[$(&$native_module::PROFILE,)* $(&$plain_module::PROFILE,)*];

        impl Source {
            pub const fn profile(self) -> &'static SenderProfile {
                match self {
                    $(Self::$native => &$native_module::PROFILE,)*
                    $(Self::$plain => &$plain_module::PROFILE,)*
                }
            }
        }

        impl PayloadFormat {
            /// The sender whose own format this is; `None` for Tidegate's.
            pub const fn sender(self) -> Option<&'static SenderProfile> {
                match self {
                    Self::Gateway => None,
                    $(Self::$native => Some(&$native_module::PROFILE),)*
                }
            }
        }

        /// Converts a delivery whose signature has been checked. `None` for Tidegate's own format,
        /// which no webhook has: requests in it go to the integration API.
        pub fn read(
            format: PayloadFormat,
            headers: &Headers,
            body: &[u8],
        ) -> Option<ParsedDelivery> {
            match format {
                PayloadFormat::Gateway => None,
                $(PayloadFormat::$native => Some($native_module::read(headers, body)),)*
            }
        }
    };
}

senders! {
    webhooks {
        WooCommerce = woocommerce,
        Shopify = shopify,
        StripeCheckout = stripe,
        Square = square,
        BigCommerce = bigcommerce,
        Squarespace = squarespace,
        Wix = wix,
        Webflow = webflow,
    }
    gateway {
        Zapier = zapier,
        Make = make,
        Custom = custom,
        Other = other,
    }
}
