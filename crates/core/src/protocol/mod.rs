//! The messages between the Worker and the Durable Objects: typed commands and replies, and the
//! objects' names.
//!
//! After a deploy, running objects still run the old code for minutes, and old Workers call new
//! objects. So every message carries [`VERSION`], and both sides accept the previous version too. A
//! new field needs a default; if it cannot have one, the version must be incremented. A command also
//! says which version of a reply its sender reads, and an object never replies in a newer one. (A
//! KeyGate's replies had no version before commands said so: [`key_gate::encode_reply`].)
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
#[cfg(test)]
mod versions;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use frame::Malformed;

/// The version that this code writes.
pub const VERSION: u16 = 2;
/// The oldest version that this code reads. (Version 1 was never deployed.)
pub const OLDEST: u16 = 2;

/// A message with its version.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Versioned<T> {
    pub v: u16,
    /// In a command: the newest version of a reply that its sender reads. 0 in the commands of older
    /// code, and in all that is no command.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub reads: u16,
    pub message: T,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(version: &u16) -> bool {
    *version == 0
}

impl<T> Versioned<T> {
    pub const fn new(message: T) -> Self {
        Self { v: VERSION, reads: 0, message }
    }

    pub const fn command(message: T) -> Self {
        Self { v: VERSION, reads: VERSION, message }
    }

    /// The message, if this code can read its version.
    pub fn open(self) -> Option<T> {
        (OLDEST..=VERSION).contains(&self.v).then_some(self.message)
    }
}

/// A command that an object received.
#[derive(Clone, Debug)]
pub struct Received<'a, T> {
    pub command: T,
    /// The bytes that follow the command in its frame.
    pub body: &'a [u8],
    /// The newest version of a reply that the sender reads.
    pub reads: u16,
}

/// Why a frame could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    Malformed,
    /// The message is older or newer than this code reads.
    OtherVersion,
}

impl From<Malformed> for Unreadable {
    fn from(Malformed: Malformed) -> Self {
        Self::Malformed
    }
}

/// Makes the frame of a command.
pub fn encode_command(command: &impl Serialize, body: &[u8]) -> Result<Vec<u8>, Malformed> {
    frame::encode(&Versioned::command(command), body)
}

/// Reads the frame of a command.
pub fn decode_command<T: DeserializeOwned>(frame: &[u8]) -> Result<Received<'_, T>, Unreadable> {
    let (message, body) = frame::decode::<Versioned<T>>(frame)?;
    let reads = message.reads;
    let command = message.open().ok_or(Unreadable::OtherVersion)?;
    Ok(Received { command, body, reads })
}

/// Makes the frame of a reply.
pub fn encode_reply(reply: &impl Serialize, body: &[u8]) -> Result<Vec<u8>, Malformed> {
    frame::encode(&Versioned::new(reply), body)
}

/// Reads the frame of a reply: the reply, and the bytes that follow it.
pub fn decode_reply<T: DeserializeOwned>(frame: &[u8]) -> Result<(T, &[u8]), Unreadable> {
    let (message, body) = frame::decode::<Versioned<T>>(frame)?;
    Ok((message.open().ok_or(Unreadable::OtherVersion)?, body))
}
