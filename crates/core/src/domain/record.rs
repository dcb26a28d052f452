//! The records of orders and clients in a store's ledger.

use serde::{Deserialize, Serialize};

use super::author::Author;
use super::id::{ClientId, Namespace, OrderId, PaymentId, RefundId, RequestId, StoreId};
use super::key::Source;
use super::order::{ClientDetails, OrderContent, OrderStatus, SourceVersion};
use super::payment::{Account, Payment, Refund};
use super::reported::SenderReported;
use super::time::Timestamp;

/// The author and the request that a command to a ledger comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    pub store_id: StoreId,
    pub namespace: Namespace,
    /// Objects of the version before read and send an integration key under this name.
    #[serde(rename = "key_id")]
    pub author: Author,
    pub request_id: RequestId,
    pub source: Source,
}

/// An order in a store's ledger, with its payments and refunds.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredOrder {
    pub id: OrderId,
    pub source: Source,
    pub created_by: Author,
    pub client_id: Option<ClientId>,
    pub content: OrderContent,
    /// The content as the integration API created it, once it has changed; `None` before that, and
    /// for orders of native senders.
    pub created: Option<Box<CreatedContent>>,
    /// The payments and refunds that the native sender reports, and the local state. Each event of
    /// the sender replaces the payments and refunds.
    pub reported: SenderReported,
    /// Oldest first.
    pub payments: Vec<Payment>,
    /// Oldest first.
    pub refunds: Vec<Refund>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl StoredOrder {
    /// The current status: the one that the sender reports, or the local one if that has progressed
    /// further. So the result does not depend on which of the two arrives first.
    pub fn status(&self) -> OrderStatus {
        let reported = self.content.status;
        let local = self.reported.local.status;
        local.filter(|local| local.progress() > reported.progress()).unwrap_or(reported)
    }

    pub fn payment(&self, id: PaymentId) -> Option<&Payment> {
        self.payments.iter().find(|payment| payment.id == id)
    }

    pub fn refund(&self, id: RefundId) -> Option<&Refund> {
        self.refunds.iter().find(|refund| refund.id == id)
    }

    pub fn account(&self) -> Account<'_> {
        Account { reported: &self.reported, payments: &self.payments, refunds: &self.refunds }
    }

    /// Replaces the content. The first time, `is_replayed` retains the content before, because a
    /// repeated creation returns it again.
    pub fn change_content(
        &mut self,
        content: OrderContent,
        client_id: Option<ClientId>,
        is_replayed: bool,
    ) {
        let is_changed = content != self.content || client_id != self.client_id;
        let content = std::mem::replace(&mut self.content, content);
        let client_id = std::mem::replace(&mut self.client_id, client_id);
        if is_replayed && is_changed && self.created.is_none() {
            self.created = Some(Box::new(CreatedContent { content, client_id }));
        }
    }

    /// The order as it was just after the integration API created it, to reproduce the response to
    /// its creation.
    #[must_use]
    pub fn as_created(self) -> Self {
        let (content, client_id) = match self.created {
            Some(created) => (created.content, created.client_id),
            None => (self.content, self.client_id),
        };
        Self {
            content,
            client_id,
            created: None,
            reported: SenderReported::default(),
            payments: Vec::new(),
            refunds: Vec::new(),
            updated_at: self.created_at,
            ..self
        }
    }
}

/// The content of an order before it changed for the first time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CreatedContent {
    pub content: OrderContent,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
}

/// An entry in the history of an order or a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    pub at: Timestamp,
    pub request_id: RequestId,
    /// `created`, or the topic of a native event.
    pub event: String,
    /// The sender's id of the delivery, if it sends one. Distinguishes deliveries with the same
    /// bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<String>,
    /// `None` in entries that were written before authors were recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<Author>,
    /// The names of the public fields that the event changed, without `updated_at`; empty for a
    /// creation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<String>,
}

impl HistoryEntry {
    /// An entry without changes.
    pub fn new(origin: &Origin, event: &str, delivery: Option<String>, at: Timestamp) -> Self {
        Self {
            at,
            request_id: origin.request_id,
            event: event.to_owned(),
            delivery,
            author: Some(origin.author.clone()),
            changes: Vec::new(),
        }
    }
}

/// The most entries of a history. The first entry and the newest ones are retained.
const MAX_HISTORY: usize = 100;

