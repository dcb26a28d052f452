//! The properties of each sender: the defaults of its keys, who makes its signing secret, and the
//! steps on its screens. They follow the senders' own documentation and use its terms.

use super::sender_steps as steps;
use crate::icons::Icon;
use tidegate_core::domain::key::{KeyRecord, PayloadFormat, Scope, Source};

/// One step of connecting a storefront. The text says what to do at the sender.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// Any other action.
    Do(&'static str),
    /// Paste the key's URL at the sender.
    Url(&'static str),
    /// Choose these topics at the sender.
    Topics(&'static str, &'static [&'static str]),
    /// Paste the key's signing secret at the sender.
    Secret(&'static str),
    /// Paste the key at the sender, as the value of the header `Authorization`.
    Bearer(&'static str),
    /// Run a command. `{url}` is replaced by the key's URL; the operator replaces words in
    /// capitals.
    Command(&'static str, &'static str),
    /// Paste the sender's secret in the console.
    Paste(&'static str),
}

/// A sender as the console presents it.
#[derive(Clone, Copy, Debug)]
pub struct Sender {
    pub source: Source,
    pub title: &'static str,
    /// What it sends, in a few words.
    pub summary: &'static str,
    pub icon: Icon,
    /// How it is connected, in one or two sentences.
    pub instructions: &'static str,
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

/// The payload format of a sender's own webhooks, if it has one.
pub fn native_format(source: Source) -> Option<PayloadFormat> {
    PayloadFormat::parse(source.as_str())
}

/// The scopes that a sender's requests need.
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

/// The sender of a key's requests. A native payload format determines it; for a key with Tidegate's
/// own format it is the key's source label.
pub fn sender_of(record: &KeyRecord) -> Sender {
    let native = Source::parse(record.payload_format.as_str());
    sender(native.unwrap_or(match record.source {
        source @ (Source::Zapier | Source::Make | Source::Other) => source,
        _ => Source::Custom,
    }))
}

/// The label of the link to the form in which a missing secret is pasted.
pub const fn paste_label(format: PayloadFormat) -> &'static str {
    match format {
        PayloadFormat::Wix => "Paste the public key",
        _ => "Paste the signing key",
    }
}

/// Says on which screen of the sender the signing secret is shown.
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

/// The properties of one sender.
pub const fn sender(source: Source) -> Sender {
    let base =
        Sender { source, title: "", summary: "", icon: Icon::Cart, instructions: "", steps: &[] };
    match source {
        Source::WooCommerce => Sender {
            title: "WooCommerce",
            summary: "Orders, customers",
            instructions: "WooCommerce signs with a secret that is made here: create the key, then paste its URL and its secret into the shop.",
            steps: steps::WOOCOMMERCE,
            ..base
        },
        Source::Shopify => Sender {
            title: "Shopify",
            summary: "Orders, refunds, customers",
            instructions: "Shopify signs with a secret of its own: create the key, register its URL, then paste the secret that Shopify shows here.",
            steps: steps::SHOPIFY,
            ..base
        },
        Source::StripeCheckout => Sender {
            title: "Stripe Checkout",
            summary: "Orders, payments, refunds",
            icon: Icon::Receipt,
            instructions: "Stripe makes a signing secret for each endpoint: create the key, register its URL, then paste the secret (whsec_…) here.",
            steps: steps::STRIPE,
            ..base
        },
        Source::Square => Sender {
            title: "Square",
            summary: "Payments, customers",
            icon: Icon::Receipt,
            instructions: "Square makes its own signing key after you register the URL: create the key, register its URL, then paste the signature key here.",
            steps: steps::SQUARE,
            ..base
        },
        Source::BigCommerce => Sender {
            title: "BigCommerce",
            summary: "Events, without details yet",
            instructions: "BigCommerce signs with the client secret of your API account: create the key, register its URL, then paste that secret here. Its events only name what changed; they are kept until their details can be fetched.",
            steps: steps::BIGCOMMERCE,
            ..base
        },
        Source::Squarespace => Sender {
            title: "Squarespace",
            summary: "Events, without details yet",
            instructions: "Squarespace makes a secret for each subscription: create the key, register its URL, then paste the secret here. Its events only name what changed; they are kept until their details can be fetched.",
            steps: steps::SQUARESPACE,
            ..base
        },
        Source::Wix => Sender {
            title: "Wix",
            summary: "Orders",
            instructions: "Wix signs with the key pair of your app: create the key, register its URL, then paste the app's public key here.",
            steps: steps::WIX,
            ..base
        },
        Source::Webflow => Sender {
            title: "Webflow",
            summary: "Orders",
            instructions: "Webflow makes a secret when a webhook is registered through its API: create the key, register its URL, then paste the secret here.",
            steps: steps::WEBFLOW,
            ..base
        },
        Source::Zapier => Sender {
            title: "Zapier",
            summary: "Orders from a Zap",
            icon: Icon::Quickstart,
            instructions: "A Zap posts orders with one header and no signature: create the key, then paste its URL and header into Webhooks by Zapier.",
            steps: steps::ZAPIER,
            ..base
        },
        Source::Make => Sender {
            title: "Make",
            summary: "Orders from a scenario",
            icon: Icon::Quickstart,
            instructions: "A scenario posts orders with one header and no signature: create the key, then paste its URL and header into the HTTP module.",
            steps: steps::MAKE,
            ..base
        },
        Source::Custom => Sender {
            title: "Custom integration",
            summary: "Orders from your own code",
            icon: Icon::Code,
            instructions: "Your code posts orders and signs them with a secret that is made here: create the key, then run the command that it comes with.",
            ..base
        },
        Source::Other => Sender {
            title: "Other sender",
            summary: "Anything that can post",
            icon: Icon::Cable,
            instructions: "Whatever can post JSON or a form sends orders to one URL: create the key, and leave the signature out only where the sender cannot sign.",
            ..base
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_has_one_card_with_its_own_instructions() {
        let mut sources = CARDS.to_vec();
        sources.sort_unstable();
        assert_eq!(sources, Source::ALL);
        let mut instructions: Vec<_> = CARDS.map(|source| sender(source).instructions).to_vec();
        instructions.sort_unstable();
        instructions.dedup();
        assert_eq!(instructions.len(), CARDS.len());
    }

    #[test]
    fn the_steps_of_a_sender_with_its_own_secret_end_with_pasting_it_and_no_others_do() {
        for source in CARDS {
            let pasted = sender(source).steps.iter().filter(|step| matches!(step, Step::Paste(_)));
            let own = native_format(source).is_some_and(PayloadFormat::has_own_secret);
            assert_eq!(pasted.count(), usize::from(own), "{source}");
            let last = sender(source).steps.last();
            assert_eq!(matches!(last, Some(Step::Paste(_))), own, "{source}");
        }
    }

    #[test]
    fn the_steps_of_every_native_sender_contain_the_url_once() {
        for source in CARDS.into_iter().filter(|source| native_format(*source).is_some()) {
            let with_url = sender(source).steps.iter().filter(|step| match step {
                Step::Url(_) => true,
                Step::Command(_, command) => command.contains("{url}"),
                _ => false,
            });
            assert_eq!(with_url.count(), 1, "{source}");
        }
    }
}
