//! Squarespace: its events contain only the id of an order (CONTRACTS.md, Squarespace).

use super::ParsedDelivery;
use super::envelope::{Envelope, Meaning, unsupported};
use super::field::Field;
use crate::domain::event::{NativeEvent, ResourceKind, Subject};

pub(super) const HEADERS: &[&str] = &["content-type", "user-agent", "squarespace-signature"];

const ENVELOPE: Envelope = Envelope {
    topic: "topic",
    delivery_id: Some("id"),
    source: |root| root.get("websiteId").required(Field::token),
    meaning,
};

pub(super) fn read(body: &[u8]) -> ParsedDelivery {
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
