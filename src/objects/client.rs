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

use super::object_call::{CallError, Method, ObjectCall};
use crate::platform::now;
use tidegate_core::domain::time::Timestamp;
use tidegate_core::protocol::frame::Malformed;
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

/// Why a live tail could not be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TailFailed {
    /// The ticket's filter is too long to be stored with the socket. The caller has to shorten it.
    FilterTooLong,
    NoReply,
}

/// Milliseconds that a KeyGate may take to accept a live tail.
const TAIL_DEADLINE_MS: u32 = 5_000;

/// The bindings of the two namespaces.
pub const KEY_GATE: &str = "KEY_GATE";
pub const STORE_LEDGER: &str = "STORE_LEDGER";

/// A namespace of Durable Objects.
#[derive(Debug)]
pub struct Objects(DurableObjectNamespace);

impl Objects {
    pub fn from_binding(env: &Env, binding: &str) -> worker::Result<Self> {
        // Not `Env::durable_object`: its type check costs more than the look-up.
        let namespace = Reflect::get(env, &binding.into())?;
        if namespace.is_undefined() {
            return Err(worker::Error::BindingError(binding.to_owned()));
        }
        Ok(Self(namespace.unchecked_into()))
    }

    /// Calls an object of this namespace, with a new stub and a new deadline for each attempt.
    pub async fn call<C: ObjectCall>(
        &self,
        object: &C::Object,
        command: &C,
        deadline_ms: u32,
    ) -> Result<C::Reply, CallError> {
        exchange(object, command, async |name, frame| {
            send(&self.stub(name)?, C::METHOD, frame, &wait(deadline_ms)).await
        })
        .await
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

    /// Calls the object with a deadline of `deadline_ms` or up to a sixth less. Every call must pass
    /// the same object and deadline.
    pub async fn call<C: ObjectCall>(
        &self,
        object: &C::Object,
        command: &C,
        deadline_ms: u32,
    ) -> Result<C::Reply, CallError> {
        exchange(object, command, async |name, frame| {
            let cached = self.stub.borrow().clone();
            let stub = cached.map_or_else(|| self.objects.stub(name), Ok)?;
            let reply = send(&stub, C::METHOD, frame, &self.deadline(deadline_ms)).await;
            // A stub that failed may be broken for good.
            *self.stub.borrow_mut() = reply.is_ok().then_some(stub);
            reply
        })
        .await
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

/// The one way to call an object: frames the command, sends it, and reads the reply. It is sent once
/// more if the error is flagged `retryable` and not `overloaded`, so every command must be one that
/// may be repeated. There is no retry after a deadline: no time is left for one.
async fn exchange<C: ObjectCall>(
    object: &C::Object,
    command: &C,
    send: impl AsyncFn(&str, &Uint8Array) -> Result<Vec<u8>, JsValue>,
) -> Result<C::Reply, CallError> {
    let name = C::object_name(object);
    let failed = |cause: &str| CallError::Failed(format!("{name}: {cause}"));
    let frame = command.frame().map_err(|Malformed| failed("a command that is too large"))?;
    let frame = Uint8Array::from(&frame[..]);
    let reply = match send(&name, &frame).await {
        Ok(reply) => reply,
        Err(error) => {
            console_error!("a call to {name}: {error:?}");
            let overloaded = has_flag(&error, "overloaded");
            if overloaded || !has_flag(&error, "retryable") {
                return Err(CallError::Unavailable { overloaded });
            }
            send(&name, &frame).await.map_err(|error| {
                console_error!("a repeated call to {name}: {error:?}");
                CallError::Unavailable { overloaded: has_flag(&error, "overloaded") }
            })?
        }
    };
    C::read_reply(reply).map_err(|error| match error {
        CallError::Failed(cause) => failed(&cause),
        unavailable => unavailable,
    })
}

/// Whether an error of the runtime has this property set to a true value.
fn has_flag(error: &JsValue, flag: &str) -> bool {
    error.is_object() && Reflect::get(error, &flag.into()).is_ok_and(|value| value.is_truthy())
}
