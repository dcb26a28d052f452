//! `POST /rpc/core.rpc_*`: everything the console does, for scripts with the API key of an owner or
//! admin. A member gets 403; a resource of another workspace is not found.

mod json;
mod keys;
mod requests;
mod team;
mod workspaces;

use std::rc::Rc;

use subtle::ConstantTimeEq;
use worker::Env;
use worker::worker_sys::web_sys::{Request, Response};

use crate::control::ControlPlane;
use crate::control::caller::{Admin, Caller};
use crate::platform::answer::Answer;
use crate::platform::incoming::{Target, bearer, body, header};
use crate::platform::{Settings, unlogged_request_id};
use crate::{Result, internal};
use tidegate_core::api::procedures::keys::{
    CreateIntegrationKey, ListIntegrationKeys, Procedure, SetSigningSecret, read_create_store,
    read_key_id, read_no_arguments,
};
use tidegate_core::api::procedures::requests::{
    read_list_parked, read_list_requests, read_parked_event,
};
use tidegate_core::api::procedures::team::{
    InviteMember, ListAuditEntries, RotateIntegrationKey, read_change_role, read_invite_id,
    read_rename_store, read_store_id, read_user_id,
};
use tidegate_core::domain::key::KeyChange;
use tidegate_core::domain::rejection::{Code, Rejection};

/// The context of a procedure call, besides its arguments.
struct Call<'a> {
    control_plane: ControlPlane<'a>,
    /// The origin at which storefronts reach this deployment.
    api_origin: &'a str,
    /// The origin of the console.
    console_origin: &'a str,
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
        control_plane: ControlPlane::new(env, settings)?,
        api_origin: settings.public_api_url.as_deref().unwrap_or(target.origin),
        console_origin: settings.public_console_url.as_deref().unwrap_or(target.origin),
    };
    let answer = if procedure == Procedure::SetupWorkspace {
        let address = header(request, "cf-connecting-ip")?;
        call.control_plane.limit_attempts("setup", address.as_deref()).await?;
        let authorization = header(request, "authorization")?.unwrap_or_default();
        check_setup_token(bearer(&authorization).unwrap_or_default(), settings)?;
        call.setup_workspace(&body).await?
    } else {
        let caller = Caller::of(request, env, &call.control_plane.catalogue).await?;
        call.run_as_admin(&caller.into_admin()?, procedure, &body).await?
    };
    Ok(answer.into_response(&unlogged_request_id())?)
}

/// Checks the set-up token of the deployment, in constant time. Only the set-up of the first
/// workspace needs it.
pub fn check_setup_token(presented: &str, settings: &Settings) -> Result<()> {
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
    )
    .into())
}

impl Call<'_> {
    async fn run_as_admin(
        &self,
        admin: &Admin,
        procedure: Procedure,
        body: &[u8],
    ) -> Result<Answer> {
        let tag_keys = &self.control_plane.settings.tag_keys;
        match procedure {
            Procedure::SetupWorkspace => Err(internal("the set-up has its own credential")),
            Procedure::CreateStore => self.create_store(admin, &read_create_store(body)?).await,
            Procedure::ListStores => {
                read_no_arguments(body)?;
                self.list_stores(admin).await
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
                self.set_signing_secret(admin, SetSigningSecret::read(body, tag_keys)?).await
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
            Procedure::RotateIntegrationKey => {
                let arguments = RotateIntegrationKey::read(body, tag_keys)?;
                self.rotate_integration_key(admin, arguments).await
            }
            Procedure::RenameStore => {
                let (store, name) = read_rename_store(body)?;
                self.rename_store(admin, store, &name).await
            }
            Procedure::ArchiveStore => self.archive_store(admin, read_store_id(body)?, true).await,
            Procedure::RestoreStore => self.archive_store(admin, read_store_id(body)?, false).await,
            Procedure::ListMembers => {
                read_no_arguments(body)?;
                self.list_members(admin).await
            }
            Procedure::ChangeMemberRole => {
                let (user, role) = read_change_role(body)?;
                self.change_role(admin, user, role).await
            }
            Procedure::RemoveMember => self.remove_member(admin, read_user_id(body)?).await,
            Procedure::InviteMember => self.invite_member(admin, InviteMember::read(body)?).await,
            Procedure::ListInvites => {
                read_no_arguments(body)?;
                self.list_invites(admin).await
            }
            Procedure::WithdrawInvite => self.withdraw_invite(admin, read_invite_id(body)?).await,
            Procedure::ListAuditEntries => {
                self.list_audit_entries(admin, &ListAuditEntries::read(body)?).await
            }
        }
    }
}
