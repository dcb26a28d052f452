//! Calls to Durable Objects: one buffer there, one back, with a deadline, and one retry where the
//! runtime says that it makes sense.

use worker::js_sys::{Reflect, Uint8Array, futures::JsFuture};
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::worker_sys::web_sys::{AbortSignal, Request, RequestInit, Response};
use worker::worker_sys::{DurableObject, DurableObjectNamespace};
use worker::{Env, console_error};

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
        let namespace = env.durable_object(binding)?;
        Ok(Self(JsValue::from(namespace).unchecked_into()))
    }

    /// Posts `body` to `path` of the object `name`. Repeated once, on a new stub, where the error
    /// says `retryable` and not `overloaded`: so only commands that may be repeated are sent.
    pub async fn post(
        &self,
        name: &str,
        path: &str,
        body: &Uint8Array,
        deadline_ms: u32,
    ) -> Result<Response, CallFailed> {
        for attempt in 0.. {
            match self.attempt(name, path, body, deadline_ms).await {
                Ok(response) => return Ok(response),
                Err(error) => {
                    let says = |flag: &str| {
                        Reflect::get(&error, &flag.into()).is_ok_and(|value| value.is_truthy())
                    };
                    let overloaded = says("overloaded");
                    console_error!("{path} of {name}: {error:?}");
                    if attempt > 0 || overloaded || !says("retryable") {
                        return Err(CallFailed { overloaded });
                    }
                }
            }
        }
        Err(CallFailed { overloaded: false })
    }

    async fn attempt(
        &self,
        name: &str,
        path: &str,
        body: &Uint8Array,
        deadline_ms: u32,
    ) -> Result<Response, JsValue> {
        let stub: DurableObject = self.0.get_by_name(name)?;
        let init = RequestInit::new();
        init.set_method("POST");
        init.set_body(body);
        init.set_signal(Some(&AbortSignal::timeout_with_u32(deadline_ms)));
        let request = Request::new_with_str_and_init(&format!("https://object{path}"), &init)?;
        let response = JsFuture::from(stub.fetch_with_request(&request)?).await?;
        response.dyn_into::<Response>()
    }
}

/// The bytes of an object's answer.
pub async fn bytes(response: &Response) -> Result<Vec<u8>, CallFailed> {
    let buffer = response.array_buffer().map_err(|_| CallFailed { overloaded: false })?;
    let buffer = JsFuture::from(buffer).await.map_err(|_| CallFailed { overloaded: false })?;
    Ok(Uint8Array::new(&buffer).to_vec())
}
