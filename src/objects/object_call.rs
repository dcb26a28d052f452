//! What a message to a Durable Object is, and why a call may have no reply.

use crate::{Error, internal};
use tidegate_core::domain::rejection::Rejection;
use tidegate_core::protocol::Unreadable;
use tidegate_core::protocol::frame::Malformed;

/// The method of an object to call.
#[derive(Clone, Copy, Debug)]
pub enum Method {
    Ingest,
    Command,
}

/// A message to an object. [`call`](super::call::call) sends it from the Worker,
/// [`ObjectClient::call`](super::client::ObjectClient::call) from another object; both may repeat
/// it once.
pub trait ObjectCall {
    /// What the object's name is made of.
    type Object;
    type Reply;

    /// The binding of the object's namespace.
    const BINDING: &'static str;
    const METHOD: Method = Method::Command;
    /// Milliseconds that the object may take, if the caller does not say otherwise.
    const DEADLINE_MS: u32;

    fn object_name(object: &Self::Object) -> String;
    fn frame(&self) -> Result<Vec<u8>, Malformed>;
    /// Reads the frame of a reply, of this version or the one before.
    fn read_reply(frame: Vec<u8>) -> Result<Self::Reply, CallError>;
}

/// Why a call has no reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallError {
    /// The object did not reply in time, or cannot carry anything out for now. If it is
    /// `overloaded`, the call must not be repeated soon.
    Unavailable { overloaded: bool },
    /// The object failed, or its reply cannot be read.
    Failed(String),
}

impl CallError {
    pub const fn is_overloaded(&self) -> bool {
        matches!(self, Self::Unavailable { overloaded: true })
    }

    /// The error for the caller's own caller: `unavailable` if trying again may help.
    pub fn or(self, unavailable: Rejection) -> Error {
        match self {
            Self::Unavailable { .. } => unavailable.into(),
            Self::Failed(cause) => internal(cause),
        }
    }
}

impl From<Unreadable> for CallError {
    fn from(error: Unreadable) -> Self {
        Self::Failed(match error {
            Unreadable::Malformed => "a malformed reply".to_owned(),
            Unreadable::OtherVersion => "a reply of an unknown version".to_owned(),
        })
    }
}
