//! Calls to Durable Objects: one buffer there, one back, with a deadline, and one retry where the
//! runtime says that it makes sense.
//!
//! The calls are of methods (RPC, see `entry.mjs`), not of `fetch`: measured, they cost half. Only a
//! WebSocket is asked for by `fetch`.

use std::cell::RefCell;

use serde_json::json;
use worker::js_sys::{Array, JSON, Object, Promise, Reflect, Uint8Array, futures::JsFuture};
use worker::wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};
use worker::worker_sys::DurableObjectNamespace;
use worker::worker_sys::web_sys::Response;
use worker::{Env, console_error};

use super::platform::now;
use crate::domain::time::Timestamp;
use crate::protocol::tail::{self, TailTicket, TooLong};

#[wasm_bindgen(wasm_bindgen = ::worker::wasm_bindgen)]
extern "C" {
    /// A stub of an object, and the methods of our two classes.
    #[wasm_bindgen(extends = Object)]
    #[derive(Clone)]
    type Stub;

    #[wasm_bindgen(method, catch)]
    fn ingest(this: &Stub, frame: &Uint8Array) -> Result<Promise, JsValue>;

    #[wasm_bindgen(method, catch)]
    fn command(this: &Stub, frame: &Uint8Array) -> Result<Promise, JsValue>;

    #[wasm_bindgen(method, catch)]
    fn fetch(this: &Stub, url: &str, init: &JsValue) -> Result<Promise, JsValue>;

    /// A promise that is kept after so many milliseconds.
    #[wasm_bindgen(js_namespace = scheduler)]
    fn wait(milliseconds: u32) -> Promise;
}

/// Which method is called.
#[derive(Clone, Copy, Debug)]
pub enum Method {
    Ingest,
    Command,
}

/// Why a call gave no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallFailed {
    /// The object has more work than it can do: never repeat the call.
    pub overloaded: bool,
}

/// Why there is no live tail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TailFailed {
    /// The ticket's filter is too long to be kept with a socket: the caller's to mend.
    FilterTooLong,
    NoAnswer,
}

/// How long a KeyGate may take to accept a tail.
const TAIL_DEADLINE_MS: u32 = 5_000;

/// A namespace of objects.
#[derive(Debug)]
pub struct Objects(DurableObjectNamespace);

impl Objects {
    pub fn key_gates(env: &Env) -> worker::Result<Self> {
        Self::bound(env, "KEY_GATE")
    }

    pub fn store_ledgers(env: &Env) -> worker::Result<Self> {
        Self::bound(env, "STORE_LEDGER")
    }

    fn bound(env: &Env, binding: &str) -> worker::Result<Self> {
        // Not `Env::durable_object`: its check of the type costs more than the look-up.
        let namespace = Reflect::get(env, &binding.into())?;
        if namespace.is_undefined() {
            return Err(worker::Error::BindingError(binding.to_owned()));
        }
        Ok(Self(namespace.unchecked_into()))
    }

    /// Calls a method of the object `name`, on a stub and with a deadline of its own.
    pub async fn call(
        &self,
        name: &str,
        method: Method,
        frame: &[u8],
        deadline_ms: u32,
    ) -> Result<Vec<u8>, CallFailed> {
        let frame = Uint8Array::from(frame);
        let send = async || send(&self.stub(name)?, method, &frame, &wait(deadline_ms)).await;
        repeated_once(name, send).await
    }

    /// Asks the KeyGate `name` for a socket that follows its log: 101 with the socket for the caller,
    /// or a problem. Sent once: the page tries again by itself.
    pub async fn tail(&self, name: &str, ticket: &TailTicket) -> Result<Response, TailFailed> {
        let text = ticket.to_text().map_err(|TooLong| TailFailed::FilterTooLong)?;
        let asked = async || {
            let headers = json!({ "headers": { "Upgrade": "websocket", tail::HEADER: text } });
            let init = JSON::parse(&headers.to_string())?;
            let call = self.stub(name)?.fetch("https://key-gate/tail", &init)?;
            let deadline = wait(TAIL_DEADLINE_MS);
            JsFuture::from(Promise::race(&Array::of2(&call, &deadline))).await?.dyn_into()
        };
        asked().await.map_err(|error| {
            console_error!("a tail of {name}: {error:?}");
            TailFailed::NoAnswer
        })
    }

