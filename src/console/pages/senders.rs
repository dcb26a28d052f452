//! What is particular to each sender: what a key for it begins with, who makes its secret, and what
//! is done on which of its screens. From the senders' own documentation, in their words.

use super::sender_steps as steps;
use crate::console::icons::Icon;
use crate::domain::key::{KeyRecord, PayloadFormat, Scope, Source};

/// One step of connecting a storefront, done at the sender.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    Do(&'static str),
    /// Pastes the key's URL there.
    Url(&'static str),
    /// Chooses topics there.
    Topics(&'static str, &'static [&'static str]),
    /// Pastes the key's own signing secret there.
    Secret(&'static str),
    /// Pastes the key there, as the value of the header `Authorization`.
    Bearer(&'static str),
    /// Runs a command, in which `{url}` is the key's URL and capitals stand for what is theirs.
    Command(&'static str, &'static str),
    /// Pastes the sender's secret here.
    Paste(&'static str),
}

/// A sender as an operator meets it.
#[derive(Clone, Copy, Debug)]
pub struct Sender {
    pub source: Source,
    pub title: &'static str,
    /// What it brings, in a few words.
    pub brings: &'static str,
    pub icon: Icon,
    /// What will happen, in one sentence.
    pub promise: &'static str,
    pub steps: &'static [Step],
}

/// The senders in the order of their cards.
pub const CARDS: [Source; 12] = [
    Source::WooCommerce,
    Source::Shopify,
    Source::StripeCheckout,
    Source::Square,
    Source::BigCommerce,
    Source::Squarespace,
    Source::Wix,
    Source::Webflow,
    Source::Zapier,
    Source::Make,
    Source::Custom,
    Source::Other,
];

/// The format of a sender's own webhooks, where it has one.
pub fn native_format(source: Source) -> Option<PayloadFormat> {
    PayloadFormat::parse(source.as_str())
}

/// The scopes that what a sender has to tell needs.
pub const fn scopes(source: Source) -> &'static [Scope] {
    use Scope::{ClientsWrite, OrdersWrite, PaymentsRefund, PaymentsWrite};
    match source {
        Source::Shopify | Source::StripeCheckout | Source::Square => {
            &[OrdersWrite, PaymentsWrite, PaymentsRefund, ClientsWrite]
        }
        Source::WooCommerce | Source::BigCommerce => &[OrdersWrite, ClientsWrite],
        Source::Squarespace
        | Source::Wix
        | Source::Webflow
        | Source::Zapier
        | Source::Make
        | Source::Custom
        | Source::Other => &[OrdersWrite],
    }
}

/// The sender that a key's requests are made by: of a key for the gateway's own JSON the label says
/// it, of any other the format.
pub fn sender_of(record: &KeyRecord) -> Sender {
    let native = Source::parse(record.payload_format.as_str());
    sender(native.unwrap_or(match record.source {
        own @ (Source::Zapier | Source::Make | Source::Other) => own,
        _ => Source::Custom,
    }))
}

/// What ends the waiting of a key without a secret.
pub const fn paste_label(format: PayloadFormat) -> &'static str {
    match format {
        PayloadFormat::Wix => "Paste the public key",
        _ => "Paste the signing key",
    }
}

/// Which screen of which storefront shows the signing secret.
pub const fn secret_screen(format: PayloadFormat) -> &'static str {
    match format {
        PayloadFormat::Gateway => "Your own sender holds it.",
        PayloadFormat::WooCommerce => {
            "In WooCommerce it is the field Secret under WooCommerce → Settings → Advanced → Webhooks → the webhook."
        }
        PayloadFormat::Shopify => {
            "In Shopify it stands below the list in Settings → Notifications → Webhooks; of an app it is the client secret."
        }
        PayloadFormat::StripeCheckout => {
            "In Stripe open Developers → Webhooks → the endpoint, and reveal its Signing secret (whsec_…)."
        }
        PayloadFormat::Square => {
            "In Square's Developer Console open the application → Webhooks → Subscriptions → the subscription, and copy its Signature key."
        }
        PayloadFormat::BigCommerce => {
            "In BigCommerce it is the client secret of the API account that made the webhook."
        }
        PayloadFormat::Squarespace => {
            "Squarespace answers it once, as secret, when the webhook subscription is made or its secret is rotated."
        }
        PayloadFormat::Wix => {
            "In Wix open the app's dashboard → Webhooks, and copy the Public Key, all of its lines."
        }
        PayloadFormat::Webflow => {
            "Webflow answers it once, as secretKey, when the webhook is made with a site token; of an OAuth app it is the client secret. Webhooks made in the dashboard are not signed and are refused."
        }
    }
}

/// What is particular to one sender.
pub const fn sender(source: Source) -> Sender {
    let of = Sender { source, title: "", brings: "", icon: Icon::Cart, promise: "", steps: &[] };
    match source {
        Source::WooCommerce => Sender {
            title: "WooCommerce",
            brings: "Orders, customers",
            promise: "WooCommerce signs with a secret that is made here: create the key, then paste its URL and its secret into the shop.",
            steps: steps::WOOCOMMERCE,
            ..of
        },
        Source::Shopify => Sender {
            title: "Shopify",
            brings: "Orders, refunds, customers",
            promise: "Shopify signs with a secret of its own: create the key, register its URL, then paste the secret that Shopify shows here.",
            steps: steps::SHOPIFY,
            ..of
        },
        Source::StripeCheckout => Sender {
            title: "Stripe Checkout",
            brings: "Orders, payments, refunds",
            icon: Icon::Receipt,
            promise: "Stripe makes a signing secret for each endpoint: create the key, register its URL, then paste the secret (whsec_…) here.",
            steps: steps::STRIPE,
            ..of
        },
        Source::Square => Sender {
            title: "Square",
            brings: "Payments, customers",
            icon: Icon::Receipt,
            promise: "Square makes its own signing key after you register the URL: create the key, register its URL, then paste the signature key here.",
            steps: steps::SQUARE,
            ..of
        },
        Source::BigCommerce => Sender {
            title: "BigCommerce",
            brings: "Events, without details yet",
            promise: "BigCommerce signs with the client secret of your API account: create the key, register its URL, then paste that secret here. Its events only name what changed; they are kept until their details can be fetched.",
            steps: steps::BIGCOMMERCE,
            ..of
        },
        Source::Squarespace => Sender {
            title: "Squarespace",
            brings: "Events, without details yet",
            promise: "Squarespace makes a secret for each subscription: create the key, register its URL, then paste the secret here. Its events only name what changed; they are kept until their details can be fetched.",
            steps: steps::SQUARESPACE,
            ..of
        },
        Source::Wix => Sender {
            title: "Wix",
            brings: "Orders",
            promise: "Wix signs with the key pair of your app: create the key, register its URL, then paste the app's public key here.",
            steps: steps::WIX,
            ..of
        },
        Source::Webflow => Sender {
            title: "Webflow",
            brings: "Orders",
            promise: "Webflow makes a secret when a webhook is registered through its API: create the key, register its URL, then paste the secret here.",
            steps: steps::WEBFLOW,
            ..of
        },
        Source::Zapier => Sender {
            title: "Zapier",
            brings: "Orders from a Zap",
            icon: Icon::Quickstart,
            promise: "A Zap posts orders with one header and no signature: create the key, then paste its URL and header into Webhooks by Zapier.",
            steps: steps::ZAPIER,
            ..of
        },
        Source::Make => Sender {
            title: "Make",
            brings: "Orders from a scenario",
            icon: Icon::Quickstart,
            promise: "A scenario posts orders with one header and no signature: create the key, then paste its URL and header into the HTTP module.",
            steps: steps::MAKE,
            ..of
        },
        Source::Custom => Sender {
            title: "Custom integration",
            brings: "Orders from your own code",
            icon: Icon::Code,
            promise: "Your code posts orders and signs them with a secret that is made here: create the key, then run the command that it comes with.",
            ..of
        },
        Source::Other => Sender {
            title: "Other sender",
            brings: "Anything that can post",
            icon: Icon::Cable,
            promise: "Whatever can post JSON or a form sends orders to one URL: create the key, and leave the signature out only where the sender cannot sign.",
            ..of
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_has_one_card_and_its_own_promise() {
        let mut sources = CARDS.to_vec();
        sources.sort_unstable();
        assert_eq!(sources, Source::ALL);
        let mut promises: Vec<_> = CARDS.map(|source| sender(source).promise).to_vec();
        promises.sort_unstable();
        promises.dedup();
        assert_eq!(promises.len(), CARDS.len());
    }

    #[test]
    fn who_makes_its_own_secret_ends_with_pasting_it_and_nobody_else_does() {
        for source in CARDS {
            let pasted = sender(source).steps.iter().filter(|step| matches!(step, Step::Paste(_)));
            let own = native_format(source).is_some_and(PayloadFormat::has_own_secret);
            assert_eq!(pasted.count(), usize::from(own), "{source}");
            let last = sender(source).steps.last();
            assert_eq!(matches!(last, Some(Step::Paste(_))), own, "{source}");
        }
    }

    #[test]
    fn every_native_sender_is_told_its_url_once() {
        for source in CARDS.into_iter().filter(|source| native_format(*source).is_some()) {
            let told = sender(source).steps.iter().filter(|step| match step {
                Step::Url(_) => true,
                Step::Command(_, command) => command.contains("{url}"),
                _ => false,
            });
            assert_eq!(told.count(), 1, "{source}");
        }
    }
}
