//! What the Worker and the Durable Objects say to each other: typed commands and replies, and the
//! objects' names.
//!
//! After a deploy, running objects keep the old code for minutes. Every message carries
//! [`VERSION`]; both sides accept the version before theirs. A new field has a default; what
//! cannot have one is a new version.
//!
//! ```text
//! storefront ─▶ Worker ─Ingest+body─▶ KeyGate ─LedgerCommand─▶ StoreLedger
//!                 ◀────the answer────    ◀──LedgerReply+body──
//! console/RPC ─▶ Worker ─GateCommand─▶ KeyGate ─(status, audit)─▶ D1
//! ```

pub mod frame;
pub mod key_gate;
pub mod requests;
pub mod store_ledger;
pub mod tail;

use serde::{Deserialize, Serialize};

/// The version of the messages that this code writes.
pub const VERSION: u16 = 2;
/// The oldest version that it still reads. (Version 1 was never deployed.)
pub const OLDEST: u16 = 2;

/// A message and the version it was written in.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Versioned<T> {
    pub v: u16,
    pub message: T,
}

impl<T> Versioned<T> {
    pub const fn new(message: T) -> Self {
        Self { v: VERSION, message }
    }

    /// The message, if this code can read its version.
    pub fn open(self) -> Option<T> {
        (OLDEST..=VERSION).contains(&self.v).then_some(self.message)
    }
}
