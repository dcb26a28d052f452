//! Messages to a KeyGate. There is one object per integration key, named by the hex of its
//! [`GateName`].

use serde::{Deserialize, Serialize};

use crate::domain::actor::Actor;
use crate::domain::credential::{CredentialHash, GateName};
use crate::domain::failing::FailingWebhook;
use crate::domain::headers::Headers;
use crate::domain::id::AuditId;
use crate::domain::key::{KeyChange, KeyRecord, PayloadFormat};
use crate::domain::log::{Bucket, Outcome, Tally, Window};
use crate::domain::parked::ParkReason;
use crate::domain::rejection::Rejection;
use crate::domain::time::Timestamp;
use crate::domain::write::Command;

use super::frame::{self, Malformed};
use super::{OLDEST, Unreadable};

pub use super::requests::{
    Capture, LoggedRequest, NoCapture, ParkedEvent, RequestDetail, RequestFilter,
};
pub use super::tail::TailTicket;

/// A storefront's request, for the method `ingest`. The request's raw body follows in the frame.
/// The reply is a frame of status and headers, with the response body.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ingest {
    /// The hash of the presented key; `None` if the credential is a key id in the URL.
    pub key_hash: Option<CredentialHash>,
    /// A random number per request. The Worker repeats a call with the same number, so that the
    /// request counts once.
    pub attempt: i64,
    #[serde(rename = "operation")]
    pub kind: RequestKind,
    /// The order or payment in the path, percent-decoded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    pub method: String,
    pub path: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub query: String,
    pub headers: Headers,
    /// The fault to inject; always absent outside tests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
}

/// The name of a key's Durable Object.
pub fn object_name(gate: &GateName) -> String {
    gate.to_string()
}

/// The kinds of request that a storefront can send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestKind {
    Whoami,
    /// A command of the integration API.
    Write {
        command: Command,
    },
    /// Up to a hundred commands of the integration API.
    Batch,
    /// A native sender's webhook.
    Deliver {
        format: PayloadFormat,
    },
}

/// A fault to inject, for tests. Ignored unless the Worker runs with `FAULT_INJECTION=on`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    PanicWorker,
    PanicKeyGate,
    PanicStoreLedger,
    /// The Worker's instance of the wasm module traps, with all that is in its memory.
    TrapWorker,
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

/// A command that the Worker sends to a KeyGate for the console and the RPCs, for the method
/// `command`. The reply is a framed [`GateResult`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GateCommand {
    /// Stores a key that was just minted.
    Install {
        record: Box<KeyRecord>,
    },
    /// Changes a key in the KeyGate first, then, at least once, in D1 and the audit log.
    Change {
        change: KeyChange,
        actor: Actor,
        audit_id: AuditId,
    },
    /// Re-seals the key's secrets under the newest sealing key.
    Reseal {
        actor: Actor,
        audit_id: AuditId,
    },
    Stats,
    /// The figures that the list of keys shows for one key.
    Usage,
    /// The number of requests in a window, by bucket.
    Series {
        window: Window,
    },
    ListRequests {
        filter: RequestFilter,
    },
    /// One request of the log with its capture.
    GetRequest {
        row: i64,
    },
    ListParked {
        limit: u32,
        before: Option<i64>,
        /// `Some(true)`: only events that await details; `Some(false)`: only the others. With this
        /// filter, a page ends after 2,000 rows were searched.
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
    /// Closes the live tails with this session; `None` matches any.
    CloseTails {
        session: Option<String>,
    },
}

/// A KeyGate's reply to a [`GateCommand`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GateReply {
    Installed,
    Changed {
        record: Box<KeyRecord>,
        /// The number of requests that were admitted before the change and have not finished.
        in_flight: u32,
        /// False if the key already was as the command asks.
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
        /// The last 24 hours by the clock, including the current one, oldest first.
        hours: Vec<Tally>,
        last_used_at: Option<Timestamp>,
        /// The number of parked events: those that await details and those that do not, each
        /// counted up to 1,000, which stands for 1,000 or more.
        parked: u32,
        /// How many of them await details.
        #[serde(default, rename = "kept")]
        awaiting_details: u32,
        /// The failing topics of a WooCommerce key that had errors in the last 24 hours.
        failing: Vec<FailingWebhook>,
    },
    Series {
        /// Oldest first, including empty ones, up to the current one.
        buckets: Vec<Bucket>,
        /// The whole window, as in `Stats`: it starts up to one bucket earlier than `buckets`.
        total: Tally,
    },
    Requests {
        requests: Vec<LoggedRequest>,
        /// The `before` of the next page. With a filter, a page ends after 2,000 rows were
        /// searched, even if it is not full. Then this is the last row searched; its
        /// `SequenceId::time` tells how far back that was.
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
    /// The result for one parked event that was retried or discarded.
    Settled {
        outcome: Option<Outcome>,
        reason: Option<ParkReason>,
    },
}

/// The reply to a [`GateCommand`], as it is sent.
pub type GateResult = Result<GateReply, Rejection>;

/// Makes the frame of a reply to a sender that reads versions up to `reads`. Code from before replies
/// had a version says nothing about what it reads, and gets the bare [`GateResult`] that it knows.
pub fn encode_reply(result: &GateResult, reads: u16) -> Result<Vec<u8>, Malformed> {
    if reads < OLDEST {
        return frame::encode(result, &[]);
    }
    super::encode_reply(result, &[])
}

/// Reads the frame of a reply. An object that still runs code from before replies had a version
/// sends a bare [`GateResult`].
pub fn decode_reply(frame: &[u8]) -> Result<GateResult, Unreadable> {
    match super::decode_reply(frame) {
        Ok((result, _)) => Ok(result),
        Err(Unreadable::Malformed) => Ok(frame::decode(frame)?.0),
        Err(error) => Err(error),
    }
}
