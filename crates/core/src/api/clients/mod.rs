//! Clients in responses.

pub mod output;
