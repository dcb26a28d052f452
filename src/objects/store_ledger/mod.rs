//! StoreLedger: the Durable Object of one store.
//!
//! Invariants:
//! - The idempotency row, external id, order, client and history of a command are written in one
//!   transaction: all of them or none.
//! - Commands do not interleave. Each runs from its first read to its last write without awaiting
//!   anything, so of several identical concurrent commands one writes and the others find its rows.
//! - No row is ever deleted because a sender reports a deletion.

mod commands;
mod commit;
mod idempotency;
mod listing;
mod reading;
mod records;
mod schema;

use std::cell::{Cell, RefCell};
use std::panic::AssertUnwindSafe;

use worker::js_sys::{Promise, Uint8Array};
use worker::wasm_bindgen::{self, JsValue, prelude::wasm_bindgen};
use worker::worker_sys::DurableObjectState;
use worker::{Env, durable::State};

use crate::platform::now;
use crate::platform::sql::Sql;
use crate::{Result, internal};
use tidegate_core::domain::id::{Sequence, SequenceId};
use tidegate_core::domain::log::Outcome;
use tidegate_core::domain::record::StoredOrder;
use tidegate_core::domain::time::Timestamp;
use tidegate_core::protocol::key_gate::Fault;
use tidegate_core::protocol::store_ledger::{LedgerCommand, LedgerReply};
use tidegate_core::protocol::{self, Unreadable, decode_command};

/// The Rust half of the object. It is owned by the class of the same name in `entry.mjs`, which the
/// runtime instantiates.
#[wasm_bindgen(wasm_bindgen = ::worker::wasm_bindgen)]
pub struct StoreLedger {
    sql: AssertUnwindSafe<Sql>,
    /// The object's name, as far as the platform tells it.
    name: Option<String>,
    /// Whether the tables are known to be of the newest version.
    is_migrated: AssertUnwindSafe<Cell<bool>>,
    weeks: AssertUnwindSafe<RefCell<idempotency::Weeks>>,
    last_sequence_id: AssertUnwindSafe<Cell<Option<SequenceId>>>,
}

#[wasm_bindgen(wasm_bindgen = ::worker::wasm_bindgen)]
impl StoreLedger {
    #[wasm_bindgen(constructor)]
    pub fn new(state: DurableObjectState, _env: Env) -> Self {
        let state = State::from(state);
        Self {
            sql: AssertUnwindSafe(Sql::new(&state)),
            name: state.id().name(),
            is_migrated: AssertUnwindSafe(Cell::new(false)),
            weeks: AssertUnwindSafe(RefCell::default()),
            last_sequence_id: AssertUnwindSafe(Cell::new(None)),
        }
    }

    /// Takes a framed [`LedgerCommand`]. Returns a framed [`LedgerReply`] with its body. Returns at
    /// once, without a promise, so that commands do not interleave.
    pub fn command(&self, frame: Uint8Array) -> JsValue {
        let frame = frame.to_vec();
        let result = std::panic::catch_unwind(AssertUnwindSafe(|| self.handle_frame(&frame)));
        match result {
            Ok(Ok(reply)) => reply,
            Ok(Err(cause)) => failure_frame(cause, false),
            Err(_) => failure_frame("a panic in a StoreLedger", false),
        }
    }
}

