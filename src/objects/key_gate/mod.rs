//! KeyGate: the Durable Object of one integration key.
//!
//! Invariants:
//! - In any 60 seconds it admits at most the key's limit, across evictions and restarts.
//! - The response to a request leaves only after the request's log row and every effect that the
//!   response reports are durable (the platform holds back an object's responses until its writes
//!   are confirmed).
//! - Once `revoked` has been written here, no request is admitted. D1 and the audit log follow, at
//!   least once, in one batch that may be repeated.
//! - An authentic delivery of a native sender gets its 200 only after it has been applied, found to
//!   have no effect, or parked.
//!
//! ```text
//! Worker ─Ingest─▶ ingest.rs / deliver.rs ─▶ ledger.rs ─LedgerCommand─▶ StoreLedger
//! Worker ─GateCommand─▶ commands.rs ─▶ change.rs ─batch─▶ D1
//! console ──WebSocket──▶ tail.rs ◀─each log entry─ key_state.rs
//!           alarm ─▶ alarm.rs: retries D1 and parked events, logs counted refusals, closes tails
//! ```

mod alarm;
mod batch;
mod bytes;
mod capture;
mod change;
mod commands;
mod deliver;
mod ingest;
mod key_state;
mod ledger;
mod log;
mod parked;
mod signature;
mod stats;
mod storage;
mod tail;
mod usage;
mod writes;

use std::cell::{Cell, RefCell};
use std::panic::AssertUnwindSafe;
use std::rc::Rc;

use futures_util::FutureExt;
use worker::js_sys::Uint8Array;
use worker::wasm_bindgen::{self, JsValue, prelude::wasm_bindgen};
use worker::worker_sys::DurableObjectState;
use worker::worker_sys::web_sys::{Request, WebSocket};
use worker::{Env, durable::State};

use key_state::KeyState;
use storage::{Loaded, StoredKey};
use tail::Tails;

use crate::catalogue::Catalogue;
use crate::objects::client::{ObjectClient, Objects, STORE_LEDGER};
use crate::platform::answer::Answer;
use crate::platform::sql::Sql;
use crate::platform::{now, settings, unlogged_request_id};
use crate::{Error, Result, internal};
use tidegate_core::domain::admission::invalid_key;
use tidegate_core::domain::rejection::{Code, Rejection};
use tidegate_core::protocol::key_gate::{GateCommand, GateReply, encode_reply};
use tidegate_core::protocol::{Received, Unreadable, decode_command};

/// The Rust half of the object. It is owned by the class of the same name in `entry.mjs`, which the
/// runtime instantiates.
#[wasm_bindgen(wasm_bindgen = ::worker::wasm_bindgen)]
pub struct KeyGate {
    state: State,
    env: Env,
    sql: AssertUnwindSafe<Sql>,
    ledger: AssertUnwindSafe<worker::Result<ObjectClient>>,
    /// `None` until the object has loaded its key.
    key_state: AssertUnwindSafe<RefCell<Option<KeyState>>>,
    /// The number of requests and retries that have started and not finished.
    in_flight: AssertUnwindSafe<Rc<Cell<u32>>>,
}

#[wasm_bindgen(
    wasm_bindgen = ::worker::wasm_bindgen,
    wasm_bindgen_futures = ::worker::wasm_bindgen_futures,
    js_sys = ::worker::js_sys
)]
impl KeyGate {
    #[wasm_bindgen(constructor)]
    pub fn new(state: DurableObjectState, env: Env) -> Self {
        let state = State::from(state);
        Self {
            sql: AssertUnwindSafe(Sql::new(&state)),
            ledger: AssertUnwindSafe(
                Objects::from_binding(&env, STORE_LEDGER).map(ObjectClient::new),
            ),
            key_state: AssertUnwindSafe(RefCell::new(None)),
            in_flight: AssertUnwindSafe(Rc::new(Cell::new(0))),
            state,
            env,
        }
    }

    /// Takes a framed [`Ingest`](tidegate_core::protocol::key_gate::Ingest) with the raw request body. Returns a frame of `ResponseInit` and
    /// response body.
    pub async fn ingest(&self, frame: Uint8Array) -> std::result::Result<JsValue, JsValue> {
        let result = AssertUnwindSafe(self.ingest_frame(frame.to_vec())).catch_unwind().await;
        let frame = result.unwrap_or_else(|_| unlogged_rejection(internal("a panic in a KeyGate")));
        Ok(Uint8Array::from(&frame[..]).into())
    }

    /// Takes a framed [`GateCommand`]. Returns the frame that [`encode_reply`] makes.
    pub async fn command(&self, frame: Uint8Array) -> std::result::Result<JsValue, JsValue> {
        let frame = frame.to_vec();
        let received = decode_command::<GateCommand>(&frame);
        let reads = received.as_ref().map_or(0, |received| received.reads);
        let result = AssertUnwindSafe(self.carry_out_received(received)).catch_unwind().await;
        let result = result.unwrap_or_else(|_| Err(internal("a panic in a KeyGate")));
        let reply = encode_reply(&result.map_err(Error::into_rejection), reads);
        Ok(Uint8Array::from(&reply.unwrap_or_default()[..]).into())
    }

