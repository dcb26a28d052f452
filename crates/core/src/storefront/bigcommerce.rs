//! BigCommerce: its events contain only the id of an order or a client (CONTRACTS.md, BigCommerce;
//! the vendor's 'Webhook events' lists the bodies by scope).
//!
//! The topic is the scope. The header `webhook-id` identifies a delivery and stays the same when
//! the delivery is repeated. The body's `hash` identifies nothing: a `created` and an `updated`
//! event can have the same one.

use super::ELSEWHERE;
use super::ParsedDelivery;
use super::envelope::{Envelope, Meaning, unsupported};
use super::field::Field;
use crate::domain::event::{NativeEvent, ResourceKind, Subject, Unmappable};
use crate::domain::headers::Headers;
use crate::domain::key::{PayloadFormat, Scope, Source};
use crate::domain::secret::SecretFormat;
use crate::domain::sender::{
    LEDGER_DEADLINE, SecretOrigin, SecretProfile, SenderKind, SenderProfile, Signing, Step,
    TopicPlace, Unsigned, Webhooks,
};
use crate::domain::signature::Scheme;

pub const PROFILE: SenderProfile = SenderProfile {
    source: Source::BigCommerce,
    title: "BigCommerce",
    label: "BigCommerce",
    kind: SenderKind::Shop,
    summary: "Events, without details yet",
    instructions: "BigCommerce signs with the client secret of your API account: create the key, register its URL, then paste that secret here. Its events only name what changed; they are kept until their details can be fetched.",
    steps: STEPS,
    scopes: &[Scope::OrdersWrite, Scope::ClientsWrite],
    signing: Signing::Preferred,
    header_location: ELSEWHERE,
    webhooks: Some(Webhooks {
        format: PayloadFormat::BigCommerce,
        label: "BigCommerce webhook",
        headers: HEADERS,
        topic: TopicPlace::Body(ENVELOPE.topic),
        topics: &[
            (
                Subject::Order,
                &[
                    "store/order/created",
                    "store/order/updated",
                    "store/order/archived",
                    "store/order/statusUpdated",
                    "store/order/refund/created",
                    "store/order/transaction/created",
                ],
            ),
            (
                Subject::Client,
                &["store/customer/created", "store/customer/updated", "store/customer/deleted"],
            ),
        ],
        scheme: Scheme::StandardWebhooks,
        unsigned: Unsigned {
            place: "One of the headers webhook-id, webhook-timestamp, webhook-signature",
            remedy: "only BigCommerce's own webhooks come here.",
            step: None,
        },
        secret: SecretProfile {
            origin: SecretOrigin::Sender,
            // Its libraries take the client secret in base64; the key is the text all the same.
            format: SecretFormat::Text,
            screen: "In BigCommerce it is the client secret of the API account that made the webhook.",
        },
        ledger_deadline: LEDGER_DEADLINE,
        failure_budget: None,
        is_ping: None,
    }),
};

/// The steps at the sender, with the labels of its own screens.
const STEPS: &[Step] = &[
    Step::Do(
        "In BigCommerce open Settings → Store-level API accounts → Create API account, with read access to Orders and Customers. Keep its access token and its client secret.",
    ),
    Step::Command(
        "Register the webhook with that account, once for store/order/* and once for store/customer/*.",
        "curl -X POST 'https://api.bigcommerce.com/stores/STORE_HASH/v3/hooks' \\\n  -H 'X-Auth-Token: ACCESS_TOKEN' \\\n  -H 'Content-Type: application/json' \\\n  --data '{\"scope\":\"store/order/*\",\"destination\":\"{url}\",\"is_active\":true}'",
    ),
    Step::Paste("Paste the client secret of the same account here."),
];

const HEADERS: &[&str] =
    &["content-type", "user-agent", DELIVERY_ID, "webhook-timestamp", "webhook-signature"];

const DELIVERY_ID: &str = "webhook-id";

const ENVELOPE: Envelope = Envelope {
    topic: "scope",
    delivery_id: None,
    source: |root| root.get("producer").required(Field::token),
    meaning,
};

pub(super) fn read(headers: &Headers, body: &[u8]) -> ParsedDelivery {
    let delivery_id = headers.get(DELIVERY_ID).map(str::to_owned);
    ParsedDelivery { delivery_id, ..ENVELOPE.read(body) }
}

fn meaning(scope: &str, event: &Field<'_>) -> Meaning {
    let parts = scope.strip_prefix("store/").and_then(|scope| scope.split_once('/'));
    let data = event.get("data");
    match parts {
        // Metadata that an app attached to an order or a client: not processed.
        Some((_, rest)) if rest.starts_with("metafield/") => unsupported(),
        Some(("order", rest)) => {
            let id = match rest.split_once('/') {
                Some(("transaction", _)) => data.get("order_id").required(Field::id),
                _ => own_id(&data, "order"),
            };
            let notification = |external_id| NativeEvent::Notification {
                resource: ResourceKind::Order,
                external_id,
            };
            (Subject::Order, id.map(notification))
        }
        Some(("customer", "deleted")) => {
            // Not a notification: a deleted client can no longer be fetched, so a notification
            // would stay parked for ever. This event needs only the id, and takes effect where the
            // client is known.
            let deleted = |external_id| NativeEvent::ClientDeleted { external_id };
            (Subject::Client, own_id(&data, "customer").map(deleted))
        }
        Some(("customer", rest)) => {
            let id = match rest.split_once('/') {
                // `id` is the address's here.
                Some(("address", _)) => data.get("address").get("customer_id").required(Field::id),
                Some(("channel", _)) => data.get("customer_id").required(Field::id),
                _ => own_id(&data, "customer"),
            };
            let notification = |external_id| NativeEvent::Notification {
                resource: ResourceKind::Client,
                external_id,
            };
            (Subject::Client, id.map(notification))
        }
        _ => unsupported(),
    }
}

/// The id in `data`, if its type is `kind`.
fn own_id(data: &Field<'_>, kind: &'static str) -> Result<String, Unmappable> {
    data.get("type").require_text(kind)?;
    data.get("id").required(Field::id)
}
