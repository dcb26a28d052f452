//! What comes in: the parts of a request's URL, its headers, its body.

use worker::js_sys::{Reflect, Uint8Array, futures::JsFuture};
use worker::wasm_bindgen::JsCast;
use worker::worker_sys::web_sys::{ReadableStream, ReadableStreamDefaultReader, Request};

use super::Result;
use crate::domain::rejection::{Code, Rejection};

/// Bytes of the largest body that is taken: 1 MiB.
const MAX_BODY: usize = 1 << 20;

/// Bytes of a body that are read to be able to answer it: what the platform lets through at most.
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
    /// The platform hands URLs on normalised, so cutting them is enough.
    pub fn of(url: &'a str) -> Self {
        let url = url.split('#').next().unwrap_or_default();
        let (url, query) = url.split_once('?').unwrap_or((url, ""));
        let host_at = url.find("://").map_or(0, |at| at + 3);
        let path_at = url.get(host_at..).and_then(|rest| rest.find('/'));
        let (origin, path) = match path_at {
            Some(at) => url.split_at(host_at + at),
            None => (url, "/"),
        };
        Self { origin, host: origin.get(host_at..).unwrap_or_default(), path, query }
    }
}

/// The value of a header.
pub fn header(request: &Request, name: &str) -> Result<Option<String>> {
    Ok(request.headers().get(name).map_err(worker::Error::from)?)
}

/// The token of `Authorization: Bearer <token>`; the scheme in any case (RFC 9110 §11.1).
pub fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The body, or 413. Of a larger body nothing is kept, but it is read: an unread body costs the
/// caller the connection, and with it the answer.
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
        Some(stream) => read_stream(stream, MAX_BODY, MAX_DRAINED).await?.ok_or_else(too_large),
        None => Ok(Vec::new()),
    }
}

/// The bytes of a stream, or `None` if they are more than `most`; then it is read on, to `drained`.
pub async fn read_stream(
    stream: ReadableStream,
    most: usize,
    drained: usize,
) -> Result<Option<Vec<u8>>> {
    let reader: ReadableStreamDefaultReader = stream.get_reader().unchecked_into();
    let mut bytes = Vec::new();
    let mut length = 0;
    while length <= drained {
        let step = JsFuture::from(reader.read()).await.map_err(worker::Error::from)?;
        let chunk = Reflect::get(&step, &"value".into()).unwrap_or_default();
        if chunk.is_undefined() {
            return Ok((length <= most).then_some(bytes));
        }
        let chunk: Uint8Array = chunk.unchecked_into();
        length += chunk.length() as usize;
        if length <= most {
            bytes.extend(chunk.to_vec());
        } else {
            bytes = Vec::new();
        }
    }
    let _ = reader.cancel();
    Ok(None)
}
