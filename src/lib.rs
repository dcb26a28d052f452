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
//! | module       | contents                                                                  | pure |
//! |--------------|---------------------------------------------------------------------------|------|
//! | `domain`     | the rules: credentials, admission, rate limit, idempotency, money, orders | yes  |
//! | `storefront` | one module per sender: converts its payloads to domain types              | yes  |
//! | `protocol`   | the versioned messages between the Worker and its objects                 | yes  |
//! | `api`        | the HTTP surface: routes, inputs, outputs, problem details                | yes  |
//! | `console`    | the console's pages: view models in, markup out                           | yes  |
//! | `edge`       | everything that touches the platform; compiled for wasm32 only            | no   |
//!
//! Pure means: no I/O, no clock, no randomness. `now` and random bytes are arguments, so all of it
//! is tested natively. `domain` depends on none of the others; `storefront` and `protocol` depend
//! only on `domain`; `edge` depends on all of them and contains no business rules.
//!
//! Where to start reading: `edge/worker.rs` routes a request, `edge/integrations.rs` hands it to
//! the KeyGate, `edge/key_gate/ingest.rs` (an order) and `edge/key_gate/deliver.rs` (a webhook)
//! process it, and `edge/store_ledger/orders.rs` stores the order. [`domain::admission`] defines
//! the order of the checks; [`domain::rejection`] lists every reason to reject a request.
pub mod api;
pub mod console;
pub mod domain;
#[cfg(target_arch = "wasm32")]
pub mod edge;
pub mod protocol;
pub mod storefront;
