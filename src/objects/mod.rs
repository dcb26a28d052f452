//! The Durable Objects, and the calls to them.
//!
//! ```text
//! call.rs        the messages to objects, with the types of their replies
//! client.rs      sends them: deadline, one retry
//! object_call.rs what a message is, and why it may have no reply
//! migrations.rs  numbered migrations of an object's SQLite
//! key_gate/      the object of an integration key
//! store_ledger/  the object of a store
//! ```

pub mod call;
pub mod client;
mod key_gate;
mod migrations;
pub mod object_call;
mod store_ledger;
