//! Wix: converts its webhook deliveries.
//!
//! The whole body is a JSON Web Token, whose signature the caller has already checked. Its claim
//! `data` is the JSON text of `{eventType, instanceId, data, identity}`, and the inner `data` is
//! the JSON text of the event (`@wix/sdk` 1.21). Pointers lead through these texts as if they were
//! parsed JSON: `/data/data/actionEvent/body/order/id`. The example in `tests/fixtures/wix` is the
//! order of Wix's own reference in that envelope (`tests/fixtures/SOURCES.md`).

mod order;

use data_encoding::BASE64URL_NOPAD;
use serde_json::Value;

use super::ELSEWHERE;
use super::ParsedDelivery;
use super::field::{Field, parse};
use crate::domain::event::{Ignored, NativeEvent, Subject, Unmappable};
use crate::domain::headers::Headers;
use crate::domain::key::{PayloadFormat, Scope, Source};
use crate::domain::secret::SecretFormat;
use crate::domain::sender::{
    SecretOrigin, SecretProfile, SenderKind, SenderProfile, Signing, Step, TopicPlace, Unsigned,
    Webhooks,
};
use crate::domain::signature::Scheme;

pub const PROFILE: SenderProfile = SenderProfile {
    source: Source::Wix,
    title: "Wix",
    label: "Wix",
    kind: SenderKind::Shop,
    summary: "Orders",
    instructions: "Wix signs with the key pair of your app: create the key, register its URL, then paste the app's public key here.",
    steps: STEPS,
    scopes: &[Scope::OrdersWrite],
    signing: Signing::Preferred,
    header_location: ELSEWHERE,
    webhooks: Some(Webhooks {
        format: PayloadFormat::Wix,
        label: "Wix webhook",
        headers: HEADERS,
        topic: TopicPlace::Body(TOPIC),
        topics: &[(
            Subject::Order,
            &[
                "wix.ecom.v1.order_created",
                "wix.ecom.v1.order_updated",
                "wix.ecom.v1.order_approved",
                "wix.ecom.v1.order_canceled",
                "wix.ecom.v1.order_committed",
                "wix.ecom.v1.order_fulfilled",
                "wix.ecom.v1.order_payment_status_updated",
            ],
        )],
        scheme: Scheme::Token,
        unsigned: Unsigned {
            place: "The signed token (a JWT with RS256)",
            remedy: "the whole body of Wix's webhooks is one.",
            step: None,
        },
        secret: SecretProfile {
            origin: SecretOrigin::Sender,
            format: SecretFormat::RsaPublicKey {
                expected: "must be the app's public key from Wix (app dashboard → Webhooks): an RSA key of 2048 bits or more, in PEM (-----BEGIN PUBLIC KEY-----) or its base64.",
            },
            screen: "In Wix open the app's dashboard → Webhooks, and copy the Public Key, all of its lines.",
        },
        // Wix waits 1,250 ms for the whole delivery.
        ledger_deadline: 700,
        failure_budget: None,
        is_ping: None,
    }),
};

/// The steps at the sender, with the labels of its own screens.
const STEPS: &[Step] = &[
    Step::Do("In the Wix app dashboard open your app → Webhooks → Create webhook."),
    Step::Topics(
        "Choose one of these events; each is a webhook of its own.",
        &["Order Approved", "Order Updated", "Order Canceled"],
    ),
    Step::Url(
        "Paste this as Callback URL, and save. Install the app on the site, if it is not yet.",
    ),
    Step::Paste(
        "On the same page choose Get Public Key, copy all of its lines, and paste them here.",
    ),
];

/// The member of the envelope with the topic.
const TOPIC: &str = "eventType";

const HEADERS: &[&str] = &["content-type", "user-agent"];

pub(super) fn read(_: &Headers, body: &[u8]) -> ParsedDelivery {
    let mut delivery = ParsedDelivery {
        topic: String::new(),
        subject: Subject::Other,
        delivery_id: None,
        source: None,
        event: Ok(NativeEvent::Ignored { reason: Ignored::UnsupportedTopic }),
    };
    if let Some(event) = open(body, &mut delivery).transpose() {
        delivery.event = event;
    }
    delivery
}

/// Fills in the parts of the envelope, as far as they can be read, and returns the event; `None`
/// for a topic that is not processed.
fn open(body: &[u8], delivery: &mut ParsedDelivery) -> Result<Option<NativeEvent>, Unmappable> {
    let claims = parse(&claims(body)?)?;
    let claims = Field::root(&claims);
    let data = claims.get("data");
    let envelope = nested(&data)?;
    let envelope = data.with_value(&envelope);
    delivery.source = envelope.get("instanceId").token()?;
    delivery.topic = envelope.get(TOPIC).required(Field::token)?;
    let Some(Some(action)) = delivery.topic.strip_prefix("wix.ecom.v1.order_").map(Action::parse)
    else {
        return Ok(None);
    };
    delivery.subject = Subject::Order;
    let data = envelope.get("data");
    let event = nested(&data)?;
    let event = data.with_value(&event);
    let id = event.get("id").required(Field::token)?;
    delivery.delivery_id = Some(id.clone());
    let snapshot = match action {
        Action::Created => order::snapshot(&event.get("createdEvent").get("entity"), &event, id),
        Action::Updated => {
            order::snapshot(&event.get("updatedEvent").get("currentEntity"), &event, id)
        }
        Action::Other => {
            order::snapshot(&event.get("actionEvent").get("body").get("order"), &event, id)
        }
    }?;
    Ok(Some(NativeEvent::Order { snapshot }))
}

/// The kinds of order event, which differ in where the event has the order.
enum Action {
    Created,
    Updated,
    Other,
}

impl Action {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "created" => Some(Self::Created),
            "updated" => Some(Self::Updated),
            "approved" | "canceled" | "committed" | "fulfilled" | "payment_status_updated" => {
                Some(Self::Other)
            }
            _ => None,
        }
    }
}

/// The decoded claims of a token in compact form.
fn claims(body: &[u8]) -> Result<Vec<u8>, Unmappable> {
    let mut parts = body.trim_ascii().split(|byte| *byte == b'.');
    let claims = match [parts.next(), parts.next(), parts.next(), parts.next()] {
        [Some(_), Some(claims), Some(_), None] => BASE64URL_NOPAD.decode(claims).ok(),
        _ => None,
    };
    claims.ok_or_else(|| Unmappable {
        pointer: String::new(),
        detail: "is not a JSON Web Token".to_owned(),
    })
}

/// Parses the field's text as JSON.
fn nested(field: &Field<'_>) -> Result<Value, Unmappable> {
    let text = field.required(Field::text)?;
    parse(text.as_bytes()).map_err(|error| field.refuse(error.detail))
}
