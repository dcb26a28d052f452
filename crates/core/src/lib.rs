//! The rules of Tidegate, without a platform: no I/O, no clock, no randomness. `now` and random
//! bytes are arguments, so everything here is tested natively.
//!
//! | module       | contents                                                                  | uses              |
//! |--------------|---------------------------------------------------------------------------|-------------------|
//! | `domain`     | the rules: credentials, admission, rate limit, idempotency, money, orders | nothing           |
//! | `storefront` | one module per sender: converts its payloads to domain types              | `domain`          |
//! | `protocol`   | the versioned messages between the Worker and its objects                 | `domain`          |
//! | `api`        | the HTTP APIs: routes, inputs, outputs, problem details                   | the three above   |
//! | `delivery`   | what becomes of an authentic delivery                                     | all but `api`     |
//! | `ledger`     | what a command or a native event does to a store's records                | `domain`, `api`   |
pub mod api;
pub mod delivery;
pub mod domain;
pub mod ledger;
pub mod protocol;
pub mod storefront;
