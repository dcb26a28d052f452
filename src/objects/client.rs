//! Calls to Durable Objects. A call sends one buffer and gets one back, has a deadline, and is
//! retried once if the runtime marks the error as retryable.
//!
//! The calls are method calls (RPC, see `entry.mjs`), not `fetch`: measured, they cost half. Only a
//! WebSocket is opened by `fetch`.

use std::cell::RefCell;

use serde_json::json;
use worker::js_sys::{Array, JSON, Object, Promise, Reflect, Uint8Array, futures::JsFuture};
use worker::wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};
use worker::worker_sys::DurableObjectNamespace;
use worker::worker_sys::web_sys::Response;
use worker::{Env, console_error};

use crate::platform::now;
use tidegate_core::domain::time::Timestamp;
use tidegate_core::protocol::tail::{self, TailTicket, TooLong};

#[wasm_bindgen(wasm_bindgen = ::worker::wasm_bindgen)]
extern "C" {
    /// The stub of a Durable Object, with the methods of our two classes.
    #[wasm_bindgen(extends = Object)]
    #[derive(Clone)]
    type Stub;

    #[wasm_bindgen(method, catch)]
    fn ingest(this: &Stub, frame: &Uint8Array) -> Result<Promise, JsValue>;

    #[wasm_bindgen(method, catch)]
    fn command(this: &Stub, frame: &Uint8Array) -> Result<Promise, JsValue>;

    #[wasm_bindgen(method, catch)]
    fn fetch(this: &Stub, url: &str, init: &JsValue) -> Result<Promise, JsValue>;

    /// A promise that resolves after this many milliseconds.
    #[wasm_bindgen(js_namespace = scheduler)]
    fn wait(milliseconds: u32) -> Promise;
}

/// The method of an object to call.
#[derive(Clone, Copy, Debug)]
pub enum Method {
    Ingest,
    Command,
}

/// A call that got no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallFailed {
    /// The object is overloaded: never retry the call.
    pub overloaded: bool,
}

/// Why a live tail could not be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TailFailed {
    /// The ticket's filter is too long to be stored with the socket. The caller has to shorten it.
    FilterTooLong,
    NoReply,
}

/// Milliseconds that a KeyGate may take to accept a live tail.
const TAIL_DEADLINE_MS: u32 = 5_000;

/// A namespace of Durable Objects.
#[derive(Debug)]
pub struct Objects(DurableObjectNamespace);

impl Objects {
    pub fn key_gates(env: &Env) -> worker::Result<Self> {
        Self::from_binding(env, "KEY_GATE")
    }

    pub fn store_ledgers(env: &Env) -> worker::Result<Self> {
        Self::from_binding(env, "STORE_LEDGER")
    }

    fn from_binding(env: &Env, binding: &str) -> worker::Result<Self> {
        // Not `Env::durable_object`: its type check costs more than the look-up.
        let namespace = Reflect::get(env, &binding.into())?;
        if namespace.is_undefined() {
            return Err(worker::Error::BindingError(binding.to_owned()));
        }
        Ok(Self(namespace.unchecked_into()))
    }

    /// Calls a method of the object `name`, with a new stub and a new deadline for each attempt.
    pub async fn call(
        &self,
        name: &str,
        method: Method,
        frame: &[u8],
        deadline_ms: u32,
    ) -> Result<Vec<u8>, CallFailed> {
        let frame = Uint8Array::from(frame);
        let send = async || send(&self.stub(name)?, method, &frame, &wait(deadline_ms)).await;
        with_one_retry(name, send).await
    }

