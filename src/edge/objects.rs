//! Calls to Durable Objects: one buffer there, one back, with a deadline, and one retry where the
//! runtime says that it makes sense.

use worker::js_sys::{Object, Promise, Reflect, Uint8Array, futures::JsFuture};
use worker::wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};
use worker::worker_sys::DurableObjectNamespace;
use worker::worker_sys::web_sys::{AbortSignal, RequestInit, Response};
use worker::{Env, console_error};

#[wasm_bindgen(wasm_bindgen = ::worker::wasm_bindgen)]
extern "C" {
    /// A stub, for the form of `fetch` that needs no `Request`.
    #[wasm_bindgen(extends = Object)]
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

    /// Posts `body` to the object `name`. Repeated once, on a new stub, where the error says
    /// `retryable` and not `overloaded`: so only what may be repeated is sent.
    pub async fn post(
        &self,
        name: &str,
        body: &Uint8Array,
        deadline_ms: u32,
    ) -> Result<Response, CallFailed> {
        let error = match self.attempt(name, body, deadline_ms).await {
            Ok(response) => return Ok(response),
            Err(error) => error,
        };
        console_error!("a call to {name}: {error:?}");
        let overloaded = says(&error, "overloaded");
        if overloaded || !says(&error, "retryable") {
            return Err(CallFailed { overloaded });
        }
        self.attempt(name, body, deadline_ms).await.map_err(|error| {
            console_error!("a repeated call to {name}: {error:?}");
            CallFailed { overloaded: says(&error, "overloaded") }
        })
    }

    async fn attempt(
        &self,
        name: &str,
        body: &Uint8Array,
        deadline_ms: u32,
    ) -> Result<Response, JsValue> {
        let stub: Stub = JsValue::from(self.0.get_by_name(name)?).unchecked_into();
        let init = RequestInit::new();
        init.set_method("POST");
        init.set_body(body);
        init.set_signal(Some(&AbortSignal::timeout_with_u32(deadline_ms)));
        let response = JsFuture::from(stub.fetch("https://object/", &init)?).await?;
        Ok(response.unchecked_into())
    }
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
