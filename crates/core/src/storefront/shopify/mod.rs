//! Shopify: converts its webhook deliveries.
//!
//! Bodies are objects of the REST Admin API, unwrapped; the examples in `tests/fixtures/shopify`
//! are Shopify's own (`tests/fixtures/SOURCES.md`). Ids exceed 2^53, so they are read from their
//! digits.
//!
//! Only the body is signed. The topic, the shop and the ids are in unsigned headers, so a topic is
//! accepted only if the body has the shape of that topic.
//!
//! `order_transactions/create` is ignored: an order reports the total that was paid of it, without
//! its transactions, and a refund reports its own transactions, so a transaction would count the
//! same money twice. `orders/edited` is ignored too: it contains the edit, not the order, and
//! Shopify also sends `orders/updated`.

mod order;
mod people;
mod refund;

use super::ELSEWHERE;
use super::ParsedDelivery;
use super::field::{Field, body_hash, parse};
use crate::domain::event::{Ignored, NativeEvent, Subject, Unmappable};
use crate::domain::headers::Headers;
use crate::domain::key::{PayloadFormat, Scope, Source};
use crate::domain::order::SourceVersion;
use crate::domain::secret::SecretFormat;
use crate::domain::sender::{
    LEDGER_DEADLINE, SecretOrigin, SecretProfile, SenderKind, SenderProfile, Signing, Step,
    TopicPlace, Unsigned, Webhooks,
};
use crate::domain::signature::{Encoding, Prefix, Scheme};

pub const PROFILE: SenderProfile = SenderProfile {
    source: Source::Shopify,
    title: "Shopify",
    label: "Shopify",
    kind: SenderKind::Shop,
    summary: "Orders, refunds, customers",
    instructions: "Shopify signs with a secret of its own: create the key, register its URL, then paste the secret that Shopify shows here.",
    steps: STEPS,
    scopes: &[Scope::OrdersWrite, Scope::PaymentsWrite, Scope::PaymentsRefund, Scope::ClientsWrite],
    signing: Signing::Preferred,
    header_location: ELSEWHERE,
    webhooks: Some(Webhooks {
        format: PayloadFormat::Shopify,
        label: "Shopify webhook",
        headers: HEADERS,
        topic: TopicPlace::Headers(&["x-shopify-topic", "shopify-topic"]),
        topics: &[
            (
                Subject::Order,
                &[
                    "orders/create",
                    "orders/updated",
                    "orders/paid",
                    "orders/cancelled",
                    "orders/fulfilled",
                    "orders/partially_fulfilled",
                    "orders/delete",
                ],
            ),
            (
                Subject::Client,
                &[
                    "customers/create",
                    "customers/update",
                    "customers/enable",
                    "customers/disable",
                    "customers/delete",
                ],
            ),
            (Subject::Refund, &["refunds/create"]),
        ],
        // Shopify sends the newer header together with the old one; the newer takes precedence.
        scheme: Scheme::Digest {
            headers: &["shopify-hmac-sha256", "x-shopify-hmac-sha256"],
            encoding: Encoding::Base64,
            prefix: Prefix::Nothing,
        },
        unsigned: Unsigned {
            place: "The header X-Shopify-Hmac-Sha256",
            remedy: "only Shopify's own webhooks come here.",
            step: None,
        },
        secret: SecretProfile {
            origin: SecretOrigin::Sender,
            format: SecretFormat::Text,
            screen: "In Shopify it stands below the list in Settings → Notifications → Webhooks; of an app it is the client secret.",
        },
        ledger_deadline: LEDGER_DEADLINE,
        failure_budget: None,
        is_ping: None,
    }),
};

/// The steps at the sender, with the labels of its own screens.
const STEPS: &[Step] = &[
    Step::Do(
        "In the Shopify admin open Settings → Notifications → Webhooks → Create webhook, once for each event.",
    ),
    Step::Topics(
        "Choose one of these events, the format JSON and the latest stable API version.",
        &[
            "Order creation",
            "Order update",
            "Order cancellation",
            "Refund create",
            "Customer creation",
            "Customer update",
        ],
    ),
    Step::Url("Paste this as URL, and save."),
    Step::Paste(
        "Below the list Shopify shows the secret that it signs with. One secret serves all its webhooks: paste it here.",
    ),
];

const HEADERS: &[&str] = &[
    "content-type",
    "user-agent",
    "x-shopify-hmac-sha256",
    "x-shopify-topic",
    "x-shopify-shop-domain",
    "x-shopify-webhook-id",
    "shopify-hmac-sha256",
    "shopify-topic",
    "shopify-shop-domain",
    "shopify-webhook-id",
];

