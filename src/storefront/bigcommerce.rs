//! BigCommerce: its events name an order or a client and say nothing of it (CONTRACTS.md,
//! BigCommerce; bodies by scope: the vendor's 'Webhook events').
//!
//! The topic is the scope. A delivery is told by its `webhook-id`, which stays the same when it is
//! repeated; equal values of `hash` prove nothing, as `created` and `updated` can share one.

use super::ParsedDelivery;
use super::envelope::{Envelope, Meaning, unsupported};
use super::field::Field;
use crate::domain::event::{NativeEvent, ResourceKind, Subject, Unmappable};
use crate::domain::headers::Headers;

pub(super) const HEADERS: &[&str] =
    &["content-type", "user-agent", DELIVERY, "webhook-timestamp", "webhook-signature"];

const DELIVERY: &str = "webhook-id";

const ENVELOPE: Envelope = Envelope {
    topic: "scope",
    delivery: None,
    source: |root| root.get("producer").required(Field::token),
    meaning,
};

pub(super) fn read(headers: &Headers, body: &[u8]) -> ParsedDelivery {
    ParsedDelivery { delivery: headers.get(DELIVERY).map(str::to_owned), ..ENVELOPE.read(body) }
}

fn meaning(scope: &str, event: &Field<'_>) -> Meaning {
    let kept = scope.strip_prefix("store/").and_then(|scope| scope.split_once('/'));
    let data = event.get("data");
    match kept {
        // An app's notes on an order or a client: nothing of them is kept here.
        Some((_, rest)) if rest.starts_with("metafield/") => unsupported(),
        Some(("order", rest)) => {
            let id = match rest.split_once('/') {
                Some(("transaction", _)) => data.get("order_id").required(Field::id),
                _ => own_id(&data, "order"),
            };
            let thin = |external_id| NativeEvent::Notification {
                resource: ResourceKind::Order,
                external_id,
            };
            (Subject::Order, id.map(thin))
        }
        Some(("customer", "deleted")) => {
            // Nothing of a client that is gone can be fetched any more: this event is complete,
            // and has its effect where the client is known. As a thin one it would wait for ever.
            let gone = |external_id| NativeEvent::ClientDeleted { external_id };
            (Subject::Client, own_id(&data, "customer").map(gone))
        }
        Some(("customer", rest)) => {
            let id = match rest.split_once('/') {
                // Here `id` is the address's.
                Some(("address", _)) => data.get("address").get("customer_id").required(Field::id),
                Some(("channel", _)) => data.get("customer_id").required(Field::id),
                _ => own_id(&data, "customer"),
            };
            let thin = |external_id| NativeEvent::Notification {
                resource: ResourceKind::Client,
                external_id,
            };
            (Subject::Client, id.map(thin))
        }
        _ => unsupported(),
    }
}

/// The id of what `data` is about, if that is of this type.
fn own_id(data: &Field<'_>, kind: &'static str) -> Result<String, Unmappable> {
    data.get("type").require_text(kind)?;
    data.get("id").required(Field::id)
}
