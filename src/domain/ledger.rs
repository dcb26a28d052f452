//! What a store's ledger keeps of an order or a client, and what it decides about a new command.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::encoding;

use super::credential::KeyId;
use super::id::{ClientId, Namespace, OrderId, RequestId, StoreId};
use super::key::Source;
use super::log::Outcome;
use super::order::{OrderContent, OrderStatus, ReportedPayment, ReportedRefund, SourceVersion};
use super::payment::{Account, Payment, Refund};
use super::time::Timestamp;

/// Where a command to a ledger comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    pub store_id: StoreId,
    pub namespace: Namespace,
    pub key_id: KeyId,
    pub request_id: RequestId,
    pub source: Source,
}

/// An order as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredOrder {
    pub id: OrderId,
    pub source: Source,
    pub key_id: KeyId,
    pub client_id: Option<ClientId>,
    pub content: OrderContent,
    /// What the native sender states of payments and refunds; replaced with each of its events.
    pub stated: SenderReported,
    /// Oldest first.
    pub payments: Vec<Payment>,
    /// Oldest first.
    pub refunds: Vec<Refund>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl StoredOrder {
    /// What it stands at: what its sender states, or what was done here where that is further on.
    /// So it is the same in whatever order the two come.
    pub fn status(&self) -> OrderStatus {
        let stated = self.content.status;
        self.stated.here.status.filter(|here| here.progress() > stated.progress()).unwrap_or(stated)
    }

    pub fn account(&self) -> Account<'_> {
        Account { stated: &self.stated, payments: &self.payments, refunds: &self.refunds }
    }

    /// The order as the command that created it left it. Of an order of the integration API nothing
    /// ever changes the content, so this is what its creation was answered with.
    #[must_use]
    pub fn as_created(self) -> Self {
        Self {
            stated: SenderReported::default(),
            payments: Vec::new(),
            refunds: Vec::new(),
            updated_at: self.created_at,
            ..self
        }
    }
}

/// What was done to an order here, whatever its sender states.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LocalState {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<OrderStatus>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancelled_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel_reason: Option<String>,
}

/// The payments and refunds that a native sender's last event states; and what was done here.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SenderReported {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub payments: Vec<ReportedPayment>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refunds: Vec<ReportedRefund>,
    /// Survives the sender's events.
    #[serde(default)]
    pub here: LocalState,
}

/// One thing that happened to an order or a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    pub at: Timestamp,
    pub request_id: RequestId,
    /// `created`, or the topic of a native event.
    pub event: String,
    /// What tells this delivery from another with the same bytes, where the sender says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<String>,
}

/// Most entries kept of a history; the first and the newest stay.
const HISTORY: usize = 100;

/// Appends to a history, dropping the second-oldest entry of a full one.
pub fn append_history(history: &mut Vec<HistoryEntry>, entry: HistoryEntry) {
    if history.len() >= HISTORY {
        history.remove(1);
    }
    history.push(entry);
}

/// The hash of a creating command: two commands that mean the same have the same, however their
/// JSON was written. Lower-case hex of SHA-256.
pub fn command_hash(content: &OrderContent) -> String {
    let mut content = content.clone();
    content.metadata.sort_keys();
    content.metadata.values_mut().for_each(serde_json::Value::sort_all_objects);
    hash_of(&content)
}

/// The hash of what a command says, in lower-case hex of SHA-256.
pub fn hash_of(command: &impl Serialize) -> String {
    // Serialising these types cannot fail: their maps have string keys.
    encoding::hex(Sha256::digest(serde_json::to_vec(command).unwrap_or_default()))
}

/// What becomes of an event of a native sender, given the version that is stored.
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
    fn a_history_keeps_its_first_and_newest_entries() {
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
