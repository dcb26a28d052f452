//! Responses.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use serde::Serialize;
use worker::js_sys::JSON;
use worker::wasm_bindgen::JsCast;
use worker::worker_sys::web_sys::{ReadableStream, Response, ResponseInit};

use crate::{Result, internal};
use tidegate_core::api::problem;
use tidegate_core::domain::id::RequestId;
use tidegate_core::domain::rejection::Rejection;
use tidegate_core::protocol::frame;

/// The content security policy: no inline code, nothing from other origins, no framing.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// The headers that protect a page from other sites.
const SECURITY_HEADERS: [(&str, &str); 7] = [
    ("Content-Security-Policy", CONTENT_SECURITY_POLICY),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()"),
    ("Strict-Transport-Security", "max-age=63072000; includeSubDomains"),
];

/// A response before it becomes a `Response` of the platform or a frame.
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
        let body = serde_json::to_string(body).map_err(|error| internal(error.to_string()))?;
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

    /// Adds the security headers that every page has.
    #[must_use]
    pub fn with_security(self) -> Self {
        SECURITY_HEADERS
            .into_iter()
            .fold(self, |answer, (name, value)| answer.with_header(name, value.to_owned()))
    }

    /// Status and headers as the JSON of a `ResponseInit`, with the headers that every response
    /// has. A header set on this response replaces the common one of the same name.
    fn init(&self, request_id: &RequestId) -> String {
        #[derive(Serialize)]
        struct Init<'a> {
            status: u16,
            headers: Vec<(&'a str, &'a str)>,
        }
        let request_id = request_id.to_string();
        let defaults = [
            ("Content-Type", self.content_type),
            ("X-Request-Id", &request_id),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
        ];
        let own_headers = self.headers.iter().map(|(name, value)| (*name, value.as_str()));
        let common = defaults
            .into_iter()
            .filter(|(name, _)| self.headers.iter().all(|(own, _)| own != name));
        let init = Init { status: self.status, headers: common.chain(own_headers).collect() };
        // Serialising strings and a number cannot fail.
        serde_json::to_string(&init).unwrap_or_default()
    }

    pub fn into_response(self, request_id: &RequestId) -> worker::Result<Response> {
        response(&self.init(request_id), &self.body)
    }

    /// The response with a streamed body, or with none.
    pub fn into_stream(
        self,
        request_id: &RequestId,
        stream: Option<&ReadableStream>,
    ) -> worker::Result<Response> {
        let init: ResponseInit = JSON::parse(&self.init(request_id))?.unchecked_into();
        Ok(Response::new_with_opt_readable_stream_and_init(stream, &init)?)
    }

    /// The response as a KeyGate returns it to the Worker: a frame of `ResponseInit` and body.
    pub fn into_frame(self, request_id: &RequestId) -> Vec<u8> {
        frame::join(self.init(request_id).as_bytes(), self.body.as_bytes())
    }
}

/// Decodes a response that a KeyGate has encoded with [`Answer::into_frame`].
pub fn response_from_frame(frame: &[u8]) -> Result<Response> {
    let malformed = || internal("a malformed answer");
    let (init, body) = frame::split(frame).map_err(|frame::Malformed| malformed())?;
    let init = std::str::from_utf8(init).map_err(|_| malformed())?;
    let body = std::str::from_utf8(body).map_err(|_| malformed())?;
    Ok(response(init, body)?)
}

/// Makes a `Response`. Status and headers cross to JavaScript as one JSON text: a call for each
/// would cost more than the rest of the response.
fn response(init: &str, body: &str) -> worker::Result<Response> {
    let init: ResponseInit = JSON::parse(init)?.unchecked_into();
    Ok(Response::new_with_opt_str_and_init(Some(body), &init)?)
}

/// Runs the handler of one request and turns a panic in it into a 500 for that request alone; other
/// requests of the isolate go on. (The Worker is built with unwinding panics.)
pub async fn catch_panics(
    work: impl Future<Output = worker::Result<Response>>,
) -> worker::Result<Response> {
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(Ok(response)) => Ok(response),
        Ok(Err(error)) => internal_error(&error.to_string()),
        Err(_) => internal_error("a panic"),
    }
}

fn internal_error(cause: &str) -> worker::Result<Response> {
    let request_id = crate::platform::unlogged_request_id();
    let rejection = internal(format!("{request_id}: {cause}")).into_rejection();
    Answer::problem(&rejection, &request_id).into_response(&request_id)
}
