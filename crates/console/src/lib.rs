//! The console's pages: functions from view models to markup. No I/O, no clock; tested natively.
pub mod assets;
pub mod components;
pub mod export;
pub mod forms;
pub mod icons;
pub mod layout;
pub mod links;
pub mod pages;
pub mod routes;
