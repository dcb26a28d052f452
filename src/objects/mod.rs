//! The Durable Objects, and the calls to them.
//!
//! ```text
//! client.rs      calls to objects: deadline, one retry
//! key_gate/      the object of an integration key
//! store_ledger/  the object of a store
//! ```

pub mod client;
mod key_gate;
mod store_ledger;
