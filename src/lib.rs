//! Tidegate: the inbound write half of a commerce API, at the edge. This is the map of the crate.
//!
//! ```text
//! storefront ──POST──▶ Worker ──────────1 hop──▶ KeyGate ─────────1 hop──▶ StoreLedger
//!                      form and tag of the       one per key:              one per store:
//!                      credential, size          authenticate, limit,      idempotency, external id
//!                                                signature, parse, log     and order in one transaction
//! scripts ─────RPC───▶ Worker ──▶ D1: who may write (workspaces, stores, users, hashes of keys, audit)
//! browsers ──pages───▶ Worker ──▶ D1, KeyGates and StoreLedgers; live from a KeyGate by WebSocket
//! ```
//!
//! | module       | what is in it                                                             | pure |
//! |--------------|---------------------------------------------------------------------------|------|
//! | `domain`     | the rules: credentials, admission, rate limit, idempotency, money, orders | yes  |
//! | `storefront` | one module per sender: its payloads, and what they mean                   | yes  |
//! | `protocol`   | the versioned messages between the Worker and its objects                 | yes  |
//! | `api`        | the HTTP surface: routes, inputs, outputs, problem details                | yes  |
//! | `console`    | the console's pages: view models in, markup out                           | yes  |
//! | `edge`       | everything that touches the platform; compiled for wasm32 only            | no   |
//!
//! Pure means: no I/O, no clock, no randomness. `now` and random bytes are arguments, so all of it
//! is tested natively. `domain` knows none of the others; `storefront` and `protocol` know only
//! `domain`; `edge` knows them all and decides nothing about business.
//!
//! Where to begin: `edge/worker.rs` routes a request, `edge/integrations.rs` hands it to the
//! KeyGate, `edge/key_gate/ingest.rs` (an order) and `edge/key_gate/deliver.rs` (a webhook) follow
//! it to its end, and `edge/store_ledger/orders.rs` keeps it. The order of the checks is
//! [`domain::admission`]; every way to be turned down is in [`domain::rejection`].
pub mod api;
pub mod console;
pub mod domain;
#[cfg(target_arch = "wasm32")]
pub mod edge;
pub mod protocol;
pub mod storefront;
