//! Reading a request: the parts of its URL, its headers, its body.

use worker::js_sys::{Reflect, Uint8Array, futures::JsFuture};
use worker::wasm_bindgen::JsCast;
use worker::worker_sys::web_sys::{ReadableStream, ReadableStreamDefaultReader, Request};

use crate::Result;
use tidegate_core::domain::rejection::{Code, Rejection};

/// Bytes of the largest body that is accepted: 1 MiB.
const MAX_BODY: usize = 1 << 20;

/// Bytes of an oversized body that are read, and discarded, before responding: the largest body
/// that the platform lets through.
const MAX_DRAINED: usize = 100 << 20;

/// The parts of a request's URL.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    pub origin: &'a str,
    pub host: &'a str,
    pub path: &'a str,
    /// Without the question mark; empty if there is none.
    pub query: &'a str,
}

impl<'a> Target<'a> {
    /// Splits a URL. The platform has normalised it, so splitting is enough.
    pub fn of(url: &'a str) -> Self {
        let url = url.split('#').next().unwrap_or_default();
        let (url, query) = url.split_once('?').unwrap_or((url, ""));
        let host_start = url.find("://").map_or(0, |at| at + 3);
        let host_length = url.get(host_start..).and_then(|rest| rest.find('/'));
        let (origin, path) = match host_length {
            Some(length) => url.split_at(host_start + length),
            None => (url, "/"),
        };
        Self { origin, host: origin.get(host_start..).unwrap_or_default(), path, query }
    }
}

/// The value of a header.
pub fn header(request: &Request, name: &str) -> Result<Option<String>> {
    Ok(request.headers().get(name).map_err(worker::Error::from)?)
}

/// The token of `Authorization: Bearer <token>`. The scheme is case-insensitive (RFC 9110 §11.1).
pub fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The body, or 413 if it is over 1 MiB. A larger body is read to its end and discarded: if it were
/// left unread, the caller would lose the connection, and the response with it.
pub async fn body(request: &Request) -> Result<Vec<u8>> {
    let too_large =
        || Rejection::new(Code::PayloadTooLarge, "A body may have at most 1 MiB (1048576 bytes).");
    let length = header(request, "content-length")?;
    let length = length.and_then(|length| length.parse::<usize>().ok());
    if length.is_some_and(|length| length <= MAX_BODY) {
        let promise = request.array_buffer().map_err(worker::Error::from)?;
        let buffer = JsFuture::from(promise).await.map_err(worker::Error::from)?;
        return Ok(Uint8Array::new(&buffer).to_vec());
    }
    match request.body() {
        Some(stream) => {
            Ok(read_stream(stream, MAX_BODY, MAX_DRAINED).await?.ok_or_else(too_large)?)
        }
        None => Ok(Vec::new()),
    }
}

/// The bytes of a stream, or `None` if there are more than `limit`. In that case reading goes on to
/// the end, or until `drain_limit` bytes have been read; then the stream is cancelled.
pub async fn read_stream(
    stream: ReadableStream,
    limit: usize,
    drain_limit: usize,
) -> Result<Option<Vec<u8>>> {
    let reader: ReadableStreamDefaultReader = stream.get_reader().unchecked_into();
    let mut bytes = Vec::new();
    let mut length = 0;
    while length <= drain_limit {
        let step = JsFuture::from(reader.read()).await.map_err(worker::Error::from)?;
        let chunk = Reflect::get(&step, &"value".into()).unwrap_or_default();
        if chunk.is_undefined() {
            return Ok((length <= limit).then_some(bytes));
        }
        let chunk: Uint8Array = chunk.unchecked_into();
        length += chunk.length() as usize;
        if length <= limit {
            bytes.extend(chunk.to_vec());
        } else {
            bytes = Vec::new();
        }
    }
    let _ = reader.cancel();
    Ok(None)
}
