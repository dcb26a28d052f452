//! What a store's ledger replies to queries about its orders, as its writes and reads have it.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize};

use super::output::OrderOut;
use crate::api::output::{CreatedBy, Rfc3339};
use crate::domain::id::{RequestId, SequenceId};
use crate::domain::record::HistoryEntry;

/// A page of orders: the body of `GET /v1/orders`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OrderPage<'a> {
    pub orders: Vec<OrderOut<'a>>,
    pub next_cursor: Option<OrderCursor>,
}

/// The row before which the next page starts, serialised as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderCursor(pub SequenceId);

impl Serialize for OrderCursor {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0.as_i64())
    }
}

impl<'de> Deserialize<'de> for OrderCursor {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = <Cow<'de, str>>::deserialize(from)?;
        let row = text.parse().ok().and_then(SequenceId::from_i64);
        row.map(Self).ok_or_else(|| serde::de::Error::custom("not a cursor"))
    }
}

/// An order with its history, oldest entry first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderWithHistory<'a> {
    pub order: OrderOut<'a>,
    pub history: Vec<HistoryOut>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryOut {
    pub at: Rfc3339,
    pub request_id: RequestId,
    /// An event of Tidegate, such as `created` or `payment.created`, or the topic of a native
    /// event.
    pub event: String,
    /// The sender's id of the delivery.
    pub delivery: Option<String>,
    /// `None` in entries that were written before authors were recorded.
    #[serde(default)]
    pub author: Option<CreatedBy>,
    /// The names of the order's fields that the event changed.
    #[serde(default)]
    pub changes: Vec<String>,
}

impl From<HistoryEntry> for HistoryOut {
    fn from(entry: HistoryEntry) -> Self {
        let HistoryEntry { at, request_id, event, delivery, author, changes } = entry;
        let author = author.as_ref().map(CreatedBy::from);
        Self { at: Rfc3339(at), request_id, event, delivery, author, changes }
    }
}

/// The figures of a store for the overview.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StoreSummary<'a> {
    /// How many orders were created in the requested period, counted up to 2,000.
    pub orders: u32,
    /// Whether there are more than were counted.
    pub more: bool,
    /// The newest orders of any time.
    pub newest: Vec<OrderOut<'a>>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_history_entry_of_the_version_before_has_no_author_and_no_changes() {
        let request_id = RequestId::unlogged([0; 19]);
        let entry = json!({ "at": "2026-11-22T12:00:00.000Z", "request_id": request_id,
            "event": "created", "delivery": null });
        let entry: HistoryOut = serde_json::from_value(entry).unwrap();
        assert_eq!((entry.author, entry.changes), (None, vec![]));
    }

    #[test]
    fn a_cursor_is_text() {
        let cursor = OrderCursor(SequenceId::from_i64(7).unwrap());
        assert_eq!(serde_json::to_value(cursor).unwrap(), json!("7"));
        assert_eq!(serde_json::from_value::<OrderCursor>(json!("7")).unwrap(), cursor);
        assert!(serde_json::from_value::<OrderCursor>(json!("-1")).is_err());
    }
}
