//! Tidegate: the inbound write half of a commerce API, at the edge.
pub mod api;
pub mod domain;
#[cfg(target_arch = "wasm32")]
pub mod edge;
pub mod protocol;
pub mod storefront;
