//! Everything that touches the platform, and nothing else: events, bindings, storage. Thin: a
//! handler parses, authorises, calls and answers; a Durable Object reads rows, asks the domain,
//! writes rows and replies.
//!
//! ```text
//! worker.rs        fetch events: host, route, handler
//! integrations.rs  storefronts: credential, size, one hop to the KeyGate
//! orders.rs        GET /v1/orders
//! rpc/             POST /rpc/core.rpc_*
//! console/         the console's pages
//! docs.rs          the documentation
//! operations/      what owners and admins can do, for both
//! incoming.rs      a request's URL, headers and body
//! access.rs        single sign-on: the assertion of Cloudflare Access
//! caller.rs        who presents an API key, and what their role allows
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

/// What handlers and objects return: an answer, or why there is none.
type Result<T> = std::result::Result<T, Rejection>;

/// A fault of the platform: logged here, told to nobody.
impl From<::worker::Error> for Rejection {
    fn from(error: ::worker::Error) -> Self {
        internal(&error.to_string())
    }
}

/// Our own fault: `cause` goes to the Worker's log, the caller learns only the request id.
fn internal(cause: &str) -> Rejection {
    ::worker::console_error!("{cause}");
    Rejection::new(
        Code::InternalError,
        "Something failed on our side. Nothing about it is wrong with your request; try again.",
    )
}
