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

use super::ParsedDelivery;
use super::field::{Field, parse};
use crate::domain::event::{Ignored, NativeEvent, Subject, Unmappable};

pub(super) const HEADERS: &[&str] = &["content-type", "user-agent"];

pub(super) fn read(body: &[u8]) -> ParsedDelivery {
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
    delivery.topic = envelope.get("eventType").required(Field::token)?;
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
