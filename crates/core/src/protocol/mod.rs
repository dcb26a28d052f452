//! The messages between the Worker and the Durable Objects: typed commands and replies, and the
//! objects' names.
//!
//! After a deploy, running objects still run the old code for minutes. So every message carries
//! [`VERSION`], and both sides accept the previous version too. A new field needs a default; if it
//! cannot have one, the version must be incremented.
//!
//! ```text
//! storefront ─▶ Worker ─Ingest+body─▶ KeyGate ─LedgerCommand─▶ StoreLedger
//!                 ◀───the response───    ◀──LedgerReply+body──
//! console/RPC ─▶ Worker ─GateCommand─▶ KeyGate ─(status, audit)─▶ D1
//! ```

pub mod frame;
pub mod key_gate;
pub mod requests;
pub mod store_ledger;
pub mod tail;

use serde::{Deserialize, Serialize};

/// The version that this code writes.
pub const VERSION: u16 = 2;
/// The oldest version that this code reads. (Version 1 was never deployed.)
pub const OLDEST: u16 = 2;

/// A message with its version.
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
