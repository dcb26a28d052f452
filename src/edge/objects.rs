//! Calls to Durable Objects: one buffer there, one back, with a deadline, and one retry where the
//! runtime says that it makes sense.

use std::cell::RefCell;

use worker::js_sys::{Object, Promise, Reflect, Uint8Array, futures::JsFuture};
use worker::wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};
use worker::worker_sys::DurableObjectNamespace;
use worker::worker_sys::web_sys::{AbortSignal, RequestInit, Response};
use worker::{Env, console_error};

use super::platform::now;
use crate::domain::time::{SECOND, Timestamp};

#[wasm_bindgen(wasm_bindgen = ::worker::wasm_bindgen)]
extern "C" {
    /// A stub, for the form of `fetch` that needs no `Request`.
    #[wasm_bindgen(extends = Object)]
    #[derive(Clone)]
    type Stub;

    #[wasm_bindgen(method, catch)]
    fn fetch(this: &Stub, url: &str, init: &RequestInit) -> Result<Promise, JsValue>;
}

/// Why a call gave no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallFailed {
    /// The object has more work than it can do: never repeat the call.
    pub overloaded: bool,
}

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

    /// Posts `body` to the object `name` on a stub and with a deadline of its own.
    pub async fn post(
        &self,
        name: &str,
        body: &Uint8Array,
        deadline_ms: u32,
    ) -> Result<Response, CallFailed> {
        let send = async || {
            let deadline = AbortSignal::timeout_with_u32(deadline_ms);
            self.send(name, None, body, &deadline).await
        };
        repeated_once(name, send).await
    }

    async fn send(
        &self,
        name: &str,
        stub: Option<Stub>,
        body: &Uint8Array,
        deadline: &AbortSignal,
    ) -> Result<Response, JsValue> {
        let stub = match stub {
            Some(stub) => stub,
            None => self.stub(name)?,
        };
        let init = RequestInit::new();
        init.set_method("POST");
        init.set_body(body);
        init.set_signal(Some(deadline));
        let response = JsFuture::from(stub.fetch("https://object/", &init)?).await?;
        Ok(response.unchecked_into())
    }

    fn stub(&self, name: &str) -> Result<Stub, JsValue> {
        Ok(JsValue::from(self.0.get_by_name(name)?).unchecked_into())
    }
}

/// An object that another object calls again and again: keeps the stub while it works, and one
/// deadline for the calls of half a second. (The Worker cannot: what one of its requests makes, another
/// may not use.)
pub struct Line {
    objects: Objects,
    deadline_ms: u32,
    stub: RefCell<Option<Stub>>,
    deadline: RefCell<Option<(AbortSignal, Timestamp)>>,
}

impl Line {
    /// The deadline of a call is `deadline_ms`, or up to half a second less.
    pub const fn new(objects: Objects, deadline_ms: u32) -> Self {
        Self { objects, deadline_ms, stub: RefCell::new(None), deadline: RefCell::new(None) }
    }

    /// Posts `body` to the object `name`, which is the same in every call.
    pub async fn post(&self, name: &str, body: &Uint8Array) -> Result<Response, CallFailed> {
        let send = async || {
            let stub = self.stub.borrow_mut().take().map_or_else(|| self.objects.stub(name), Ok)?;
            let kept = stub.clone();
            let sent = self.objects.send(name, Some(stub), body, &self.deadline()).await;
            // A stub that failed may be broken for good.
            *self.stub.borrow_mut() = sent.is_ok().then_some(kept);
            sent
        };
        repeated_once(name, send).await
    }

    fn deadline(&self) -> AbortSignal {
        let now = now();
        let mut deadline = self.deadline.borrow_mut();
        match deadline.as_ref() {
            Some((signal, made)) if (0..SECOND / 2).contains(&now.since(*made)) => signal.clone(),
            _ => {
                let signal = AbortSignal::timeout_with_u32(self.deadline_ms);
                *deadline = Some((signal.clone(), now));
                signal
            }
        }
    }
}

/// Sends, and once more where the error says `retryable` and neither `overloaded` nor that the
/// deadline ran out: so only what may be repeated is sent.
async fn repeated_once(
    name: &str,
    send: impl AsyncFn() -> Result<Response, JsValue>,
) -> Result<Response, CallFailed> {
    let error = match send().await {
        Ok(response) => return Ok(response),
        Err(error) => error,
    };
    console_error!("a call to {name}: {error:?}");
    let overloaded = says(&error, "overloaded");
    // The runtime calls a deadline that ran out retryable too, but there is no time left then.
    let timed_out = Reflect::get(&error, &"name".into())
        .is_ok_and(|name| name.as_string().as_deref() == Some("TimeoutError"));
    if overloaded || timed_out || !says(&error, "retryable") {
        return Err(CallFailed { overloaded });
    }
    send().await.map_err(|error| {
        console_error!("a repeated call to {name}: {error:?}");
        CallFailed { overloaded: says(&error, "overloaded") }
    })
}

/// Whether an error of the runtime carries a flag.
fn says(error: &JsValue, flag: &str) -> bool {
    Reflect::get(error, &flag.into()).is_ok_and(|value| value.is_truthy())
}

/// The bytes of an object's answer.
pub async fn bytes(response: &Response) -> Result<Vec<u8>, CallFailed> {
    let failed = |_| CallFailed { overloaded: false };
    let buffer = JsFuture::from(response.array_buffer().map_err(failed)?).await.map_err(failed)?;
    Ok(Uint8Array::new(&buffer).to_vec())
}
