//! Tidegate: the inbound write half of a commerce API, at the edge.
pub mod api;
pub mod domain;
pub mod protocol;
pub mod storefront;
