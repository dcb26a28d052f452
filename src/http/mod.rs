//! The Worker's events, one module for each kind of caller.
//!
//! ```text
//! worker.rs        fetch and scheduled events: host, route, handler
//! integrations.rs  storefronts: credential, size, one hop to the KeyGate
//! orders.rs        GET /v1/orders
//! rpc/             POST /rpc/core.rpc_*
//! console/         the console's pages
//! docs.rs          the documentation
//! ```

mod console;
mod docs;
mod integrations;
mod orders;
mod rpc;
mod worker;
