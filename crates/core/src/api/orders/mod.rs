//! Orders: their bodies, their listing, and their JSON in responses.

pub mod input;
pub mod output;
pub mod query;
pub mod replies;
#[cfg(test)]
pub mod schema;
