//! StoreLedger: the Durable Object of one store.
//!
//! Invariants:
//! - Idempotency, external id, order, client and history of a command are written in one
//!   transaction, or none of them.
//! - Commands do not interleave: each runs from its first read to its last write without awaiting
//!   anything, so that of concurrent twins one writes and the others find what it wrote.
//! - Nothing is ever deleted because a sender says so.

mod clients;
mod events;
mod idempotency;
mod listing;
mod orders;

use std::cell::{Cell, RefCell};
use std::panic::AssertUnwindSafe;

use worker::js_sys::{Uint8Array, futures::JsFuture};
use worker::wasm_bindgen::{self, JsValue, prelude::wasm_bindgen};
use worker::worker_sys::DurableObjectState;
use worker::worker_sys::web_sys::{Request, Response};
use worker::{Env, durable::State};

use super::answer::{bytes_response, contained, status_response};
use super::platform::now;
use super::sql::Sql;
use super::{Result, internal};
use crate::domain::id::Row;
use crate::domain::time::Timestamp;
use crate::protocol::key_gate::Fault;
use crate::protocol::store_ledger::{LedgerCommand, LedgerReply};
use crate::protocol::{Versioned, frame};

/// The schema of a StoreLedger. `schema` holds its version; a later one migrates when it wakes.
/// Tables of idempotency are made per week ([`idempotency`]).
const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS schema (id INTEGER PRIMARY KEY CHECK (id = 1), version INTEGER NOT NULL);
INSERT OR IGNORE INTO schema VALUES (1, 1);
CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY, source TEXT NOT NULL, key_id TEXT NOT NULL, status TEXT NOT NULL, placed_at INTEGER NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, client_id INTEGER, content TEXT NOT NULL, stated TEXT NOT NULL, command_hash TEXT, version TEXT, history TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS clients (id INTEGER PRIMARY KEY, details TEXT NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, version TEXT, history TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS identities (kind TEXT NOT NULL, value TEXT NOT NULL, namespace TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (kind, value, namespace)) WITHOUT ROWID;
CREATE VIEW IF NOT EXISTS creations AS SELECT orders.*, '' AS external_id, '' AS namespace, '' AS key, '' AS fingerprint, '' AS internal_id, '' AS body FROM orders;
";

/// Not `#[durable_object]`: its conversions of requests and responses cost more than the work.
#[wasm_bindgen(wasm_bindgen = ::worker::wasm_bindgen)]
pub struct StoreLedger {
    sql: AssertUnwindSafe<Sql>,
    /// Whether the tables exist for sure.
    ready: AssertUnwindSafe<Cell<bool>>,
    weeks: AssertUnwindSafe<RefCell<idempotency::Weeks>>,
    last_row: AssertUnwindSafe<Cell<Option<Row>>>,
}

#[wasm_bindgen(
    wasm_bindgen = ::worker::wasm_bindgen,
    wasm_bindgen_futures = ::worker::wasm_bindgen_futures,
    js_sys = ::worker::js_sys
)]
impl StoreLedger {
    #[wasm_bindgen(constructor)]
    pub fn new(state: DurableObjectState, _env: Env) -> Self {
        Self {
            sql: AssertUnwindSafe(Sql::new(&State::from(state))),
            ready: AssertUnwindSafe(Cell::new(false)),
            weeks: AssertUnwindSafe(RefCell::default()),
            last_row: AssertUnwindSafe(Cell::new(None)),
        }
    }

    pub async fn fetch(&self, request: Request) -> std::result::Result<JsValue, JsValue> {
        AssertUnwindSafe(
            async move { Ok(contained(self.answer(request)).await.map(JsValue::from)?) },
        )
        .await
    }
}

