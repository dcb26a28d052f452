//! The HTTP APIs: routes, request bodies and queries, response bodies.

pub mod batch;
pub mod client_output;
pub mod docs;
pub mod fields;
pub mod flat;
#[cfg(test)]
mod openapi;
pub mod order_input;
pub mod order_output;
pub mod order_query;
pub mod payment_output;
pub mod problem;
#[cfg(test)]
mod recording;
pub mod routes;
pub mod rpc;
pub mod rpc_requests;
pub mod rpc_team;
pub mod write_input;
