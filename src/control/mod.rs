//! The operations of owners and admins, shared by the RPCs (which respond with JSON) and the
//! console (which responds with pages). Each operation takes an [`Admin`](caller::Admin), so that it cannot be
//! called without that authority. A resource of another workspace is not found.

pub mod caller;
mod expiry;
mod keys;
mod owned;
mod requests;
mod stores;
mod team;
mod workspaces;

use std::rc::Rc;

use serde::de::DeserializeOwned;
use worker::{D1PreparedStatement, Env};

pub use keys::{ChangedKey, MintedKey};
pub use owned::{OwnedKey, OwnedStore, Relatives};
pub use requests::{Stats, Usage};
pub use team::CreatedInvite;
pub use workspaces::CreatedWorkspace;

use crate::catalogue::Catalogue;
use crate::catalogue::audit_log::AuditEntry;
use crate::objects::call::{LedgerQuery, call};
use crate::objects::object_call::ObjectCall;
use crate::platform::{Settings, now, random};
use crate::{Error, Result, internal};
use tidegate_core::domain::actor::Actor;
use tidegate_core::domain::credential::GateName;
use tidegate_core::domain::id::{AuditId, WorkspaceId};
use tidegate_core::domain::rejection::{Code, Rejection};
use tidegate_core::domain::time::Timestamp;
use tidegate_core::protocol::key_gate::{GateCommand, GateReply};
use tidegate_core::protocol::store_ledger::{LedgerCommand, LedgerReply};

/// Milliseconds that a KeyGate may take for a command, unless a page waits less long.
pub const GATE_DEADLINE_MS: u32 = GateCommand::DEADLINE_MS;

/// Runs the operations, with the bindings, the settings, the catalogue and the time of the
/// request.
pub struct ControlPlane<'a> {
    pub env: &'a Env,
    pub settings: &'a Rc<Settings>,
    pub catalogue: Catalogue,
    pub now: Timestamp,
}

impl<'a> ControlPlane<'a> {
    pub fn new(env: &'a Env, settings: &'a Rc<Settings>) -> Result<Self> {
        Ok(Self { env, settings, catalogue: Catalogue::open(env)?, now: now() })
    }

    /// Sends a command to the KeyGate of a key.
    async fn command(&self, key: &OwnedKey, command: GateCommand) -> Result<GateReply> {
        self.command_within(key.key_hash.gate(), command, GATE_DEADLINE_MS).await
    }

    /// Sends a command to a KeyGate, with a deadline in milliseconds.
    async fn command_within(
        &self,
        gate: GateName,
        command: GateCommand,
        deadline_ms: u32,
    ) -> Result<GateReply> {
        let unavailable = Rejection::key_gate_unavailable(2);
        let result = call(self.env, &gate, &command, deadline_ms).await;
        Ok(result.map_err(|error| error.or(unavailable))??)
    }

    /// Sends a command to a store's ledger and returns the status and JSON body of its reply.
    pub async fn ask_ledger(
        &self,
        store: &OwnedStore,
        command: LedgerCommand,
    ) -> Result<(u16, String)> {
        let reply = call(self.env, &store.id, &command, LedgerCommand::DEADLINE_MS).await;
        match reply.map_err(|error| error.or(store_unavailable()))? {
            (LedgerReply::Done { status, .. }, body) => Ok((status, body)),
            (LedgerReply::Rejected { rejection }, _) => Err(rejection.into()),
            _ => Err(internal("the ledger's reply does not fit the command")),
        }
    }

    /// Sends a query to a store's ledger.
    pub async fn query_ledger<R: DeserializeOwned>(
        &self,
        store: &OwnedStore,
        query: LedgerQuery<R>,
    ) -> Result<R> {
        let deadline = LedgerQuery::<R>::DEADLINE_MS;
        let reply = call(self.env, &store.id, &query, deadline).await;
        Ok(reply.map_err(|error| error.or(store_unavailable()))??)
    }

    /// The statement that writes an audit entry for an action of this actor, now.
    pub fn audit(
        &self,
        workspace: WorkspaceId,
        actor: &Actor,
        action: &str,
        subject: &str,
        detail: serde_json::Value,
    ) -> Result<D1PreparedStatement> {
        self.catalogue.insert_audit(&AuditEntry {
            id: AuditId::from_random(random()?),
            workspace,
            at: self.now,
            action,
            actor: Some(actor),
            address: actor.address.as_deref(),
            subject,
            detail,
        })
    }
}

fn unexpected_reply() -> Error {
    internal("the gate's reply does not fit the command")
}

fn store_unavailable() -> Rejection {
    Rejection::new(Code::StoreUnavailable, "The store did not answer in time. Try again.")
        .retry_after(2)
}
