//! Messages to a StoreLedger. One object per store, named by its [`StoreId`].

use serde::{Deserialize, Serialize};

use crate::domain::event::NativeEvent;
use crate::domain::id::{Namespace, StoreId};
use crate::domain::idempotency::{Fingerprint, IdempotencyKey};
use crate::domain::key::Source;
use crate::domain::ledger::Origin;
use crate::domain::log::Outcome;
use crate::domain::order::OrderStatus;
use crate::domain::rejection::Rejection;
use crate::domain::time::Timestamp;
use crate::domain::write::Write;

use super::key_gate::Fault;

/// The name of a store's object.
pub fn object_name(store: StoreId) -> String {
    store.to_string()
}

/// What a KeyGate or the Worker asks of a ledger, as a frame: the method `command`, answered with a
/// framed [`LedgerReply`] and a body.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LedgerCommand {
    /// Writes what a request of the integration API asks for.
    Write {
        origin: Origin,
        idempotency: Option<Idempotency>,
        write: Write,
        /// Answers as if it had been done, and does nothing.
        #[serde(default)]
        dry_run: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fault: Option<Fault>,
    },
    /// The commands of a batch, one after the other, each by itself: some may be rejected.
    Batch {
        commands: Vec<LedgerCommand>,
    },
    /// Whether the key was used before: asked where the body turns out not to be valid, because
    /// idempotency looks first.
    CheckIdempotency {
        store_id: StoreId,
        namespace: Namespace,
        idempotency: Idempotency,
    },
    /// Applies what a native sender says happened.
    Apply {
        origin: Origin,
        /// The topic, for the history.
        topic: String,
        /// What tells this delivery from another with the same bytes.
        delivery: Option<String>,
        event: NativeEvent,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fault: Option<Fault>,
    },
    GetOrder {
        store_id: StoreId,
        row: i64,
    },
    /// An order with its history; the body is
    /// `{"order": …, "history": [{"at", "request_id", "event", "delivery"}]}`, oldest first.
    DescribeOrder {
        store_id: StoreId,
        row: i64,
    },
    ListOrders {
        store_id: StoreId,
        filter: OrderFilter,
    },
    /// What an overview shows; the body is `{"orders": …, "more": …, "newest": […]}`: how many
    /// were created since, whether there are more than the 2,000 that are counted, and the newest
    /// five of all.
    Summary {
        store_id: StoreId,
        since: Timestamp,
    },
}

/// The idempotency of one request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Idempotency {
    pub key: IdempotencyKey,
    pub fingerprint: Fingerprint,
}

/// Which orders to list, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderFilter {
    pub limit: u32,
    /// Only orders before this row.
    pub before: Option<i64>,
    pub source: Option<Source>,
    pub status: Option<OrderStatus>,
    pub external_id: Option<String>,
    /// Placed at or after.
    pub placed_from: Option<Timestamp>,
    /// Placed before.
    pub placed_to: Option<Timestamp>,
    /// A text as somebody types it ([`OrderSearch`](crate::domain::search::OrderSearch)). What it
    /// names by an id stands first on the first page, however old.
    #[serde(default)]
    pub search: Option<String>,
}

/// A ledger's answer. The body that follows it in the frame is the JSON for the caller, empty where
/// there is none.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LedgerReply {
    /// The command was carried out, or found to be carried out already.
    Done {
        status: u16,
        outcome: Outcome,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        internal_id: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        external_id: Option<String>,
    },
    /// The first answer to the same Idempotency-Key: a 2xx body, or the problem of a 409.
    Replay {
        status: u16,
        internal_id: Option<String>,
    },
    /// What an event changes is not known yet.
    ParentUnknown,
    /// The reply to each command of a batch, and its body.
    Batch {
        replies: Vec<(LedgerReply, String)>,
    },
    /// No answer is remembered under the Idempotency-Key.
    Unused,
    Rejected {
        rejection: Rejection,
    },
    /// The ledger could not carry the command out: for now, or for a fault of ours.
    Failed {
        for_now: bool,
    },
}
