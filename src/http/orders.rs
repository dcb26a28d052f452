//! `GET /v1/orders` and `GET /v1/orders/{id}`: orders for scripts, with an API key.

use std::rc::Rc;

use worker::Env;
use worker::worker_sys::web_sys::{Request, Response};

use crate::Result;
use crate::control::ControlPlane;
use crate::control::caller::Caller;
use crate::platform::answer::Answer;
use crate::platform::{Settings, unlogged_request_id};
use tidegate_core::api::orders::query::OrderQuery;
use tidegate_core::domain::id::OrderId;
use tidegate_core::domain::rejection::{Code, Rejection};
use tidegate_core::protocol::store_ledger::LedgerCommand;

pub async fn list(
    request: &Request,
    env: &Env,
    settings: &Rc<Settings>,
    query: &str,
) -> Result<Response> {
    let control_plane = ControlPlane::new(env, settings)?;
    let caller = Caller::of(request, env, &control_plane.catalogue).await?;
    let OrderQuery { store, filter } = OrderQuery::parse(query)?;
    let stores = control_plane.catalogue.stores(caller.workspace_id).await?;
    let store_id = match store {
        Some(id) if stores.iter().any(|store| store.id == id) => id,
        Some(_) => return Err(Rejection::new(Code::NotFound, "There is no such store.").into()),
        None => match stores.as_slice() {
            [only] => only.id,
            _ => {
                return Err(Rejection::new(
                    Code::InvalidQuery,
                    "Say which store with ?store_id=sto_…: the workspace has none or several.",
                )
                .into());
            }
        },
    };
    let command = LedgerCommand::ListOrders { store_id, filter };
    let (status, body) = control_plane.ask_ledger(store_id, command).await?;
    Ok(Answer::json(status, body).into_response(&unlogged_request_id())?)
}

pub async fn get(
    request: &Request,
    env: &Env,
    settings: &Rc<Settings>,
    id: &str,
) -> Result<Response> {
    let control_plane = ControlPlane::new(env, settings)?;
    let caller = Caller::of(request, env, &control_plane.catalogue).await?;
    let not_found = || Rejection::new(Code::NotFound, "There is no such order.");
    let id = OrderId::parse(id).ok_or_else(not_found)?;
    // The ledger is called only after this check: another workspace's order is not found.
    control_plane.catalogue.store(caller.workspace_id, id.store).await?.ok_or_else(not_found)?;
    let command = LedgerCommand::GetOrder { store_id: id.store, row: id.row.as_i64() };
    let (status, body) = control_plane.ask_ledger(id.store, command).await?;
    Ok(Answer::json(status, body).into_response(&unlogged_request_id())?)
}
