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
    let stores = control_plane.catalogue.run(control_plane.stores(&caller)?).await?;
    let store = match store {
        Some(id) => stores
            .iter()
            .find(|store| store.id == id)
            .ok_or_else(|| Rejection::new(Code::NotFound, "There is no such store."))?,
        None => match stores.as_slice() {
            [only] => only,
            _ => {
                return Err(Rejection::new(
                    Code::InvalidQuery,
                    "Say which store with ?store_id=sto_…: the workspace has none or several.",
                )
                .into());
            }
        },
    };
    let command = LedgerCommand::ListOrders { store_id: store.id, filter };
    let (status, body) = control_plane.ask_ledger(store, command).await?;
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
    let store = control_plane.find_store(&caller, id.store).await?.ok_or_else(not_found)?;
    let command = LedgerCommand::GetOrder { store_id: id.store, row: id.row.as_i64() };
    let (status, body) = control_plane.ask_ledger(&store, command).await?;
    Ok(Answer::json(status, body).into_response(&unlogged_request_id())?)
}