impl StoreLedger {
    fn handle_frame(&self, frame: &[u8]) -> std::result::Result<JsValue, &'static str> {
        let received = decode_command::<LedgerCommand>(frame);
        let command = received.map_err(|error| match error {
            Unreadable::Malformed => "a malformed command",
            Unreadable::OtherVersion => "a command of an unknown version",
        })?;
        let command = command.command;
        if let Some(fault) = injected_fault(&command) {
            return Ok(fault);
        }
        match self.reply_to(command, now()) {
            (LedgerReply::Failed { temporary: false }, _) => Err("a failed command"),
            (reply, body) => Ok(encode_reply(reply, &body)),
        }
    }

    /// Carries out one command and converts its result, or its error, to a reply.
    fn reply_to(&self, command: LedgerCommand, now: Timestamp) -> (LedgerReply, String) {
        match self.carry_out(command, now) {
            Ok(reply) => reply,
            Err(error) if error.code().status() >= 500 => {
                error.into_rejection();
                (LedgerReply::Failed { temporary: false }, String::new())
            }
            Err(error) => {
                (LedgerReply::Rejected { rejection: error.into_rejection() }, String::new())
            }
        }
    }

    /// Carries out one command. Synchronous, so no other command runs in between.
    fn carry_out(&self, command: LedgerCommand, now: Timestamp) -> Result<(LedgerReply, String)> {
        if !self.is_migrated.get() {
            schema::MIGRATIONS.run(&self.sql, self.name.as_deref())?;
            self.is_migrated.set(true);
        }
        match command {
            LedgerCommand::Write { origin, idempotency, write, dry_run, fault: _ } => {
                self.write(&origin, idempotency.as_ref(), write, dry_run, now)
            }
            LedgerCommand::Batch { commands } => Ok(self.batch(commands, now)),
            LedgerCommand::CheckIdempotency { store_id, namespace, idempotency } => {
                let prior = self.find_prior(store_id, namespace, Some(&idempotency), None, now)?;
                Ok(prior.reply.unwrap_or((LedgerReply::NoStoredResponse, String::new())))
            }
            LedgerCommand::Apply { origin, topic, delivery, event, fault: _ } => {
                let reply = self.apply(&origin, &topic, delivery, event, now)?;
                Ok((reply, String::new()))
            }
            LedgerCommand::GetOrder { store_id, row } => self.get_order(store_id, row),
            LedgerCommand::DescribeOrder { store_id, row } => self.describe_order(store_id, row),
            LedgerCommand::ListOrders { store_id, filter } => self.list_orders(store_id, &filter),
            LedgerCommand::Summary { store_id, since } => self.summary(store_id, since),
        }
    }

    /// Runs `work` in one transaction. If it fails, the cached knowledge of the tables is dropped,
    /// because the rollback may have made it wrong.
    fn transaction<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let outcome = self.sql.transaction(work);
        if outcome.is_err() {
            self.forget_weeks();
            self.last_sequence_id.set(None);
        }
        outcome
    }

    /// Assigns the ids and change numbers of a command at `now`. They are greater than all that were
    /// assigned before, also before the object last lost its memory.
    fn sequence(&self, now: Timestamp) -> Result<Sequence> {
        let last = match self.last_sequence_id.get() {
            Some(last) => Some(last),
            None => self.newest_stored_id()?,
        };
        Ok(Sequence { now, last })
    }

    fn newest_stored_id(&self) -> Result<Option<SequenceId>> {
        #[derive(serde::Deserialize)]
        struct Newest {
            id: Option<SequenceId>,
        }
        let newest = self.sql.first::<Newest>(
            "SELECT max((SELECT coalesce(max(id), 0) FROM orders),
                        (SELECT coalesce(max(change), 0) FROM orders),
                        (SELECT coalesce(max(id), 0) FROM clients),
                        (SELECT coalesce(max(change), 0) FROM clients WHERE change <> id),
                        (SELECT coalesce(max(id), 0) FROM payments),
                        (SELECT coalesce(max(id), 0) FROM refunds)) AS id",
            &[],
        )?;
        Ok(newest.and_then(|newest| newest.id))
    }
}

/// The reply to a query, with the ids of the order if the query was about one.
fn query_reply(order: Option<&StoredOrder>) -> LedgerReply {
    LedgerReply::Done {
        status: 200,
        outcome: Outcome::Accepted,
        internal_id: order.map(|order| order.id.to_string()),
        external_id: order.and_then(|order| order.content.external_id.clone()),
    }
}

fn encode_reply(reply: LedgerReply, body: &str) -> JsValue {
    let frame = protocol::encode_reply(&reply, body.as_bytes()).unwrap_or_default();
    Uint8Array::from(&frame[..]).into()
}

fn failure_frame(cause: &str, temporary: bool) -> JsValue {
    worker::console_error!("{cause}");
    encode_reply(LedgerReply::Failed { temporary }, "")
}

/// The reply that replaces the object's own when a test asks for a fault.
#[expect(clippy::panic, reason = "a fault on purpose, only in tests")]
fn injected_fault(command: &LedgerCommand) -> Option<JsValue> {
    let fault = match command {
        LedgerCommand::Write { fault, .. } | LedgerCommand::Apply { fault, .. } => fault,
        LedgerCommand::Batch { commands } => return commands.iter().find_map(injected_fault),
        _ => return None,
    };
    match fault.as_ref()? {
        Fault::PanicStoreLedger => panic!("a panic on purpose"),
        Fault::LedgerError => Some(failure_frame("a fault on purpose", true)),
        // A promise that never settles.
        Fault::LedgerHang => Some(Promise::new(&mut |_, _| {}).into()),
        Fault::PanicWorker | Fault::PanicKeyGate | Fault::TrapWorker => None,
    }
}

/// Parses a JSON column.
fn from_json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| internal(format!("a stored column: {error}")))
}

/// Serializes a JSON column.
fn to_json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| internal(error.to_string()))
}
