//! Everything that the runtime provides and the core takes as an argument.
//!
//! ```text
//! access.rs      single sign-on: the assertion of Cloudflare Access
//! answer.rs      responses
//! clock.rs       the time
//! incoming.rs    a request's URL, headers and body
//! random.rs      random bytes
//! settings.rs    the settings and secrets of a deployment
//! sql.rs         an object's SQLite, with transactions
//! web_crypto.rs  signatures under public keys
//! ```

pub mod access;
pub mod answer;
mod clock;
pub mod incoming;
mod random;
mod settings;
pub mod sql;
pub mod web_crypto;

pub use clock::now;
pub use random::{random, random_token, unlogged_request_id};
pub use settings::{Settings, settings};
