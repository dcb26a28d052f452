//! What is known of WooCommerce beyond its payloads (CONTRACTS.md, WooCommerce).

use super::super::ELSEWHERE;
use super::{HEADERS, TOPIC, is_ping};
use crate::domain::event::Subject;
use crate::domain::failing::FailureBudget;
use crate::domain::key::{PayloadFormat, Scope, Source};
use crate::domain::secret::SecretFormat;
use crate::domain::sender::{
    LEDGER_DEADLINE, MintedSecret, SecretOrigin, SecretProfile, SenderKind, SenderProfile, Signing,
    Step, TopicPlace, Unsigned, Webhooks,
};
use crate::domain::signature::{Encoding, Prefix, Scheme};

/// The path to its list of webhooks.
const SCREEN: &str = "WooCommerce → Settings → Advanced → Webhooks";

pub const PROFILE: SenderProfile = SenderProfile {
    source: Source::WooCommerce,
    title: "WooCommerce",
    label: "WooCommerce",
    kind: SenderKind::Shop,
    summary: "Orders, customers",
    instructions: "WooCommerce signs with a secret that is made here: create the key, then paste its URL and its secret into the shop.",
    steps: STEPS,
    scopes: &[Scope::OrdersWrite, Scope::ClientsWrite],
    signing: Signing::Required,
    header_location: ELSEWHERE,
    webhooks: Some(Webhooks {
        format: PayloadFormat::WooCommerce,
        label: "WooCommerce webhook",
        headers: HEADERS,
        topic: TopicPlace::Headers(&[TOPIC]),
        topics: &[
            (
                Subject::Order,
                &["order.created", "order.updated", "order.restored", "order.deleted"],
            ),
            (Subject::Client, &["customer.created", "customer.updated", "customer.deleted"]),
        ],
        scheme: Scheme::Digest {
            headers: &["x-wc-webhook-signature"],
            encoding: Encoding::Base64,
            prefix: Prefix::Nothing,
        },
        unsigned: Unsigned {
            place: "The header X-WC-Webhook-Signature",
            remedy: "set the secret of the webhook.",
            step: None,
        },
        secret: SecretProfile {
            origin: SecretOrigin::Minted(MintedSecret {
                screen: SCREEN,
                url_field: "Delivery URL",
                secret_field: "Secret",
                redelivers: false,
            }),
            format: SecretFormat::HtmlText,
            screen: "In WooCommerce it is the field Secret under WooCommerce → Settings → Advanced → Webhooks → the webhook.",
        },
        ledger_deadline: LEDGER_DEADLINE,
        failure_budget: Some(FailureBudget {
            switched_off_at: 7,
            last_success: 302,
            screen: SCREEN,
        }),
        is_ping: Some(is_ping),
    }),
};

/// The steps at the sender, with the labels of its own screens.
const STEPS: &[Step] = &[
    Step::Do(
        "In WordPress open WooCommerce → Settings → Advanced → Webhooks → Add webhook, once for each topic.",
    ),
    Step::Topics(
        "Set Status to Active, and Topic to one of these.",
        &[
            "Order created",
            "Order updated",
            "Order deleted",
            "Order restored",
            "Customer created",
            "Customer updated",
            "Customer deleted",
        ],
    ),
    Step::Url("Paste this as Delivery URL."),
    Step::Secret("Paste the signing secret as Secret."),
    Step::Do(
        "Leave API version at WP REST API Integration v3 and save. WooCommerce sends a ping, which appears in the log of this key at once; the first real event shows whether the secret is right.",
    ),
];
