//! Responses.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use serde::Serialize;
use worker::js_sys::{JSON, Uint8Array};
use worker::wasm_bindgen::JsCast;
use worker::worker_sys::web_sys::{Response, ResponseInit};

use super::{Result, internal};
use crate::api::problem;
use crate::domain::id::RequestId;
use crate::domain::rejection::Rejection;

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

    /// The response, with the headers that every answer has. Status and headers cross to
    /// JavaScript as one JSON text: a call for each would cost more than the rest of the answer.
    pub fn into_response(self, request_id: &RequestId) -> worker::Result<Response> {
        let request_id = request_id.to_string();
        let fixed = [
            ("Content-Type", self.content_type),
            ("X-Request-Id", &request_id),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
        ];
        let own = self.headers.iter().map(|(name, value)| (*name, value.as_str()));
        let headers: Vec<(&str, &str)> = fixed.into_iter().chain(own).collect();
        let init = serde_json::json!({ "status": self.status, "headers": headers }).to_string();
        let init: ResponseInit = JSON::parse(&init)?.unchecked_into();
        Ok(Response::new_with_opt_str_and_init(Some(&self.body), &init)?)
    }
}

/// The bytes of an object's answer to the Worker or to another object.
pub fn bytes_response(bytes: &[u8]) -> worker::Result<Response> {
    Ok(Response::new_with_opt_buffer_source(Some(&Uint8Array::from(bytes)))?)
}

/// An object's answer that it has none.
pub fn status_response(status: u16) -> worker::Result<Response> {
    let init = ResponseInit::new();
    init.set_status(status);
    Ok(Response::new_with_opt_str_and_init(None, &init)?)
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
