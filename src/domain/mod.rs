//! The rules of Tidegate. Pure: no I/O, no clock, no randomness; `now` and bytes are arguments.

pub mod event;
pub mod money;
pub mod order;
pub mod time;
