//! Squarespace: its events name an order and say nothing of it (CONTRACTS.md, Squarespace).

use super::Reading;
use super::envelope::{Envelope, Meaning, unsupported};
use super::field::Field;
use crate::domain::event::{NativeEvent, Subject, Thing};

pub(super) const HEADERS: &[&str] = &["content-type", "user-agent", "squarespace-signature"];

const ENVELOPE: Envelope = Envelope {
    topic: "topic",
    delivery: Some("id"),
    source: |root| root.get("websiteId").required(Field::token),
    meaning,
};

pub(super) fn read(body: &[u8]) -> Reading {
    ENVELOPE.read(body)
}

/// `data.update` (`FULFILLED`, `REFUNDED`, …) tells what was done to an order, not how it stands.
fn meaning(topic: &str, event: &Field<'_>) -> Meaning {
    match topic {
        "order.create" | "order.update" => {
            let id = event.get("data").get("orderId").required(Field::token);
            let thin = |external_id| NativeEvent::Thin { thing: Thing::Order, external_id };
            (Subject::Order, id.map(thin))
        }
        _ => unsupported(),
    }
}
