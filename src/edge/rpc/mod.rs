//! `POST /rpc/core.rpc_*`: everything the console does, for scripts, by an owner's or admin's API
//! key. A member gets 403; what belongs to another workspace is not found.

mod keys;
mod requests;
mod workspaces;

use std::rc::Rc;

use serde_json::json;
use subtle::ConstantTimeEq;
use worker::Env;
use worker::worker_sys::web_sys::{Request, Response};

use super::answer::Answer;
use super::caller::{Admin, Caller};
use super::catalogue::Catalogue;
use super::catalogue::audit_log::AuditEntry;
use super::incoming::{Target, bearer, body, header};
use super::objects::{Method, Objects};
use super::platform::{Settings, now, random, unlogged_request_id};
use super::{Result, internal};
use crate::api::rpc::{
    CreateIntegrationKey, ListIntegrationKeys, Procedure, SetSigningSecret, read_create_store,
    read_key_id, read_list_parked, read_list_requests, read_nothing, read_parked_event,
};
use crate::domain::credential::{GateName, KeyId};
use crate::domain::id::{AuditId, WorkspaceId};
use crate::domain::key::KeyChange;
use crate::domain::rejection::{Code, Rejection};
use crate::domain::time::Timestamp;
use crate::protocol::key_gate::{Actor, GateCommand, GateReply, GateResult, object_name};
use crate::protocol::{Versioned, frame};

/// How long a KeyGate may take over a command: a revoke waits up to 5 s for requests in flight.
const DEADLINE_MS: u32 = 15_000;

/// What a procedure needs besides its arguments.
struct Call<'a> {
    env: &'a Env,
    settings: &'a Rc<Settings>,
    catalogue: Catalogue,
    now: Timestamp,
    /// Where storefronts reach this deployment.
    api_origin: &'a str,
}

pub async fn handle(
    request: &Request,
    env: &Env,
    settings: &Rc<Settings>,
    procedure: &str,
    target: &Target<'_>,
) -> Result<Response> {
    let body = body(request).await?;
    let procedure = Procedure::parse(procedure)
        .ok_or_else(|| Rejection::new(Code::NotFound, "There is no such procedure."))?;
    let call = Call {
        env,
        settings,
        catalogue: Catalogue::open(env)?,
        now: now(),
        api_origin: settings.public_api_url.as_deref().unwrap_or(target.origin),
    };
    let answer = if procedure == Procedure::SetupWorkspace {
        check_setup_token(request, settings)?;
        call.setup_workspace(&body).await?
    } else {
        let caller = Caller::of(request, env, &call.catalogue).await?;
        call.as_admin(&caller.into_admin()?, procedure, &body).await?
    };
    Ok(answer.into_response(&unlogged_request_id())?)
}

/// The set-up of the first workspace takes the deployment's one-time token.
fn check_setup_token(request: &Request, settings: &Settings) -> Result<()> {
    let authorization = header(request, "authorization")?.unwrap_or_default();
    let presented = bearer(&authorization).unwrap_or_default();
    let valid = settings
        .setup_token
        .as_deref()
        .is_some_and(|token| token.as_bytes().ct_eq(presented.as_bytes()).into());
    if valid {
        return Ok(());
    }
    Err(Rejection::new(
        Code::InvalidApiKey,
        "Send the deployment's SETUP_TOKEN as `Authorization: Bearer …`.",
    ))
}

impl Call<'_> {
    async fn as_admin(&self, admin: &Admin, procedure: Procedure, body: &[u8]) -> Result<Answer> {
        let tag_keys = &self.settings.tag_keys;
        match procedure {
            Procedure::SetupWorkspace => Err(internal("the set-up has its own credential")),
            Procedure::CreateStore => self.create_store(admin, &read_create_store(body)?).await,
            Procedure::ListStores => {
                read_nothing(body)?;
                let stores = self.catalogue.stores(admin.workspace_id).await?;
                Answer::serialized(200, &json!({ "stores": stores }))
            }
            Procedure::CreateIntegrationKey => {
                self.create_integration_key(admin, CreateIntegrationKey::read(body)?).await
            }
            Procedure::ListIntegrationKeys => {
                self.list_integration_keys(admin, ListIntegrationKeys::read(body)?).await
            }
            Procedure::RevokeIntegrationKey => {
                self.change(admin, &read_key_id(body, tag_keys)?, KeyChange::Revoke).await
            }
            Procedure::PauseIntegrationKey => {
                self.change(admin, &read_key_id(body, tag_keys)?, KeyChange::Pause).await
            }
            Procedure::ResumeIntegrationKey => {
                self.change(admin, &read_key_id(body, tag_keys)?, KeyChange::Resume).await
            }
            Procedure::SetSigningSecret => {
                let SetSigningSecret { key_id, secret, overlap } =
                    SetSigningSecret::read(body, tag_keys)?;
                self.set_signing_secret(admin, &key_id, &secret, overlap).await
            }
            Procedure::ResealSecrets => {
                self.reseal_secrets(admin, ListIntegrationKeys::read(body)?).await
            }
            Procedure::GetIntegrationKeyStats => {
                self.stats(admin, &read_key_id(body, tag_keys)?).await
            }
            Procedure::ListIntegrationRequests => {
                let (key_id, filter) = read_list_requests(body, tag_keys)?;
                self.list_requests(admin, &key_id, filter).await
            }
            Procedure::ListParkedEvents => {
                let (key_id, limit, before) = read_list_parked(body, tag_keys)?;
                self.list_parked(admin, &key_id, limit, before).await
            }
            Procedure::RetryParkedEvent => {
                let (key_id, row) = read_parked_event(body, tag_keys)?;
                self.retry_parked(admin, &key_id, row).await
            }
            Procedure::DiscardParkedEvent => {
                let (key_id, row) = read_parked_event(body, tag_keys)?;
                self.discard_parked(admin, &key_id, row).await
            }
        }
    }

    /// The KeyGate of a key of the admin's workspace.
    async fn gate_of(&self, admin: &Admin, key_id: &KeyId) -> Result<GateName> {
        let not_found = || Rejection::new(Code::NotFound, "There is no such key.");
        let gate = key_id.gate().ok_or_else(not_found)?;
        let record = self.catalogue.integration_key(admin.workspace_id, gate).await?;
        record.map(|_| gate).ok_or_else(not_found)
    }

    async fn command(&self, gate: GateName, command: GateCommand) -> Result<GateReply> {
        let unavailable = |_| {
            Rejection::new(Code::Unavailable, "The key's gate did not answer in time. Try again.")
                .retry_after(2)
        };
        let frame = frame::encode(&Versioned::new(command), &[])
            .map_err(|frame::Malformed| internal("a command that is too large"))?;
        let reply = Objects::key_gates(self.env)?
            .call(&object_name(&gate), Method::Command, &frame, DEADLINE_MS)
            .await
            .map_err(unavailable)?;
        let (reply, _) = frame::decode::<GateResult>(&reply)
            .map_err(|frame::Malformed| internal("a malformed reply"))?;
        reply
    }

    fn audit(
        &self,
        workspace: WorkspaceId,
        actor: &Actor,
        action: &str,
        subject: &str,
        name: &str,
    ) -> Result<worker::D1PreparedStatement> {
        self.catalogue.insert_audit(&AuditEntry {
            id: AuditId::from_random(random()?),
            workspace,
            at: self.now,
            action,
            actor,
            subject,
            detail: json!({ "name": name }),
        })
    }
}

fn unfitting() -> Rejection {
    internal("the gate's reply does not fit the command")
}
