//! Messages to a StoreLedger. There is one object per store, named by its [`StoreId`].

use serde::{Deserialize, Serialize};

use crate::domain::event::NativeEvent;
use crate::domain::id::{Namespace, StoreId};
use crate::domain::idempotency::{Fingerprint, IdempotencyKey};
use crate::domain::key::Source;
use crate::domain::log::Outcome;
use crate::domain::order::OrderStatus;
use crate::domain::record::Origin;
use crate::domain::rejection::Rejection;
use crate::domain::time::Timestamp;
use crate::domain::write::Write;

use super::key_gate::Fault;

/// The name of a store's Durable Object.
pub fn object_name(store: StoreId) -> String {
    store.to_string()
}

/// A framed command that a KeyGate or the Worker sends to a ledger, for the method `command`. The
/// reply is a frame of a [`LedgerReply`] and a body.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LedgerCommand {
    /// Carries out a command of the integration API.
    Write {
        origin: Origin,
        idempotency: Option<Idempotency>,
        write: Write,
        /// Replies as if the command had been carried out, but writes nothing.
        #[serde(default)]
        dry_run: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fault: Option<Fault>,
    },
    /// The commands of a batch. They run one after the other and independently: if one is rejected,
    /// the others still run.
    Batch {
        commands: Vec<LedgerCommand>,
    },
    /// Looks up whether the idempotency key was used before. Sent if a request's body is invalid,
    /// because idempotency takes precedence over validation.
    CheckIdempotency {
        store_id: StoreId,
        namespace: Namespace,
        idempotency: Idempotency,
    },
    /// Applies an event of a native sender.
    Apply {
        origin: Origin,
        /// The sender's topic, for the history.
        topic: String,
        /// The sender's id of this delivery, which distinguishes deliveries with equal bodies.
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
    /// `{"order": …, "history": [{"at", "request_id", "event", "delivery", "author", "changes"}]}`,
    /// oldest first. Replies of the version before have no `author` and no `changes`.
    DescribeOrder {
        store_id: StoreId,
        row: i64,
    },
    ListOrders {
        store_id: StoreId,
        filter: OrderFilter,
    },
    /// The figures for the overview page. The body is `{"orders": …, "more": …, "newest": […]}`:
    /// the number of orders created at or after `since`, counted up to 2,000; whether there are
    /// more than 2,000; and the newest five of all orders.
    Summary {
        store_id: StoreId,
        since: Timestamp,
    },
}

/// A request's idempotency key and the fingerprint of the request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Idempotency {
    pub key: IdempotencyKey,
    pub fingerprint: Fingerprint,
}

/// Selects the orders to list, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderFilter {
    pub limit: u32,
    /// Only orders before this row.
    pub before: Option<i64>,
    pub source: Option<Source>,
    pub status: Option<OrderStatus>,
    pub external_id: Option<String>,
    /// Only orders placed at or after this time.
    pub placed_from: Option<Timestamp>,
    /// Only orders placed before this time.
    pub placed_to: Option<Timestamp>,
    /// A search text that a user typed ([`OrderSearch`](crate::domain::search::OrderSearch)). An
    /// order whose id it is comes first on the first page, however old.
    #[serde(default)]
    pub search: Option<String>,
}

/// A ledger's reply. The body that follows in the frame is the JSON of the response, or empty.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LedgerReply {
    /// The command was carried out now, or had been before.
    Done {
        status: u16,
        outcome: Outcome,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        internal_id: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        external_id: Option<String>,
    },
    /// The response to the first request with the same Idempotency-Key: a 2xx body, or the problem
    /// details of a 409.
    Replay {
        status: u16,
        internal_id: Option<String>,
    },
    /// The order, payment or client that an event refers to has not arrived yet.
    ParentUnknown,
    /// The reply to each command of a batch, with its body.
    Batch {
        replies: Vec<(LedgerReply, String)>,
    },
    /// No response is stored for the Idempotency-Key.
    #[serde(rename = "unused")]
    NoStoredResponse,
    Rejected {
        rejection: Rejection,
    },
    /// The ledger could not carry out the command. `temporary`: the failure is temporary; otherwise
    /// it is an internal error.
    Failed {
        #[serde(rename = "for_now")]
        temporary: bool,
    },
}
