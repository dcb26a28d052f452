//! `GET /v1/orders` and `GET /v1/orders/{id}`: orders for scripts, by API key.

use worker::Env;
use worker::worker_sys::web_sys::{Request, Response};

use super::answer::Answer;
use super::caller::Caller;
use super::catalogue::Catalogue;
use super::objects::{Method, Objects};
use super::platform::unlogged_request_id;
use super::{Result, internal};
use crate::api::order_query::OrderQuery;
use crate::domain::id::{OrderId, StoreId};
use crate::domain::rejection::{Code, Rejection};
use crate::protocol::store_ledger::{LedgerCommand, LedgerReply, object_name};
use crate::protocol::{Versioned, frame};

/// How long a ledger may take to answer.
const DEADLINE_MS: u32 = 5_000;

pub async fn list(request: &Request, env: &Env, query: &str) -> Result<Response> {
    let catalogue = Catalogue::open(env)?;
    let caller = Caller::of(request, env, &catalogue).await?;
    let OrderQuery { store, filter } = OrderQuery::parse(query)?;
    let stores = catalogue.stores(caller.workspace_id).await?;
    let store_id = match store {
        Some(id) if stores.iter().any(|store| store.store_id == id) => id,
        Some(_) => return Err(Rejection::new(Code::NotFound, "There is no such store.")),
        None => match stores.as_slice() {
            [only] => only.store_id,
            _ => {
                return Err(Rejection::new(
                    Code::InvalidQuery,
                    "Say which store with ?store_id=sto_…: the workspace has none or several.",
                ));
            }
        },
    };
    ask(env, store_id, LedgerCommand::ListOrders { store_id, filter }).await
}

pub async fn get(request: &Request, env: &Env, id: &str) -> Result<Response> {
    let catalogue = Catalogue::open(env)?;
    let caller = Caller::of(request, env, &catalogue).await?;
    let not_found = || Rejection::new(Code::NotFound, "There is no such order.");
    let id = OrderId::parse(id).ok_or_else(not_found)?;
    // Authority before routing: another workspace's order is not found.
    let stores = catalogue.stores(caller.workspace_id).await?;
    if !stores.iter().any(|store| store.store_id == id.store) {
        return Err(not_found());
    }
    let command = LedgerCommand::GetOrder { store_id: id.store, row: id.row.as_i64() };
    ask(env, id.store, command).await
}

/// Asks the ledger of a store; its body is the answer.
async fn ask(env: &Env, store: StoreId, command: LedgerCommand) -> Result<Response> {
    let unavailable = || {
        Rejection::new(Code::StoreUnavailable, "The store did not answer in time. Try again.")
            .retry_after(2)
    };
    let request = frame::encode(&Versioned::new(command), &[])
        .map_err(|frame::Malformed| internal("a command that is too large"))?;
    let answer = Objects::store_ledgers(env)?
        .call(&object_name(store), Method::Command, &request, DEADLINE_MS)
        .await
        .map_err(|_| unavailable())?;
    let (reply, body) = frame::decode::<Versioned<LedgerReply>>(&answer)
        .map_err(|frame::Malformed| internal("a malformed reply"))?;
    let body = String::from_utf8_lossy(body).into_owned();
    let request_id = unlogged_request_id();
    match reply.open() {
        Some(LedgerReply::Done { status, .. }) => {
            Ok(Answer::json(status, body).into_response(&request_id)?)
        }
        Some(LedgerReply::Rejected { rejection }) => Err(rejection),
        Some(LedgerReply::Failed { for_now: true }) => Err(unavailable()),
        _ => Err(internal("the ledger's reply does not fit the command")),
    }
}
