//! Tidegate: the inbound write half of a commerce API, at the edge. This crate is the Worker, and it
//! is thin: the rules are in `tidegate-core`, the console's pages in `tidegate-console`.
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
//! | module     | contents                                                                      |
//! |------------|-------------------------------------------------------------------------------|
//! | `http`     | events: integrations, data API, RPC, console, documentation                   |
//! | `control`  | what owners and admins can do                                                 |
//! | `objects`  | the Durable Objects (KeyGate, StoreLedger) and the calls to them              |
//! | `catalogue`| D1, one file per table                                                        |
//! | `platform` | an object's SQLite, requests and responses, clock, randomness, settings       |
//!
//! Each module uses only those below it in the table, and no object knows a page. A handler
//! parses, authorises, calls and responds. A Durable Object reads rows, asks the core, writes rows
//! and replies. An `if` about business in this crate belongs in `tidegate-core`.
//!
//! Where to start reading: `http/worker.rs` routes a request, `http/integrations.rs` hands it to
//! the KeyGate, `objects/key_gate/ingest.rs` (an order) and `objects/key_gate/deliver.rs` (a
//! webhook) process it, and `objects/store_ledger/commands.rs` stores the order.
#![cfg(target_arch = "wasm32")]

mod catalogue;
mod control;
mod error;
mod http;
mod objects;
mod platform;

use error::{Error, Result, internal};
