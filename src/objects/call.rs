//! The messages to Durable Objects, each with the type of its reply.

use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;
use worker::Env;

use super::client::{KEY_GATE, Objects, STORE_LEDGER};
use super::object_call::{CallError, Method, ObjectCall};
use tidegate_core::api::orders::replies::{OrderPage, OrderWithHistory, StoreSummary};
use tidegate_core::domain::credential::GateName;
use tidegate_core::domain::id::{OrderId, StoreId};
use tidegate_core::domain::rejection::Rejection;
use tidegate_core::domain::time::Timestamp;
use tidegate_core::protocol::frame::Malformed;
use tidegate_core::protocol::key_gate::{self, GateCommand, GateResult, Ingest};
use tidegate_core::protocol::store_ledger::{self, LedgerCommand, LedgerReply, OrderFilter};
use tidegate_core::protocol::{decode_reply, encode_command};

/// Calls an object from the Worker.
pub async fn call<C: ObjectCall>(
    env: &Env,
    object: &C::Object,
    command: &C,
    deadline_ms: u32,
) -> Result<C::Reply, CallError> {
    let objects = Objects::from_binding(env, C::BINDING)
        .map_err(|error| CallError::Failed(error.to_string()))?;
    objects.call(object, command, deadline_ms).await
}

fn failed(cause: &str) -> CallError {
    CallError::Failed(cause.to_owned())
}

fn without_body(command: &impl Serialize) -> Result<Vec<u8>, Malformed> {
    encode_command(command, &[])
}

impl ObjectCall for GateCommand {
    type Object = GateName;
    type Reply = GateResult;

    const BINDING: &'static str = KEY_GATE;

    /// A revoke waits up to 5 s for requests in flight.
    const DEADLINE_MS: u32 = 15_000;

    fn object_name(gate: &GateName) -> String {
        key_gate::object_name(gate)
    }

    fn frame(&self) -> Result<Vec<u8>, Malformed> {
        without_body(self)
    }

    fn read_reply(frame: Vec<u8>) -> Result<Self::Reply, CallError> {
        Ok(key_gate::decode_reply(&frame)?)
    }
}

impl ObjectCall for LedgerCommand {
    type Object = StoreId;
    /// The reply, and the JSON of the response or an empty text.
    type Reply = (LedgerReply, String);

    const BINDING: &'static str = STORE_LEDGER;

    const DEADLINE_MS: u32 = 5_000;

    fn object_name(store: &StoreId) -> String {
        store_ledger::object_name(*store)
    }

    fn frame(&self) -> Result<Vec<u8>, Malformed> {
        without_body(self)
    }

    fn read_reply(frame: Vec<u8>) -> Result<Self::Reply, CallError> {
        let (reply, body) = decode_reply(&frame)?;
        match reply {
            LedgerReply::Failed { temporary: true } => {
                Err(CallError::Unavailable { overloaded: false })
            }
            LedgerReply::Failed { temporary: false } => Err(failed("the object failed")),
            reply => {
                let body = String::from_utf8(body.to_vec())
                    .map_err(|_| failed("a reply that is not UTF-8"))?;
                Ok((reply, body))
            }
        }
    }
}

/// A query of a ledger, with the type of its reply.
pub struct LedgerQuery<R> {
    command: LedgerCommand,
    reply: PhantomData<R>,
}

impl LedgerQuery<OrderPage<'static>> {
    pub const fn orders(store_id: StoreId, filter: OrderFilter) -> Self {
        Self::new(LedgerCommand::ListOrders { store_id, filter })
    }
}

impl LedgerQuery<OrderWithHistory<'static>> {
    pub const fn order_with_history(id: OrderId) -> Self {
        Self::new(LedgerCommand::DescribeOrder { store_id: id.store, row: id.row.as_i64() })
    }
}

impl LedgerQuery<StoreSummary<'static>> {
    /// The figures of the time since `since`.
    pub const fn summary(store_id: StoreId, since: Timestamp) -> Self {
        Self::new(LedgerCommand::Summary { store_id, since })
    }
}

impl<R> LedgerQuery<R> {
    const fn new(command: LedgerCommand) -> Self {
        Self { command, reply: PhantomData }
    }
}

impl<R: DeserializeOwned> ObjectCall for LedgerQuery<R> {
    type Object = StoreId;
    type Reply = Result<R, Rejection>;

    const BINDING: &'static str = STORE_LEDGER;
    const DEADLINE_MS: u32 = LedgerCommand::DEADLINE_MS;

    fn object_name(store: &StoreId) -> String {
        LedgerCommand::object_name(store)
    }

    fn frame(&self) -> Result<Vec<u8>, Malformed> {
        self.command.frame()
    }

    fn read_reply(frame: Vec<u8>) -> Result<Self::Reply, CallError> {
        match LedgerCommand::read_reply(frame)? {
            (LedgerReply::Done { .. }, body) => {
                let reply = serde_json::from_str(&body);
                Ok(Ok(reply.map_err(|error| failed(&format!("a malformed reply: {error}")))?))
            }
            (LedgerReply::Rejected { rejection }, _) => Ok(Err(rejection)),
            _ => Err(failed("a reply that does not fit the query")),
        }
    }
}

/// A storefront's request with its raw body.
pub struct IngestCall<'a> {
    pub ingest: Ingest,
    pub body: &'a [u8],
}

impl ObjectCall for IngestCall<'_> {
    type Object = GateName;
    /// A frame of `ResponseInit` and response body.
    type Reply = Vec<u8>;

    const BINDING: &'static str = KEY_GATE;
    const METHOD: Method = Method::Ingest;
    /// A little more than two calls of a KeyGate's own to the ledger.
    const DEADLINE_MS: u32 = 8_000;

    fn object_name(gate: &GateName) -> String {
        key_gate::object_name(gate)
    }

    fn frame(&self) -> Result<Vec<u8>, Malformed> {
        encode_command(&self.ingest, self.body)
    }

    fn read_reply(frame: Vec<u8>) -> Result<Vec<u8>, CallError> {
        Ok(frame)
    }
}
