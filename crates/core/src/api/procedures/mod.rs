//! `POST /rpc/core.rpc_*`: the procedures.

pub mod keys;
pub mod requests;
pub mod team;