    /// Opens a live tail of the log. The request carries a ticket that the Worker issued (see
    /// [`tidegate_core::protocol::tail`]); the response is 101 with a WebSocket.
    pub async fn fetch(&self, request: Request) -> std::result::Result<JsValue, JsValue> {
        let result = AssertUnwindSafe(self.open_tail(&request)).catch_unwind().await;
        let result = result.unwrap_or_else(|_| Err(internal("a panic in a KeyGate")));
        let response = result.or_else(|error| {
            let request_id = unlogged_request_id();
            Answer::problem(&error.into_rejection(), &request_id).into_response(&request_id)
        })?;
        Ok(response.into())
    }

    /// Called when the socket of a live tail was closed or broke.
    pub fn socket_ended(&self, socket: WebSocket) {
        self.tail_ended(&socket);
    }

    /// Fails only if the platform should repeat the alarm.
    pub async fn alarm(&self) -> std::result::Result<JsValue, JsValue> {
        AssertUnwindSafe(async move { Ok(self.on_alarm().await.map(|()| JsValue::UNDEFINED)?) })
            .await
    }
}

impl KeyGate {
    async fn ingest_frame(&self, frame: Vec<u8>) -> Vec<u8> {
        let ready = self.ready().await;
        let received = decode_command(&frame).map_err(unreadable);
        match received.and_then(|received| ready.map(|()| received)) {
            Ok(Received { command: ingest, body, .. }) => self.handle(ingest, body).await,
            Err(error) => unlogged_rejection(error),
        }
    }

    async fn carry_out_received(
        &self,
        received: std::result::Result<Received<'_, GateCommand>, Unreadable>,
    ) -> Result<GateReply> {
        let ready = self.ready().await;
        self.carry_out(received.map_err(unreadable)?.command, ready).await
    }

    /// Loads the key unless it is in memory. Must be awaited before anything else: no other event
    /// is delivered while the key is being looked up in D1, so a cold object queries D1 once,
    /// however many requests wake it.
    async fn ready(&self) -> Result<()> {
        if self.key_state.borrow().is_some() {
            return Ok(());
        }
        self.wake().await?;
        self.rearm().await;
        Ok(())
    }

    /// Loads the key from the object's own row, or else from D1. 'Not found' is never cached.
    async fn wake(&self) -> Result<()> {
        let Loaded { name, stored } = storage::load(&self.sql, self.state.id().name())?;
        if let Some(stored) = stored {
            return self.rebuild(stored);
        }
        let gate = name.ok_or_else(|| internal("an object without a name"))?;
        let catalogue = Catalogue::open(&self.env)?;
        let found = self
            .state
            .block_concurrency_while(
                async move { Ok(catalogue.integration_key_of_gate(&gate).await) },
            )
            .await??;
        if self.key_state.borrow().is_some() {
            return Ok(());
        }
        let record = found.ok_or_else(invalid_key)?;
        let stored = StoredKey { record, source_address: None, intents: Vec::new() };
        storage::install(&self.sql, &stored)?;
        self.rebuild(stored)
    }

    fn rebuild(&self, stored: StoredKey) -> Result<()> {
        let settings = settings(&self.env)?;
        let tails = Tails::restore(&self.state);
        let key_state = KeyState::rebuild(&self.sql, stored, &settings.sealing_keys, tails, now())?;
        *self.key_state.borrow_mut() = Some(key_state);
        Ok(())
    }

    /// Runs `work` on the object's memory. `work` is synchronous, so the borrow never spans an
    /// await.
    fn with<T>(&self, work: impl FnOnce(&mut KeyState) -> T) -> Result<T> {
        self.key_state.borrow_mut().as_mut().map(work).ok_or_else(|| not_ready().into())
    }
}

/// The response frame of an error that has no log row.
fn unlogged_rejection(error: Error) -> Vec<u8> {
    let request_id = unlogged_request_id();
    Answer::problem(&error.into_rejection(), &request_id).into_frame(&request_id)
}

fn not_ready() -> Rejection {
    Rejection::new(Code::Unavailable, "The key's gate is not ready. Try again.").retry_after(1)
}

fn unreadable(error: Unreadable) -> Error {
    internal(match error {
        Unreadable::Malformed => "a malformed frame",
        Unreadable::OtherVersion => "a frame of an unknown version",
    })
}

/// Counts one request in flight until it is dropped.
struct InFlight(Rc<Cell<u32>>);

impl InFlight {
    fn enter(counter: &Rc<Cell<u32>>) -> Self {
        counter.set(counter.get() + 1);
        Self(Rc::clone(counter))
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}
