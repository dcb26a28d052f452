//! What owners and admins can do, however they ask: the procedures answer it as JSON, the console
//! as pages. Each takes an [`Admin`], so that none can be reached without that authority; what
//! belongs to another workspace is not found.

mod expiry;
mod keys;
mod requests;
mod stores;
mod team;
mod workspaces;

use std::rc::Rc;

use worker::{D1PreparedStatement, Env};

pub use keys::{Change, Minting};
pub use requests::{Stats, Usage};
pub use team::Invited;
pub use workspaces::SetUp;

use super::caller::Admin;
use super::catalogue::Catalogue;
use super::catalogue::audit_log::AuditEntry;
use super::objects::{Method, Objects};
use super::platform::{Settings, now, random};
use super::{Result, internal};
use crate::domain::credential::{GateName, KeyId};
use crate::domain::id::{AuditId, StoreId, WorkspaceId};
use crate::domain::key::KeyRecord;
use crate::domain::rejection::{Code, Rejection};
use crate::domain::time::Timestamp;
use crate::protocol::key_gate::{self, Actor, GateCommand, GateReply, GateResult};
use crate::protocol::store_ledger::{self, LedgerCommand, LedgerReply};
use crate::protocol::{Versioned, frame};

/// How long a KeyGate may take over a command: a revoke waits up to 5 s for requests in flight.
const GATE_DEADLINE_MS: u32 = 15_000;

/// How long a ledger may take to answer.
const LEDGER_DEADLINE_MS: u32 = 5_000;

/// What the operations work on.
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

    /// A key of the admin's workspace.
    pub async fn key(&self, admin: &Admin, key_id: &KeyId) -> Result<KeyRecord> {
        let not_found = || Rejection::new(Code::NotFound, "There is no such key.");
        let gate = key_id.gate().ok_or_else(not_found)?;
        let record = self.catalogue.integration_key(admin.workspace_id, gate).await?;
        record.ok_or_else(not_found)
    }

    /// The KeyGate of a key of the admin's workspace.
    async fn gate_of(&self, admin: &Admin, key_id: &KeyId) -> Result<GateName> {
        Ok(self.key(admin, key_id).await?.key_hash.gate())
    }

    /// Asks a KeyGate, whose key was found to be of the right workspace.
    pub async fn command(&self, gate: GateName, command: GateCommand) -> Result<GateReply> {
        self.command_within(gate, command, GATE_DEADLINE_MS).await
    }

    /// The same with another deadline.
    pub async fn command_within(
        &self,
        gate: GateName,
        command: GateCommand,
        deadline_ms: u32,
    ) -> Result<GateReply> {
        let unavailable = |_| {
            Rejection::new(Code::Unavailable, "The key's gate did not answer in time. Try again.")
                .retry_after(2)
        };
        let frame = frame::encode(&Versioned::new(command), &[])
            .map_err(|frame::Malformed| internal("a command that is too large"))?;
        let reply = Objects::key_gates(self.env)?
            .call(&key_gate::object_name(&gate), Method::Command, &frame, deadline_ms)
            .await
            .map_err(unavailable)?;
        let (reply, _) = frame::decode::<GateResult>(&reply)
            .map_err(|frame::Malformed| internal("a malformed reply"))?;
        reply
    }

    /// Asks the ledger of a store, which was found to be of the right workspace; answers the status
    /// and the JSON that it gives.
    pub async fn ask_ledger(
        &self,
        store: StoreId,
        command: LedgerCommand,
    ) -> Result<(u16, String)> {
        let unavailable = || {
            Rejection::new(Code::StoreUnavailable, "The store did not answer in time. Try again.")
                .retry_after(2)
        };
        let request = frame::encode(&Versioned::new(command), &[])
            .map_err(|frame::Malformed| internal("a command that is too large"))?;
        let name = store_ledger::object_name(store);
        let answer = Objects::store_ledgers(self.env)?
            .call(&name, Method::Command, &request, LEDGER_DEADLINE_MS)
            .await
            .map_err(|_| unavailable())?;
        let (reply, body) = frame::decode::<Versioned<LedgerReply>>(&answer)
            .map_err(|frame::Malformed| internal("a malformed reply"))?;
        match reply.open() {
            Some(LedgerReply::Done { status, .. }) => {
                Ok((status, String::from_utf8_lossy(body).into_owned()))
            }
            Some(LedgerReply::Rejected { rejection }) => Err(rejection),
            Some(LedgerReply::Failed { for_now: true }) => Err(unavailable()),
            _ => Err(internal("the ledger's reply does not fit the command")),
        }
    }

    /// An entry of the audit log for what an actor does now.
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

fn unfitting() -> Rejection {
    internal("the gate's reply does not fit the command")
}
