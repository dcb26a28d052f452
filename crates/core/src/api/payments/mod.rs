//! Payments and refunds in responses.

pub mod output;
