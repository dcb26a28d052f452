//! Responses.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use serde::Serialize;
use worker::Response;
use worker::js_sys::{self, Array};
use worker::wasm_bindgen::JsValue;
use worker::worker_sys::web_sys::{self, ResponseInit};

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
    pub fn json(status: u16, body: String) -> Self {
        Self { status, content_type: "application/json", body, headers: Vec::new() }
    }

    pub fn serialized(status: u16, body: &impl Serialize) -> Result<Self> {
        let body = serde_json::to_string(body).map_err(|error| internal(&error.to_string()))?;
        Ok(Self::json(status, body))
    }

    pub fn problem(rejection: &Rejection, request_id: &RequestId) -> Self {
        let mut headers = Vec::new();
        if let Some(seconds) = rejection.retry_after {
            headers.push(("retry-after", seconds.to_string()));
        }
        if rejection.code.status() == 401 {
            headers.push(("www-authenticate", "Bearer".to_owned()));
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

    /// The response, with the headers that every answer has. One object with all headers crosses
    /// to JavaScript once.
    pub fn into_response(self, request_id: &RequestId) -> worker::Result<Response> {
        let pairs = Array::new();
        let pair = |name: &str, value: &str| {
            pairs.push(&Array::of2(&JsValue::from_str(name), &JsValue::from_str(value)));
        };
        pair("content-type", self.content_type);
        pair("x-request-id", &request_id.to_string());
        pair("cache-control", "no-store");
        pair("x-content-type-options", "nosniff");
        for (name, value) in &self.headers {
            pair(name, value);
        }
        let init = ResponseInit::new();
        init.set_status(self.status);
        init.set_headers(&pairs);
        let response = web_sys::Response::new_with_opt_str_and_init(Some(&self.body), &init)?;
        Ok(response.into())
    }
}

/// The bytes of a response from an object.
pub fn bytes_response(bytes: &[u8]) -> worker::Result<Response> {
    let array = js_sys::Uint8Array::from(bytes);
    Ok(web_sys::Response::new_with_opt_buffer_source(Some(&array))?.into())
}

/// Runs the handling of one event so that a panic in it is answered 500 to its own request and
/// touches nothing else (the Worker is built with unwinding panics).
pub async fn contained(
    work: impl Future<Output = worker::Result<Response>>,
) -> worker::Result<Response> {
    let outcome = AssertUnwindSafe(work).catch_unwind().await;
    match outcome {
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
