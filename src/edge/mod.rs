//! The code that touches the Workers platform: events, bindings, storage. It is thin: a handler
//! parses, authorises, calls and responds; a Durable Object reads rows, calls the domain, writes
//! rows and replies.
//!
//! ```text
//! worker.rs        fetch events: host, route, handler
//! integrations.rs  storefronts: credential, size, one hop to the KeyGate
//! orders.rs        GET /v1/orders
//! rpc/             POST /rpc/core.rpc_*
//! console/         the console's pages
//! docs.rs          the documentation
//! operations/      what owners and admins can do, for the console and the RPCs
//! incoming.rs      a request's URL, headers and body
//! access.rs        single sign-on: verifies the assertion of Cloudflare Access
//! web_crypto.rs    signatures with public keys, verified by WebCrypto
//! caller.rs        the user behind an API key or session, and what their role allows
//! catalogue/       D1, one file per table
//! key_gate/        the Durable Object of a key
//! store_ledger/    the Durable Object of a store
//! objects.rs       calls to objects: timeout, one retry
//! sql.rs           an object's SQLite, with transactions
//! answer.rs        responses
//! platform.rs      the clock, randomness, settings
//! ```

mod access;
mod answer;
mod caller;
mod catalogue;
mod console;
mod docs;
mod incoming;
mod integrations;
mod key_gate;
mod objects;
mod operations;
mod orders;
mod platform;
mod rpc;
mod sql;
mod store_ledger;
mod web_crypto;
mod worker;

use crate::domain::rejection::{Code, Rejection};

/// The result of a handler or a Durable Object: a value, or the rejection that the caller gets.
type Result<T> = std::result::Result<T, Rejection>;

/// An error of the platform becomes a 500; its text goes to the log only.
impl From<::worker::Error> for Rejection {
    fn from(error: ::worker::Error) -> Self {
        internal(&error.to_string())
    }
}

/// A 500 for a failure on our side. `cause` goes to the Worker's log; the caller sees only the
/// request id.
fn internal(cause: &str) -> Rejection {
    ::worker::console_error!("{cause}");
    Rejection::new(
        Code::InternalError,
        "Something failed on our side. Nothing about it is wrong with your request; try again.",
    )
}