impl StoreLedger {
    async fn answer(&self, request: Request) -> worker::Result<Response> {
        let buffer = JsFuture::from(request.array_buffer()?).await?;
        let bytes = Uint8Array::new(&buffer).to_vec();
        let command = frame::decode::<Versioned<LedgerCommand>>(&bytes)
            .ok()
            .and_then(|(command, _)| command.open());
        let Some(command) = command else {
            worker::console_error!("a command of an unknown form or version");
            return status_response(500);
        };
        if let Some(refused) = injected(&command).await {
            return refused;
        }
        let (reply, body) = match self.command(command, now()) {
            Ok(answered) => answered,
            Err(rejection) if rejection.code.status() >= 500 => {
                return status_response(rejection.code.status());
            }
            Err(rejection) => (LedgerReply::Rejected { rejection }, String::new()),
        };
        match frame::encode(&Versioned::new(reply), body.as_bytes()) {
            Ok(frame) => bytes_response(&frame),
            Err(frame::Malformed) => status_response(500),
        }
    }

    /// Carries out one command. Synchronous: nothing comes between.
    fn command(&self, command: LedgerCommand, now: Timestamp) -> Result<(LedgerReply, String)> {
        if !self.ready.get() {
            self.sql.run(SCHEMA, &[])?;
            self.ready.set(true);
        }
        match command {
            LedgerCommand::CreateOrder { origin, idempotency, order, fault: _ } => {
                self.create_order(&origin, idempotency.as_ref(), *order, now)
            }
            LedgerCommand::CheckIdempotency { namespace, idempotency } => {
                let known = self.known(namespace, Some(&idempotency), None, now)?;
                Ok(known.answer.unwrap_or((LedgerReply::Unused, String::new())))
            }
            LedgerCommand::Apply { origin, topic, delivery, event, fault: _ } => {
                let reply = self.apply(&origin, &topic, delivery, event, now)?;
                Ok((reply, String::new()))
            }
            LedgerCommand::GetOrder { store_id, row } => self.get_order(store_id, row),
            LedgerCommand::ListOrders { store_id, filter } => self.list_orders(store_id, &filter),
        }
    }

    /// Runs `work` in one transaction; what memory knows of the tables is forgotten where it fails.
    fn transaction<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let outcome = self.sql.transaction(work);
        if outcome.is_err() {
            self.forget_weeks();
            self.last_row.set(None);
        }
        outcome
    }

    /// The row of something that is made at `now`; after every row made before, also by an earlier
    /// life of this object.
    fn next_row(&self, now: Timestamp) -> Result<Row> {
        let last = match self.last_row.get() {
            Some(last) => Some(last),
            None => self.newest_row()?,
        };
        let row = Row::next(now, last);
        self.last_row.set(Some(row));
        Ok(row)
    }

    fn newest_row(&self) -> Result<Option<Row>> {
        #[derive(serde::Deserialize)]
        struct Newest {
            id: Option<Row>,
        }
        let newest = self.sql.first::<Newest>(
            "SELECT max((SELECT coalesce(max(id), 0) FROM orders),
                        (SELECT coalesce(max(id), 0) FROM clients)) AS id",
            &[],
        )?;
        Ok(newest.and_then(|newest| newest.id))
    }
}

/// Answers in place of the object where a test asks for a fault.
#[expect(clippy::panic, reason = "a fault on purpose, only in tests")]
async fn injected(command: &LedgerCommand) -> Option<worker::Result<Response>> {
    let (LedgerCommand::CreateOrder { fault, .. } | LedgerCommand::Apply { fault, .. }) = command
    else {
        return None;
    };
    match fault.as_ref()? {
        Fault::PanicStoreLedger => panic!("a panic on purpose"),
        Fault::LedgerError => Some(status_response(503)),
        Fault::LedgerHang => {
            worker::Delay::from(std::time::Duration::from_secs(10)).await;
            Some(status_response(503))
        }
        Fault::PanicWorker | Fault::PanicKeyGate => None,
    }
}

/// Reads a JSON column.
fn from_json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| internal(&format!("a stored column: {error}")))
}

/// Writes a JSON column.
fn to_json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| internal(&error.to_string()))
}