    /// Opens a live tail at the KeyGate `name`. The response for the caller is 101 with the
    /// WebSocket, or a problem. There is no retry here: the page reconnects by itself.
    pub async fn open_tail(&self, name: &str, ticket: &TailTicket) -> Result<Response, TailFailed> {
        let text = ticket.to_text().map_err(|TooLong| TailFailed::FilterTooLong)?;
        let open = async || {
            let headers = json!({ "headers": { "Upgrade": "websocket", tail::HEADER: text } });
            let init = JSON::parse(&headers.to_string())?;
            let call = self.stub(name)?.fetch("https://key-gate/tail", &init)?;
            let deadline = wait(TAIL_DEADLINE_MS);
            JsFuture::from(Promise::race(&Array::of2(&call, &deadline))).await?.dyn_into()
        };
        open().await.map_err(|error| {
            console_error!("a tail of {name}: {error:?}");
            TailFailed::NoReply
        })
    }

    fn stub(&self, name: &str) -> Result<Stub, JsValue> {
        Ok(JsValue::from(self.0.get_by_name(name)?).unchecked_into())
    }
}

/// A client for one Durable Object that another object calls again and again. It reuses the stub
/// until a call fails, and shares one deadline among the calls made within a short time. (The
/// Worker cannot do this: an I/O object that one of its requests made must not be used by another.)
pub struct ObjectClient {
    objects: Objects,
    stub: RefCell<Option<Stub>>,
    deadline: RefCell<Option<(Promise, Timestamp)>>,
}

impl ObjectClient {
    pub const fn new(objects: Objects) -> Self {
        Self { objects, stub: RefCell::new(None), deadline: RefCell::new(None) }
    }

    /// Calls `command` of the object `name`, with a deadline of `deadline_ms` or up to a sixth
    /// less. Every call must pass the same name and deadline.
    pub async fn command(
        &self,
        name: &str,
        frame: &[u8],
        deadline_ms: u32,
    ) -> Result<Vec<u8>, CallFailed> {
        let frame = Uint8Array::from(frame);
        let send = async || {
            let cached = self.stub.borrow().clone();
            let stub = cached.map_or_else(|| self.objects.stub(name), Ok)?;
            let reply = send(&stub, Method::Command, &frame, &self.deadline(deadline_ms)).await;
            // A stub that failed may be broken for good.
            *self.stub.borrow_mut() = reply.is_ok().then_some(stub);
            reply
        };
        with_one_retry(name, send).await
    }

    fn deadline(&self, deadline_ms: u32) -> Promise {
        let now = now();
        let shared_for = i64::from(deadline_ms / 6);
        let mut deadline = self.deadline.borrow_mut();
        match deadline.as_ref() {
            Some((promise, started)) if (0..shared_for).contains(&now.since(*started)) => {
                promise.clone()
            }
            _ => {
                let promise = wait(deadline_ms);
                *deadline = Some((promise.clone(), now));
                promise
            }
        }
    }
}

/// Calls the method and returns its reply, or the value that it threw; `undefined` if the deadline
/// passed first.
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
    let reply = JsFuture::from(Promise::race(&Array::of2(&call, deadline))).await?;
    match reply.dyn_ref::<Uint8Array>() {
        Some(bytes) => Ok(bytes.to_vec()),
        None => Err(JsValue::UNDEFINED),
    }
}

/// Sends, and sends once more if the error is flagged `retryable` and not `overloaded`. So only
/// pass calls that may be repeated. There is no retry after a deadline: no time is left for one.
async fn with_one_retry(
    name: &str,
    send: impl AsyncFn() -> Result<Vec<u8>, JsValue>,
) -> Result<Vec<u8>, CallFailed> {
    let error = match send().await {
        Ok(reply) => return Ok(reply),
        Err(error) => error,
    };
    console_error!("a call to {name}: {error:?}");
    let overloaded = has_flag(&error, "overloaded");
    if overloaded || !has_flag(&error, "retryable") {
        return Err(CallFailed { overloaded });
    }
    send().await.map_err(|error| {
        console_error!("a repeated call to {name}: {error:?}");
        CallFailed { overloaded: has_flag(&error, "overloaded") }
    })
}

/// Whether an error of the runtime has this property set to a true value.
fn has_flag(error: &JsValue, flag: &str) -> bool {
    error.is_object() && Reflect::get(error, &flag.into()).is_ok_and(|value| value.is_truthy())
}
