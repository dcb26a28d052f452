//! Responses.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use serde::Serialize;
use worker::js_sys::JSON;
use worker::wasm_bindgen::JsCast;
use worker::worker_sys::web_sys::{ReadableStream, Response, ResponseInit};

use super::{Result, internal};
use crate::api::problem;
use crate::domain::id::RequestId;
use crate::domain::rejection::Rejection;
use crate::protocol::frame;

/// Nothing inline, nothing from elsewhere, in nobody's frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// What keeps other sites out of a page.
const SECURITY: [(&str, &str); 7] = [
    ("Content-Security-Policy", POLICY),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()"),
    ("Strict-Transport-Security", "max-age=63072000; includeSubDomains"),
];

/// An answer on its way out.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub content_type: &'static str,
    pub body: String,
    pub headers: Vec<(&'static str, String)>,
}

impl Answer {
    pub const fn json(status: u16, body: String) -> Self {
        Self { status, content_type: "application/json", body, headers: Vec::new() }
    }

    pub fn serialized(status: u16, body: &impl Serialize) -> Result<Self> {
        let body = serde_json::to_string(body).map_err(|error| internal(&error.to_string()))?;
        Ok(Self::json(status, body))
    }

    pub fn problem(rejection: &Rejection, request_id: &RequestId) -> Self {
        let mut headers = Vec::new();
        if let Some(seconds) = rejection.retry_after {
            headers.push(("Retry-After", seconds.to_string()));
        }
        if rejection.code.status() == 401 {
            headers.push(("WWW-Authenticate", "Bearer".to_owned()));
        }
        Self {
            status: rejection.code.status(),
            content_type: problem::CONTENT_TYPE,
            body: problem::body(rejection, &request_id.to_string()),
            headers,
        }
    }

    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The same with the headers of every page.
    #[must_use]
    pub fn with_security(self) -> Self {
        SECURITY
            .into_iter()
            .fold(self, |answer, (name, value)| answer.with_header(name, value.to_owned()))
    }

    /// Status and headers as `ResponseInit` takes them, with the headers that every answer has; one
    /// of its own stands in for the common one.
    fn init(&self, request_id: &RequestId) -> String {
        #[derive(Serialize)]
        struct Init<'a> {
            status: u16,
            headers: Vec<(&'a str, &'a str)>,
        }
        let request_id = request_id.to_string();
        let fixed = [
            ("Content-Type", self.content_type),
            ("X-Request-Id", &request_id),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
        ];
        let own = self.headers.iter().map(|(name, value)| (*name, value.as_str()));
        let common =
            fixed.into_iter().filter(|(name, _)| self.headers.iter().all(|(own, _)| own != name));
        let init = Init { status: self.status, headers: common.chain(own).collect() };
        // Serialising strings and a number cannot fail.
        serde_json::to_string(&init).unwrap_or_default()
    }

    pub fn into_response(self, request_id: &RequestId) -> worker::Result<Response> {
        response(&self.init(request_id), &self.body)
    }

    /// The answer with a body that comes bit by bit, or without any.
    pub fn into_stream(
        self,
        request_id: &RequestId,
        stream: Option<&ReadableStream>,
    ) -> worker::Result<Response> {
        let init: ResponseInit = JSON::parse(&self.init(request_id))?.unchecked_into();
        Ok(Response::new_with_opt_readable_stream_and_init(stream, &init)?)
    }

    /// The answer as a KeyGate hands it to the Worker: a frame of `ResponseInit` and body.
    pub fn into_frame(self, request_id: &RequestId) -> Vec<u8> {
        frame::join(self.init(request_id).as_bytes(), self.body.as_bytes())
    }
}

/// The response that a KeyGate has framed.
pub fn framed_response(frame: &[u8]) -> Result<Response> {
    let malformed = || internal("a malformed answer");
    let (init, body) = frame::split(frame).map_err(|frame::Malformed| malformed())?;
    let init = std::str::from_utf8(init).map_err(|_| malformed())?;
    let body = std::str::from_utf8(body).map_err(|_| malformed())?;
    Ok(response(init, body)?)
}

/// Status and headers cross to JavaScript as one JSON text: a call for each would cost more than
/// the rest of the answer.
fn response(init: &str, body: &str) -> worker::Result<Response> {
    let init: ResponseInit = JSON::parse(init)?.unchecked_into();
    Ok(Response::new_with_opt_str_and_init(Some(body), &init)?)
}

/// Runs the handling of one event so that a panic in it is answered 500 to its own request and
/// touches nothing else (the Worker is built with unwinding panics).
pub async fn contained(
    work: impl Future<Output = worker::Result<Response>>,
) -> worker::Result<Response> {
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(Ok(response)) => Ok(response),
        Ok(Err(error)) => failed(&error.to_string()),
        Err(_) => failed("a panic"),
    }
}

fn failed(cause: &str) -> worker::Result<Response> {
    let request_id = super::platform::unlogged_request_id();
    Answer::problem(&internal(&format!("{request_id}: {cause}")), &request_id)
        .into_response(&request_id)
}
