//! The HTTP APIs: what comes in, what goes out, and where.

pub mod console_routes;
pub mod fields;
#[cfg(test)]
mod openapi;
pub mod order_input;
pub mod order_output;
pub mod order_query;
pub mod problem;
#[cfg(test)]
mod recording;
pub mod routes;
pub mod rpc;
pub mod rpc_requests;
pub mod rpc_team;
