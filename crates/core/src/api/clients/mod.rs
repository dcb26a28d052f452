//! Clients in responses.

pub mod output;
#[cfg(test)]
pub mod schema;
