//! KeyGate: the Durable Object of one integration key.
//!
//! Invariants:
//! - In any 60 seconds it admits at most the key's limit, across evictions and restarts.
//! - A request is answered only after its log row and all that the answer claims are durable (the
//!   platform holds an object's answers until its writes are).
//! - Once `revoked` has been written here, no request is admitted; D1 and the audit log follow, at
//!   least once, in one batch that may be repeated.
//! - An authentic native delivery is applied, without effect, or parked before it is answered 200.
//!
//! ```text
//! Worker ──Ingest──▶ fetch ─▶ ingest.rs / deliver.rs ─▶ ledger.rs ──LedgerCommand──▶ StoreLedger
//! Worker ─Command──▶ fetch ─▶ commands.rs ─▶ change.rs ──batch──▶ D1
//!            alarm ─▶ alarm.rs: D1 again, parked events again, counted refusals
//! ```

mod alarm;
mod awake;
mod change;
mod commands;
mod deliver;
mod ingest;
mod ledger;
mod log;
mod parked;
mod stats;
mod storage;

use std::cell::{Cell, RefCell};
use std::panic::AssertUnwindSafe;
use std::rc::Rc;

use worker::js_sys::{Uint8Array, futures::JsFuture};
use worker::wasm_bindgen::{self, JsValue, prelude::wasm_bindgen};
use worker::worker_sys::DurableObjectState;
use worker::worker_sys::web_sys::{Request, Response};
use worker::{Env, durable::State};

use awake::Awake;
use storage::Held;

use super::answer::{Answer, bytes_response, contained, status_response};
use super::catalogue::Catalogue;
use super::objects::{Line, Objects};
use super::platform::{now, settings, unlogged_request_id};
use super::sql::Sql;
use super::{Result, internal};
use crate::domain::admission::invalid_key;
use crate::domain::rejection::{Code, Rejection};
use crate::protocol::Versioned;
use crate::protocol::frame;
use crate::protocol::key_gate::ToGate;

/// Not `#[durable_object]`: its conversions of requests and responses cost more than the work.
#[wasm_bindgen(wasm_bindgen = ::worker::wasm_bindgen)]
pub struct KeyGate {
    state: State,
    env: Env,
    sql: AssertUnwindSafe<Sql>,
    ledger: AssertUnwindSafe<worker::Result<Line>>,
    /// `None` until the object knows its key.
    awake: AssertUnwindSafe<RefCell<Option<Awake>>>,
    /// Requests that have been admitted and have not been answered.
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
                Objects::store_ledgers(&env).map(|objects| Line::new(objects, ledger::DEADLINE_MS)),
            ),
            awake: AssertUnwindSafe(RefCell::new(None)),
            in_flight: AssertUnwindSafe(Rc::new(Cell::new(0))),
            state,
            env,
        }
    }

    pub async fn fetch(&self, request: Request) -> std::result::Result<JsValue, JsValue> {
        AssertUnwindSafe(
            async move { Ok(contained(self.answer(request)).await.map(JsValue::from)?) },
        )
        .await
    }

    pub async fn alarm(&self) -> std::result::Result<JsValue, JsValue> {
        AssertUnwindSafe(async move {
            // Not `contained`: a failure is to be told to the platform, which repeats the alarm.
            let alarm = AssertUnwindSafe(async {
                self.on_alarm().await?;
                status_response(200)
            });
            Ok(alarm.await.map(JsValue::from)?)
        })
        .await
    }
}

impl KeyGate {
    async fn answer(&self, request: Request) -> worker::Result<Response> {
        // Before anything is awaited: while the key is being looked up in D1, no other event is
        // delivered, so that a cold object asks once, however many requests wake it.
        let asleep = self.awake.borrow().is_none();
        let woken = if asleep { self.wake().await } else { Ok(()) };
        if asleep && woken.is_ok() {
            self.rearm().await;
        }
        let bytes = Uint8Array::new(&JsFuture::from(request.array_buffer()?).await?).to_vec();
        match open::<ToGate>(&bytes) {
            Ok((ToGate::Ingest(ingest), at)) => match woken {
                Ok(()) => self.ingest(ingest, &bytes, at).await,
                Err(rejection) => refuse(&rejection),
            },
            Ok((ToGate::Command(command), _)) => {
                let reply = self.command(command, woken).await;
                bytes_response(&serde_json::to_vec(&reply)?)
            }
            Err(rejection) => refuse(&rejection),
        }
    }

    /// Learns its key: from its own row, else from D1. 'Not found' is never remembered.
    async fn wake(&self) -> Result<()> {
        if let Some(held) = storage::load(&self.sql)? {
            return self.rebuild(held);
        }
        let gate = self.state.id().name().ok_or_else(|| internal("an object without a name"))?;
        let catalogue = Catalogue::open(&self.env)?;
        let found = self
            .state
            .block_concurrency_while(
                async move { Ok(catalogue.integration_key_of_gate(&gate).await) },
            )
            .await??;
        if self.awake.borrow().is_some() {
            return Ok(());
        }
        let record = found.ok_or_else(invalid_key)?;
        let held = Held { record, source_address: None, intents: Vec::new() };
        storage::install(&self.sql, &held)?;
        self.rebuild(held)
    }

    fn rebuild(&self, held: Held) -> Result<()> {
        let settings = settings(&self.env)?;
        let awake = Awake::rebuild(&self.sql, held, &settings.sealing_keys, now())?;
        *self.awake.borrow_mut() = Some(awake);
        Ok(())
    }

    /// Runs `work` on the memory. Never across an await.
    fn with<T>(&self, work: impl FnOnce(&mut Awake) -> T) -> Result<T> {
        self.awake.borrow_mut().as_mut().map(work).ok_or_else(asleep)
    }
}

/// Answers a request that has no row in the log.
fn refuse(rejection: &Rejection) -> worker::Result<Response> {
    let request_id = unlogged_request_id();
    Answer::problem(rejection, &request_id).into_response(&request_id)
}

fn asleep() -> Rejection {
    Rejection::new(Code::Unavailable, "The key's gate is not ready. Try again.").retry_after(1)
}

/// The message of a frame and where its body begins.
fn open<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<(T, usize)> {
    let (message, at) = frame::decode::<Versioned<T>>(bytes)
        .map_err(|frame::Malformed| internal("a malformed frame"))?;
    let message = message.open().ok_or_else(|| internal("a frame of an unknown version"))?;
    Ok((message, at))
}

/// A place among the requests in flight, given back when it is dropped.
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

/// The response of the StoreLedger, read.
async fn response_bytes(response: &Response) -> Result<Vec<u8>> {
    super::objects::bytes(response)
        .await
        .map_err(|_| Rejection::new(Code::StoreUnavailable, "The store did not answer."))
}
