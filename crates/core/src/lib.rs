//! The rules of Tidegate, without a platform: no I/O, no clock, no randomness. `now` and random
//! bytes are arguments, so everything here is tested natively.
//!
//! | module       | contents                                                                  | uses              |
//! |--------------|---------------------------------------------------------------------------|-------------------|
//! | `domain`     | the rules: credentials, admission, rate limit, idempotency, money, orders | nothing           |
//! | `storefront` | one module per sender: converts its payloads to domain types              | `domain`          |
//! | `protocol`   | the versioned messages between the Worker and its objects                 | `domain`          |
//! | `api`        | the HTTP APIs: routes, inputs, outputs, problem details                   | all of the others |
pub mod api;
pub mod domain;
pub mod protocol;
pub mod storefront;