/// Appends to a history, dropping the second-oldest entry of a full one.
pub fn append_history(history: &mut Vec<HistoryEntry>, entry: HistoryEntry) {
    if history.len() >= MAX_HISTORY {
        history.remove(1);
    }
    history.push(entry);
}

/// A stored order, and what only the ledger needs of it.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderRecord {
    pub order: StoredOrder,
    /// The hash of the command that created the order; `None` for orders of native senders.
    pub command_hash: Option<String>,
    /// The version of the native sender's event that was applied last.
    pub version: Option<SourceVersion>,
    pub history: Vec<HistoryEntry>,
}

/// A stored client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientRecord {
    pub id: ClientId,
    pub details: ClientDetails,
    /// `None` if the client was created before authors were recorded.
    pub created_by: Option<Author>,
    /// The version of the native sender's event that was applied last.
    pub version: Option<SourceVersion>,
    pub history: Vec<HistoryEntry>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::orders::input::read_order;
    use crate::domain::id::{SequenceId, UserId};

    #[test]
    fn a_history_entry_without_author_and_changes_is_still_read() {
        let json =
            r#"{"at":1,"request_id":"req_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","event":"created"}"#;
        let entry: HistoryEntry = serde_json::from_str(json).unwrap();
        assert_eq!((entry.author.as_ref(), entry.changes.as_slice()), (None, &[][..]));
        assert_eq!(serde_json::to_string(&entry).unwrap(), json);
    }

    #[test]
    fn an_origin_is_read_as_the_version_before_sent_it() {
        let json = r#"{"store_id":"sto_aaaaaaaaaaaaaaaa","namespace":"ns_aaaaaaaaaaaaaaaa","key_id":"key_awvrjnpbz4sysik5hhb7uopgzq","request_id":"req_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","source":"custom"}"#;
        let origin: Origin = serde_json::from_str(json).unwrap();
        let key_id = origin.author.integration_key().map(ToString::to_string);
        assert_eq!(key_id.as_deref(), Some("key_awvrjnpbz4sysik5hhb7uopgzq"));
        assert_eq!(serde_json::to_string(&origin).unwrap(), json);
    }

    #[test]
    fn an_order_whose_content_changed_is_reproduced_as_it_was_created() {
        let at = Timestamp::from_millis(1_795_000_000_000);
        let body = br#"{"external_id":"A-1","currency":"USD","total":"20.00",
            "lines":[{"name":"Thing","quantity":2,"unit_price":"10.00"}]}"#;
        let store = StoreId::from_random([7; 10]);
        let created = StoredOrder {
            id: OrderId::new(store, SequenceId::at(at)),
            source: Source::Custom,
            created_by: Author::Operator(UserId::from_random([1; 10])),
            client_id: None,
            content: read_order(body, at).unwrap(),
            created: None,
            reported: SenderReported::default(),
            payments: Vec::new(),
            refunds: Vec::new(),
            created_at: at,
            updated_at: at,
        };
        let client = Some(ClientId::new(store, SequenceId::at(at)));
        for is_replayed in [true, false] {
            let mut order = created.clone();
            order.change_content(order.content.clone(), None, is_replayed);
            assert_eq!(order, created, "the same content is no change");
            for (note, client_id) in [("first", None), ("second", client)] {
                let content = OrderContent { note: Some(note.into()), ..order.content.clone() };
                order.change_content(content, client_id, is_replayed);
                order.updated_at = at.plus(1_000);
            }
            order.reported.local.status = Some(OrderStatus::Cancelled);
            assert_eq!(order.content.note.as_deref(), Some("second"));
            assert_eq!(order.created.is_some(), is_replayed);
            assert_eq!(order.as_created() == created, is_replayed);
        }
    }

    #[test]
    fn a_history_retains_its_first_and_newest_entries() {
        let entry = |at| HistoryEntry {
            at: Timestamp::from_millis(at),
            request_id: RequestId::unlogged([0; 19]),
            event: "order.updated".into(),
            delivery: None,
            author: None,
            changes: Vec::new(),
        };
        let mut history = Vec::new();
        (0..150).for_each(|at| append_history(&mut history, entry(at)));
        assert_eq!(history.len(), 100);
        assert_eq!(history[0].at.millis(), 0);
        assert_eq!(history[1].at.millis(), 51);
        assert_eq!(history[99].at.millis(), 149);
    }
}
