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
use worker::wasm_bindgen;
use worker::worker_sys::web_sys;
use worker::{DurableObject, Env, Request, Response, State, durable_object};

use awake::Awake;
use storage::Held;

use super::answer::Answer;
use super::catalogue::Catalogue;
use super::objects::Objects;
use super::platform::{now, settings, unlogged_request_id};
use super::sql::Sql;
use super::{Result, internal};
use crate::domain::admission::invalid_key;
use crate::domain::rejection::{Code, Rejection};
use crate::protocol::Versioned;
use crate::protocol::frame;
use crate::protocol::key_gate::{GateCommand, INGEST, Ingest};

#[durable_object]
pub struct KeyGate {
    state: State,
    env: Env,
    sql: AssertUnwindSafe<Sql>,
    ledgers: AssertUnwindSafe<worker::Result<Objects>>,
    /// `None` until the object knows its key.
    awake: AssertUnwindSafe<RefCell<Option<Awake>>>,
    /// Requests that have been admitted and have not been answered.
    in_flight: AssertUnwindSafe<Rc<Cell<u32>>>,
}

impl DurableObject for KeyGate {
    fn new(state: State, env: Env) -> Self {
        Self {
            sql: AssertUnwindSafe(Sql::new(&state)),
            ledgers: AssertUnwindSafe(Objects::store_ledgers(&env)),
            awake: AssertUnwindSafe(RefCell::new(None)),
            in_flight: AssertUnwindSafe(Rc::new(Cell::new(0))),
            state,
            env,
        }
    }

    async fn fetch(&self, request: Request) -> worker::Result<Response> {
        super::answer::contained(self.answer(request)).await
    }

    async fn alarm(&self) -> worker::Result<Response> {
        super::answer::contained(async {
            self.on_alarm().await;
            Response::empty()
        })
        .await
    }
}

impl KeyGate {
    async fn answer(&self, request: Request) -> worker::Result<Response> {
        let is_ingest = request.path() == INGEST;
        // Before anything is awaited: while the key is being looked up in D1, no other event is
        // delivered, so that a cold object asks once, however many requests wake it.
        let woken = match self.awake.borrow().is_some() {
            true => Ok(()),
            false => Err(()),
        };
        let woken = match woken {
            Ok(()) => Ok(()),
            Err(()) => self.wake().await,
        };
        let bytes =
            Uint8Array::new(&JsFuture::from(request.inner().array_buffer()?).await?).to_vec();
        if is_ingest {
            let answer = match open::<Ingest>(&bytes) {
                Ok((ingest, at)) => match woken {
                    Ok(()) => return self.ingest(ingest, &bytes, at).await,
                    Err(rejection) => rejection,
                },
                Err(rejection) => rejection,
            };
            let request_id = unlogged_request_id();
            return Answer::problem(&answer, &request_id).into_response(&request_id);
        }
        let reply = match serde_json::from_slice::<Versioned<GateCommand>>(&bytes) {
            Ok(command) => match command.open() {
                Some(command) => self.command(command, woken).await,
                None => Err(internal("a command of an unknown version")),
            },
            Err(error) => Err(internal(&format!("a malformed command: {error}"))),
        };
        let reply = serde_json::to_vec(&reply)?;
        super::answer::bytes_response(&reply)
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
async fn response_bytes(response: &web_sys::Response) -> Result<Vec<u8>> {
    super::objects::bytes(response)
        .await
        .map_err(|_| Rejection::new(Code::StoreUnavailable, "The store did not answer."))
}
