//! The rules of Tidegate. Pure: no I/O, no clock, no randomness; `now` and bytes are arguments.

pub mod access;
pub mod admission;
pub mod credential;
pub mod encoding;
pub mod event;
pub mod explain;
pub mod failing;
pub mod id;
pub mod idempotency;
pub mod key;
pub mod ledger;
pub mod log;
pub mod money;
pub mod order;
pub mod parked;
pub mod password;
pub mod rate_limit;
pub mod rejection;
pub mod sealing;
pub mod search;
pub mod secret;
pub mod signature;
pub mod time;
