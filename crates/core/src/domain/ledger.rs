//! The records of orders and clients in a store's ledger, and the decision about an incoming native
//! event.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::encoding;

use super::credential::KeyId;
use super::id::{ClientId, Namespace, OrderId, RequestId, StoreId};
use super::key::Source;
use super::log::Outcome;
use super::order::{OrderContent, OrderStatus, SourceVersion};
use super::payment::{Account, Payment, Refund};
use super::reported::SenderReported;
use super::time::Timestamp;

/// The key and the request that a command to a ledger comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    pub store_id: StoreId,
    pub namespace: Namespace,
    pub key_id: KeyId,
    pub request_id: RequestId,
    pub source: Source,
}

/// An order in a store's ledger, with its payments and refunds.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredOrder {
    pub id: OrderId,
    pub source: Source,
    pub key_id: KeyId,
    pub client_id: Option<ClientId>,
    pub content: OrderContent,
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

    pub fn account(&self) -> Account<'_> {
        Account { reported: &self.reported, payments: &self.payments, refunds: &self.refunds }
    }

    /// The order as it was just after its creation. The content of an order of the integration API
    /// never changes, so this reproduces the response to its creation.
    #[must_use]
    pub fn as_created(self) -> Self {
        Self {
            reported: SenderReported::default(),
            payments: Vec::new(),
            refunds: Vec::new(),
            updated_at: self.created_at,
            ..self
        }
    }
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

/// The hash of a creating command, as lower-case hex of SHA-256. Commands with the same meaning
/// have the same hash, however their JSON was written.
pub fn command_hash(content: &OrderContent) -> String {
    let mut content = content.clone();
    content.metadata.sort_keys();
    content.metadata.values_mut().for_each(serde_json::Value::sort_all_objects);
    hash_of(&content)
}

/// The hash of a command's JSON, as lower-case hex of SHA-256.
pub fn hash_of(command: &impl Serialize) -> String {
    // Serialising these types cannot fail: their maps have string keys.
    encoding::hex(Sha256::digest(serde_json::to_vec(command).unwrap_or_default()))
}

/// The outcome of a native sender's event, given the version that is stored.
pub fn judge_event(stored: Option<&SourceVersion>, incoming: &SourceVersion) -> Outcome {
    match stored {
        None => Outcome::Accepted,
        Some(stored) if incoming > stored => Outcome::Accepted,
        Some(stored) if incoming == stored => Outcome::Duplicate,
        Some(_) => Outcome::Stale,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(modified: i64, refunds: u32, progress: u8, hash: &str) -> SourceVersion {
        SourceVersion {
            sequence: 0,
            modified_at: Timestamp::from_millis(modified),
            refunds,
            progress,
            body_hash: hash.to_owned(),
        }
    }

    #[test]
    fn the_senders_time_decides_then_refunds_then_status_then_hash() {
        let stored = version(1_000, 1, 2, "b");
        for (incoming, outcome) in [
            (version(1_000, 1, 2, "b"), Outcome::Duplicate),
            (version(2_000, 0, 0, "a"), Outcome::Accepted),
            (version(999, 9, 9, "z"), Outcome::Stale),
            (version(1_000, 2, 0, "a"), Outcome::Accepted),
            (version(1_000, 0, 9, "z"), Outcome::Stale),
            (version(1_000, 1, 3, "a"), Outcome::Accepted),
            (version(1_000, 1, 2, "c"), Outcome::Accepted),
            (version(1_000, 1, 2, "a"), Outcome::Stale),
        ] {
            assert_eq!(judge_event(Some(&stored), &incoming), outcome, "{incoming:?}");
        }
        assert_eq!(judge_event(None, &stored), Outcome::Accepted);
    }

    #[test]
    fn a_history_retains_its_first_and_newest_entries() {
        let entry = |at| HistoryEntry {
            at: Timestamp::from_millis(at),
            request_id: RequestId::unlogged([0; 19]),
            event: "order.updated".into(),
            delivery: None,
        };
        let mut history = Vec::new();
        (0..150).for_each(|at| append_history(&mut history, entry(at)));
        assert_eq!(history.len(), 100);
        assert_eq!(history[0].at.millis(), 0);
        assert_eq!(history[1].at.millis(), 51);
        assert_eq!(history[99].at.millis(), 149);
    }
}
