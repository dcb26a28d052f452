//! The HTTP APIs: routes, request bodies and queries, response bodies. A folder for each resource.

pub mod batch;
pub mod clients;
pub mod docs;
pub mod fields;
pub mod flat;
#[cfg(test)]
mod openapi;
pub mod orders;
pub mod output;
pub mod payments;
pub mod problem;
pub mod procedures;
#[cfg(test)]
mod recording;
pub mod routes;
pub mod write_input;
