//! The error of the Worker's own code.

use std::fmt;

use tidegate_core::domain::rejection::{Code, Rejection};
use worker::console_error;

/// The result of a handler or of a Durable Object's method.
pub type Result<T> = std::result::Result<T, Error>;

/// What the caller is told, and beside it the cause for the Worker's log, which the caller never
/// sees.
#[derive(Clone, Debug)]
pub struct Error {
    rejection: Box<Rejection>,
    cause: Option<String>,
}

impl Error {
    /// A failure whose cause is worth a line in the log.
    pub fn caused(rejection: Rejection, cause: impl Into<String>) -> Self {
        Self { rejection: Box::new(rejection), cause: Some(cause.into()) }
    }

    pub fn code(&self) -> Code {
        self.rejection.code
    }

    /// The rejection that answers the caller. Logs the cause, so call it only where the error is
    /// answered.
    pub fn into_rejection(self) -> Rejection {
        if let Some(cause) = self.cause {
            console_error!("{cause}");
        }
        *self.rejection
    }
}

/// The text for a log.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.cause.as_deref().unwrap_or(&self.rejection.detail))
    }
}

impl From<Rejection> for Error {
    fn from(rejection: Rejection) -> Self {
        Self { rejection: Box::new(rejection), cause: None }
    }
}

impl From<worker::Error> for Error {
    fn from(error: worker::Error) -> Self {
        internal(error.to_string())
    }
}

/// A failure on our side: the caller gets a 500 and the request id, nothing of the cause.
pub fn internal(cause: impl Into<String>) -> Error {
    let rejection = Rejection::new(
        Code::InternalError,
        "Something failed on our side. Nothing about it is wrong with your request; try again.",
    );
    Error::caused(rejection, cause)
}
