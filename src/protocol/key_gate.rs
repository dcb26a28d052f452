//! Messages to a KeyGate. One object per integration key, named by the hex of [`GateName`].

use serde::{Deserialize, Serialize};

use crate::domain::credential::{CredentialHash, GateName};
use crate::domain::failing::FailingWebhook;
use crate::domain::headers::Headers;
use crate::domain::id::{ApiKeyId, AuditId, UserId};
use crate::domain::key::{KeyChange, KeyRecord, PayloadFormat};
use crate::domain::log::{Bucket, Outcome, Tally, Window};
use crate::domain::parked::ParkReason;
use crate::domain::rejection::Rejection;
use crate::domain::time::Timestamp;
use crate::domain::write::Command;

pub use super::requests::{
    Capture, LoggedRequest, NoCapture, ParkedEvent, RequestDetail, RequestFilter,
};
pub use super::tail::TailTicket;

/// A storefront's request, its raw body following in the frame: the method `ingest`, answered with
/// a frame of status and headers, and the body for the caller.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ingest {
    /// The presented key's hash; `None` where the credential is a key id in the URL.
    pub key_hash: Option<CredentialHash>,
    /// Random; the same when the Worker repeats the call, so that it counts once.
    pub attempt: i64,
    pub operation: RequestKind,
    /// What the path names: an order or a payment, without percent-encoding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    pub method: String,
    pub path: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub query: String,
    pub headers: Headers,
    /// Fault injection; always absent outside tests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
}

/// The name of the object of a key.
pub fn object_name(gate: &GateName) -> String {
    gate.to_string()
}

/// What a storefront asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestKind {
    Whoami,
    /// A command of the integration API.
    Write {
        command: Command,
    },
    /// Up to a hundred of them.
    Batch,
    /// A native sender's webhook.
    Deliver {
        format: PayloadFormat,
    },
}

/// A fault on purpose. Only honoured where the Worker runs with `FAULT_INJECTION=on`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    PanicWorker,
    PanicKeyGate,
    PanicStoreLedger,
    /// The StoreLedger answers with an error.
    LedgerError,
    /// The StoreLedger does not answer.
    LedgerHang,
}

impl Fault {
    pub fn parse(text: &str) -> Option<Self> {
        serde_json::from_value(serde_json::Value::String(text.to_owned())).ok()
    }
}

/// Who changes a key, for the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    pub user_id: UserId,
    /// The API key that the user acted through; `None` where a workspace is being set up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key_id: Option<ApiKeyId>,
    /// The address that the request came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// What the Worker asks of a KeyGate on behalf of the console and the RPCs: the method `command`,
/// answered with a framed [`GateResult`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GateCommand {
    /// Holds a key that was just minted.
    Install {
        record: Box<KeyRecord>,
    },
    /// Changes a key here first; D1 and the audit log follow, at least once.
    Change {
        change: KeyChange,
        actor: Actor,
        audit_id: AuditId,
    },
    /// Seals its secrets under the newest sealing key.
    Reseal {
        actor: Actor,
        audit_id: AuditId,
    },
    Stats,
    /// What the list of keys shows of one.
    Usage,
    /// The requests of a window, bucket by bucket.
    Series {
        window: Window,
    },
    ListRequests {
        filter: RequestFilter,
    },
    /// One request of the log with what was kept of it.
    GetRequest {
        row: i64,
    },
    ListParked {
        limit: u32,
        before: Option<i64>,
        /// Only those that await details, or only the others. Such a page stops after 2,000 rows.
        #[serde(default, rename = "kept")]
        awaiting_details: Option<bool>,
    },
    RetryParked {
        row: i64,
    },
    DiscardParked {
        row: i64,
        actor: Actor,
        audit_id: AuditId,
    },
    /// Closes the live tails of a session and of a user: of either where only one is named, all
    /// where neither is.
    CloseTails {
        session: Option<String>,
        user_id: Option<UserId>,
    },
}

/// A KeyGate's answer to a [`GateCommand`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GateReply {
    Installed,
    Changed {
        record: Box<KeyRecord>,
        /// Requests that were admitted before and have not finished.
        in_flight: u32,
        /// Whether it was not so already.
        changed: bool,
    },
    Stats {
        h24: Tally,
        d7: Tally,
        d30: Tally,
        last_used_at: Option<Timestamp>,
    },
    Usage {
        /// The last 24 hours, exact to the minute, as in `Stats`.
        h24: Tally,
        /// The 24 hours up to the running one, oldest first.
        hours: Vec<Tally>,
        last_used_at: Option<Timestamp>,
        /// Counted up to 1,000, the newest, which stand for that many or more.
        parked: u32,
        /// Those of them that await details.
        #[serde(default, rename = "kept")]
        awaiting_details: u32,
        /// For a key of WooCommerce whose last 24 hours have errors: its topics that fail.
        failing: Vec<FailingWebhook>,
    },
    Series {
        /// Oldest first, with the empty ones, up to the running one.
        buckets: Vec<Bucket>,
        /// The whole window, as in `Stats`: it reaches back up to one bucket further than `buckets`.
        total: Tally,
    },
    Requests {
        requests: Vec<LoggedRequest>,
        /// The row to go on before. A page under a filter stops after 2,000 rows, full or not: then
        /// this is the row that it searched back to, and `SequenceId::time` of it says when that was.
        next: Option<i64>,
    },
    Request {
        detail: Box<RequestDetail>,
    },
    Parked {
        events: Vec<ParkedEvent>,
        next: Option<i64>,
    },
    TailsClosed {
        closed: u32,
    },
    /// What came of one parked event.
    Settled {
        outcome: Option<Outcome>,
        reason: Option<ParkReason>,
    },
}

/// The answer on the wire.
pub type GateResult = Result<GateReply, Rejection>;