/// The prefix of a client's global id.
const CLIENT: &str = "gid://shopify/Customer/";

pub(super) fn read(headers: &Headers, body: &[u8]) -> ParsedDelivery {
    let header = |name| header(headers, name).map(str::to_owned);
    let topic = header("x-shopify-topic").unwrap_or_default();
    let known = Topic::parse(&topic);
    ParsedDelivery {
        subject: known.map_or(Subject::Other, Topic::subject),
        delivery_id: header("x-shopify-webhook-id"),
        source: header("x-shopify-shop-domain"),
        event: event(known, body),
        topic,
    }
}

/// A header by its older name, `x-…`, or the one without the `x-` if that was not sent.
pub(super) fn header<'a>(headers: &'a Headers, name: &str) -> Option<&'a str> {
    headers.get(name).or_else(|| headers.get(name.strip_prefix("x-")?))
}

fn event(topic: Option<Topic>, body: &[u8]) -> Result<NativeEvent, Unmappable> {
    let Some(topic) = topic else {
        return Ok(NativeEvent::Ignored { reason: Ignored::UnsupportedTopic });
    };
    let value = parse(body)?;
    let root = Field::root(&value);
    match topic {
        Topic::Order => order::event(&root, body),
        Topic::OrderDeleted => {
            deleted_order(&root).map(|external_id| NativeEvent::OrderDeleted { external_id })
        }
        Topic::Client => {
            people::client(&root, body).map(|snapshot| NativeEvent::Client { snapshot })
        }
        Topic::ClientDeleted => {
            deleted_client(&root).map(|external_id| NativeEvent::ClientDeleted { external_id })
        }
        Topic::Refund => refund::event(&root, body),
    }
}

/// The topics that are processed.
#[derive(Clone, Copy)]
enum Topic {
    Order,
    OrderDeleted,
    Client,
    ClientDeleted,
    Refund,
}

impl Topic {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "orders/create"
            | "orders/updated"
            | "orders/paid"
            | "orders/cancelled"
            | "orders/fulfilled"
            | "orders/partially_fulfilled" => Some(Self::Order),
            "orders/delete" => Some(Self::OrderDeleted),
            "customers/create" | "customers/update" | "customers/enable" | "customers/disable" => {
                Some(Self::Client)
            }
            "customers/delete" => Some(Self::ClientDeleted),
            "refunds/create" => Some(Self::Refund),
            _ => None,
        }
    }

    const fn subject(self) -> Subject {
        match self {
            Self::Order | Self::OrderDeleted => Subject::Order,
            Self::Client | Self::ClientDeleted => Subject::Client,
            Self::Refund => Subject::Refund,
        }
    }
}

/// Returns an error if the body's global id does not begin with `kind`. The smallest bodies have no
/// global id.
fn require_kind(root: &Field<'_>, kind: &str) -> Result<(), Unmappable> {
    let gid = root.get("admin_graphql_api_id");
    match gid.text()? {
        Some(text) if !text.starts_with(kind) => Err(gid.unknown(&text)),
        _ => Ok(()),
    }
}

/// The id in the body of `orders/delete`, which has no other member.
fn deleted_order(root: &Field<'_>) -> Result<String, Unmappable> {
    let id = root.get("id").required(Field::id)?;
    match root.value().as_object() {
        Some(members) if members.len() == 1 => Ok(id),
        _ => Err(root.refuse("holds more than the id that orders/delete carries")),
    }
}

/// The id in the body of `customers/delete`. Such a body also has the global id, but not the
/// members of an existing client.
fn deleted_client(root: &Field<'_>) -> Result<String, Unmappable> {
    root.require_members(&["id", "admin_graphql_api_id"], "a deleted client")?;
    require_kind(root, CLIENT)?;
    let created_at = root.get("created_at");
    if created_at.is_empty() {
        root.get("id").required(Field::id)
    } else {
        Err(created_at.refuse("is more than customers/delete carries"))
    }
}

/// The version of a snapshot. `times` are the members that may have the time of the last change.
fn version(
    root: &Field<'_>,
    times: &[&'static str],
    body: &[u8],
    refunds: u32,
    progress: u8,
) -> Result<SourceVersion, Unmappable> {
    Ok(SourceVersion {
        sequence: 0,
        modified_at: root.first_instant(times)?.unwrap_or_default(),
        refunds,
        progress,
        body_hash: body_hash(body),
    })
}