    fn stub(&self, name: &str) -> Result<Stub, JsValue> {
        Ok(JsValue::from(self.0.get_by_name(name)?).unchecked_into())
    }
}

/// An object that another object calls again and again: keeps the stub while it works, and one
/// deadline for the calls of a short while. (The Worker cannot: what one of its requests makes,
/// another may not use.)
pub struct ObjectClient {
    objects: Objects,
    stub: RefCell<Option<Stub>>,
    deadline: RefCell<Option<(Promise, Timestamp)>>,
}

impl ObjectClient {
    pub const fn new(objects: Objects) -> Self {
        Self { objects, stub: RefCell::new(None), deadline: RefCell::new(None) }
    }

    /// Commands the object `name`, with a deadline of `deadline_ms` or up to a sixth less. Both are
    /// the same in every call.
    pub async fn command(
        &self,
        name: &str,
        frame: &[u8],
        deadline_ms: u32,
    ) -> Result<Vec<u8>, CallFailed> {
        let frame = Uint8Array::from(frame);
        let send = async || {
            let kept = self.stub.borrow().clone();
            let stub = kept.map_or_else(|| self.objects.stub(name), Ok)?;
            let sent = send(&stub, Method::Command, &frame, &self.deadline(deadline_ms)).await;
            // A stub that failed may be broken for good.
            *self.stub.borrow_mut() = sent.is_ok().then_some(stub);
            sent
        };
        repeated_once(name, send).await
    }

    fn deadline(&self, deadline_ms: u32) -> Promise {
        let now = now();
        let shared_for = i64::from(deadline_ms / 6);
        let mut deadline = self.deadline.borrow_mut();
        match deadline.as_ref() {
            Some((promise, made)) if (0..shared_for).contains(&now.since(*made)) => promise.clone(),
            _ => {
                let promise = wait(deadline_ms);
                *deadline = Some((promise.clone(), now));
                promise
            }
        }
    }
}

/// The answer of a call, or what it threw; `undefined` where the deadline came first.
async fn send(
    stub: &Stub,
    method: Method,
    frame: &Uint8Array,
    deadline: &Promise,
) -> Result<Vec<u8>, JsValue> {
    let call = match method {
        Method::Ingest => stub.ingest(frame)?,
        Method::Command => stub.command(frame)?,
    };
    let answer = JsFuture::from(Promise::race(&Array::of2(&call, deadline))).await?;
    match answer.dyn_ref::<Uint8Array>() {
        Some(bytes) => Ok(bytes.to_vec()),
        None => Err(JsValue::UNDEFINED),
    }
}

/// Sends, and once more where the error says `retryable` and not `overloaded`: so only what may be
/// repeated is sent. A deadline that ran out leaves no time for another try.
async fn repeated_once(
    name: &str,
    send: impl AsyncFn() -> Result<Vec<u8>, JsValue>,
) -> Result<Vec<u8>, CallFailed> {
    let error = match send().await {
        Ok(answer) => return Ok(answer),
        Err(error) => error,
    };
    console_error!("a call to {name}: {error:?}");
    let overloaded = says(&error, "overloaded");
    if overloaded || !says(&error, "retryable") {
        return Err(CallFailed { overloaded });
    }
    send().await.map_err(|error| {
        console_error!("a repeated call to {name}: {error:?}");
        CallFailed { overloaded: says(&error, "overloaded") }
    })
}

/// Whether an error of the runtime carries a flag.
fn says(error: &JsValue, flag: &str) -> bool {
    error.is_object() && Reflect::get(error, &flag.into()).is_ok_and(|value| value.is_truthy())
}
