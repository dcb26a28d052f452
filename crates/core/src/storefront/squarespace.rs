//! Squarespace: its events contain only the id of an order (CONTRACTS.md, Squarespace).

use super::ELSEWHERE;
use super::ParsedDelivery;
use super::envelope::{Envelope, Meaning, unsupported};
use super::field::Field;
use crate::domain::event::{NativeEvent, ResourceKind, Subject};
use crate::domain::headers::Headers;
use crate::domain::key::{PayloadFormat, Scope, Source};
use crate::domain::secret::SecretFormat;
use crate::domain::sender::{
    LEDGER_DEADLINE, SecretOrigin, SecretProfile, SenderKind, SenderProfile, Signing, Step,
    TopicPlace, Unsigned, Webhooks,
};
use crate::domain::signature::{Encoding, Prefix, Scheme};

pub const PROFILE: SenderProfile = SenderProfile {
    source: Source::Squarespace,
    title: "Squarespace",
    label: "Squarespace",
    kind: SenderKind::Shop,
    summary: "Events, without details yet",
    instructions: "Squarespace makes a secret for each subscription: create the key, register its URL, then paste the secret here. Its events only name what changed; they are kept until their details can be fetched.",
    steps: STEPS,
    scopes: &[Scope::OrdersWrite],
    signing: Signing::Preferred,
    header_location: ELSEWHERE,
    webhooks: Some(Webhooks {
        format: PayloadFormat::Squarespace,
        label: "Squarespace webhook",
        headers: HEADERS,
        topic: TopicPlace::Body(ENVELOPE.topic),
        topics: &[(Subject::Order, &["order.create", "order.update"])],
        scheme: Scheme::Digest {
            headers: &["squarespace-signature"],
            encoding: Encoding::Hex,
            prefix: Prefix::Nothing,
        },
        unsigned: Unsigned {
            place: "The header Squarespace-Signature",
            remedy: "only Squarespace's webhook subscriptions come here.",
            step: None,
        },
        secret: SecretProfile {
            origin: SecretOrigin::Sender,
            format: SecretFormat::Hex {
                expected: "must be hex with an even number of digits, as Squarespace answers it in `secret` when the subscription is made.",
            },
            screen: "Squarespace answers it once, as secret, when the webhook subscription is made or its secret is rotated.",
        },
        ledger_deadline: LEDGER_DEADLINE,
        failure_budget: None,
        is_ping: None,
    }),
};

/// The steps at the sender, with the labels of its own screens.
const STEPS: &[Step] = &[
    Step::Do(
        "Authorise an OAuth app for the site: Squarespace takes webhook subscriptions from such apps only, not from API keys.",
    ),
    Step::Command(
        "Subscribe with the app's access token.",
        "curl -X POST 'https://api.squarespace.com/1.0/webhook_subscriptions' \\\n  -H 'Authorization: Bearer ACCESS_TOKEN' \\\n  -H 'Content-Type: application/json' \\\n  --data '{\"endpointUrl\":\"{url}\",\"topics\":[\"order.create\",\"order.update\"]}'",
    ),
    Step::Paste("The answer holds the subscription's secret, once. Paste it here."),
];

const HEADERS: &[&str] = &["content-type", "user-agent", "squarespace-signature"];

const ENVELOPE: Envelope = Envelope {
    topic: "topic",
    delivery_id: Some("id"),
    source: |root| root.get("websiteId").required(Field::token),
    meaning,
};

pub(super) fn read(_: &Headers, body: &[u8]) -> ParsedDelivery {
    ENVELOPE.read(body)
}

/// `data.update` (`FULFILLED`, `REFUNDED`, …) is not read: it names a change, not the order's
/// state.
fn meaning(topic: &str, event: &Field<'_>) -> Meaning {
    match topic {
        "order.create" | "order.update" => {
            let id = event.get("data").get("orderId").required(Field::token);
            let notification = |external_id| NativeEvent::Notification {
                resource: ResourceKind::Order,
                external_id,
            };
            (Subject::Order, id.map(notification))
        }
        _ => unsupported(),
    }
}
