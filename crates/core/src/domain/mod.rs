//! The business rules of Tidegate, as pure code: no I/O, no clock, no randomness. The current time
//! and random bytes are arguments.

pub mod access;
pub mod access_jwt;
pub mod access_keys;
pub mod actor;
pub mod admission;
pub mod audit;
pub mod credential;
pub mod encoding;
pub mod event;
pub mod expiry;
pub mod explain;
pub mod failing;
pub mod headers;
pub mod id;
pub mod idempotency;
pub mod jws;
pub mod key;
pub mod ledger;
pub mod log;
pub mod money;
pub mod order;
pub mod parked;
pub mod password;
pub mod payment;
pub mod public_key;
pub mod rate_limit;
pub mod rejection;
pub mod sealing;
pub mod search;
pub mod secret;
pub mod signature;
pub mod time;
pub mod token;
pub mod transition;
pub mod write;
