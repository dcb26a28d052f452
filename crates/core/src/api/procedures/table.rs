//! The table of the procedures, from which the dispatcher, the traits of the handlers and the
//! OpenAPI document are made.

#[cfg(test)]
use serde_json::{Map, Value};

use super::arguments::{Arguments, read_key_id, read_no_arguments};
use super::audit::{AuditPageOut, ListAuditEntries};
use super::key_outputs::{ChangedKeyOut, KeyPageOut, MintedKeyOut, ResealedOut};
use super::keys::{
    CreateIntegrationKey, ListIntegrationKeys, RotateIntegrationKey, SetSigningSecret,
};
use super::requests::{
    DiscardedOut, ListParked, ListRequests, ParkedEventId, ParkedPageOut, RequestPageOut,
    SettledOut, StatsOut,
};
use super::stores::{self, RenameStore, StoreListOut, StoreOut};
use super::team::{
    self, ChangeRole, CreatedInviteOut, InviteListOut, InviteMember, MemberListOut, MemberOut,
    RemovedMemberOut, WithdrawnInviteOut,
};
use super::workspaces::{SetUpOut, SetupWorkspace};
use super::{Credential, Handlers, Procedure};
#[cfg(test)]
use super::{Documentation, audit, key_outputs, requests, workspaces};
use crate::domain::credential::{KeyId, TagKeys};
use crate::domain::id::{InviteId, StoreId, UserId};
use crate::domain::rejection::Code::{InvalidState, NotFound, RateLimited};
use crate::domain::rejection::Rejection;

/// Checks the credential of a request, of the kind that the row names.
macro_rules! check {
    (SetupToken, $handlers:ident) => {
        $handlers.setup_token().await?
    };
    (Admin, $handlers:ident) => {
        $handlers.admin().await?
    };
}

/// A row has: the summary; the name in the path; the handler, with the credential and the arguments
/// that it takes; the status and the type of the response; the reader of the arguments; the codes
/// of its own; and, for the document, a function with an example of arguments and response.
macro_rules! procedures {
    ($(
        $(#[doc = $about:literal])*
        pub trait $resource:ident {$(
            $(#[doc = $summary:literal])*
            $name:literal => $handler:ident($credential:ident, $arguments:ty) -> $status:literal $output:ty;
                read: $read:expr; codes: $codes:expr; example: $example:path;
        )*}
    )*) => {
        /// Every procedure.
        pub const ALL: &[Procedure] = &[$($(Procedure {
            name: $name,
            summary: concat!($($summary),*).trim_ascii(),
            credential: Credential::$credential,
            status: $status,
            own_codes: &$codes,
        },)*)*];

        $(
            $(#[doc = $about])*
            pub trait $resource: Handlers {$(
                $(#[doc = $summary])*
                fn $handler(
                    &self,
                    caller: &Self::$credential,
                    arguments: $arguments,
                ) -> impl Future<Output = Result<$output, Self::Error>>;
            )*}
        )*

        /// Calls a procedure: checks the credential, reads the arguments, runs the handler.
        ///
        /// # Errors
        /// 404 if there is no procedure of this name, and those of [`Procedure::codes`].
        pub async fn call<H: $($resource +)*>(
            handlers: &H,
            name: &str,
            body: &[u8],
            tag_keys: &TagKeys,
        ) -> Result<H::Answer, H::Error> {
            match name {
                $($($name => {
                    let caller = check!($credential, handlers);
                    let read: fn(Arguments, &TagKeys) -> Result<$arguments, Rejection> = $read;
                    let output = handlers.$handler(&caller, read(Arguments::parse(body)?, tag_keys)?).await?;
                    handlers.answer($status, &output)
                })*)*
                _ => Err(Rejection::new(NotFound, "There is no such procedure.").into()),
            }
        }

        /// The documentation of a procedure. Adds to `named` the schemas that it refers to.
        #[cfg(test)]
        pub fn documentation(name: &str, named: &mut Map<String, Value>) -> Option<Documentation> {
            use crate::api::openapi::documented::Documented;
            use crate::api::openapi::examples::{serialized, tag_keys};
            use crate::api::recording;
            match name {
                $($($name => {
                    let (arguments, output): (Value, $output) = $example();
                    let read: fn(Arguments, &TagKeys) -> Result<$arguments, Rejection> = $read;
                    let body = arguments.to_string();
                    let read = |body: &str| read(Arguments::parse(body.as_bytes())?, &tag_keys());
                    Some(Documentation {
                        schema: recording::schema(|| read(&body)),
                        arguments,
                        response: <$output>::schema(named),
                        example: serialized(&output),
                    })
                })*)*
                _ => None,
            }
        }
    };
}

procedures! {
    /// The handlers of workspaces.
    pub trait Workspaces {
        /// Sets the deployment up: its first workspace, owner and store
        "core.rpc_setup_workspace" => setup_workspace(SetupToken, SetupWorkspace) -> 201 SetUpOut;
            read: |given, _| SetupWorkspace::read(given); codes: [InvalidState, RateLimited]; example: workspaces::examples::setup_workspace;
    }

    /// The handlers of stores.
    pub trait Stores {
        /// Creates a store
        "core.rpc_create_store" => create_store(Admin, String) -> 201 StoreOut;
            read: |given, _| stores::read_create_store(given); codes: []; example: stores::examples::create_store;
        /// Lists the stores of the workspace
        "core.rpc_list_stores" => list_stores(Admin, ()) -> 200 StoreListOut;
            read: read_no_arguments; codes: []; example: stores::examples::list_stores;
        /// Renames a store
        "core.rpc_rename_store" => rename_store(Admin, RenameStore) -> 200 StoreOut;
            read: |given, _| RenameStore::read(given); codes: [NotFound]; example: stores::examples::rename_store;
        /// Archives a store: it takes no new keys
        "core.rpc_archive_store" => archive_store(Admin, StoreId) -> 200 StoreOut;
            read: |given, _| stores::read_store_id(given); codes: [NotFound, InvalidState]; example: stores::examples::archive_store;
        /// Takes an archived store back
        "core.rpc_restore_store" => restore_store(Admin, StoreId) -> 200 StoreOut;
            read: |given, _| stores::read_store_id(given); codes: [NotFound, InvalidState]; example: stores::examples::restore_store;
    }

    /// The handlers of integration keys.
    pub trait Keys {
        /// Mints an integration key
        "core.rpc_create_integration_key" => create_integration_key(Admin, CreateIntegrationKey) -> 201 MintedKeyOut;
            read: |given, _| CreateIntegrationKey::read(given); codes: [NotFound, InvalidState]; example: key_outputs::examples::create;
        /// Lists integration keys
        "core.rpc_list_integration_keys" => list_integration_keys(Admin, ListIntegrationKeys) -> 200 KeyPageOut;
            read: |given, _| ListIntegrationKeys::read(given); codes: []; example: key_outputs::examples::list;
        /// Revokes a key at once, for ever
        "core.rpc_revoke_integration_key" => revoke_integration_key(Admin, KeyId) -> 200 ChangedKeyOut;
            read: read_key_id; codes: [NotFound]; example: key_outputs::examples::revoke;
        /// Pauses a key: requests are refused, webhooks parked
        "core.rpc_pause_integration_key" => pause_integration_key(Admin, KeyId) -> 200 ChangedKeyOut;
            read: read_key_id; codes: [NotFound, InvalidState]; example: key_outputs::examples::pause;
        /// Resumes a paused key
        "core.rpc_resume_integration_key" => resume_integration_key(Admin, KeyId) -> 200 ChangedKeyOut;
            read: read_key_id; codes: [NotFound, InvalidState]; example: key_outputs::examples::resume;
        /// Pastes or rotates a signing secret
        "core.rpc_set_signing_secret" => set_signing_secret(Admin, SetSigningSecret) -> 200 ChangedKeyOut;
            read: SetSigningSecret::read; codes: [NotFound, InvalidState]; example: key_outputs::examples::set_signing_secret;
        /// Seals the secrets of a page of keys under the newest sealing key
        "core.rpc_reseal_secrets" => reseal_secrets(Admin, ListIntegrationKeys) -> 200 ResealedOut;
            read: |given, _| ListIntegrationKeys::read(given); codes: []; example: key_outputs::examples::reseal;
        /// Mints a key in place of another, with its settings and in its namespace; the old one goes on until it is revoked
        "core.rpc_rotate_integration_key" => rotate_integration_key(Admin, RotateIntegrationKey) -> 201 MintedKeyOut;
            read: RotateIntegrationKey::read; codes: [NotFound, InvalidState]; example: key_outputs::examples::rotate;
    }

    /// The handlers of a key's requests and parked events.
    pub trait Requests {
        /// Counts the requests of a key
        "core.rpc_get_integration_key_stats" => get_integration_key_stats(Admin, KeyId) -> 200 StatsOut;
            read: read_key_id; codes: [NotFound]; example: requests::examples::stats;
        /// Lists the requests of a key, newest first
        "core.rpc_list_integration_requests" => list_integration_requests(Admin, ListRequests) -> 200 RequestPageOut;
            read: ListRequests::read; codes: [NotFound]; example: requests::examples::list_requests;
        /// Lists the parked events of a key
        "core.rpc_list_parked_events" => list_parked_events(Admin, ListParked) -> 200 ParkedPageOut;
            read: ListParked::read; codes: [NotFound]; example: requests::examples::list_parked;
        /// Tries a parked event again now
        "core.rpc_retry_parked_event" => retry_parked_event(Admin, ParkedEventId) -> 200 SettledOut;
            read: ParkedEventId::read; codes: [NotFound, InvalidState]; example: requests::examples::retry;
        /// Forgets a parked event for good
        "core.rpc_discard_parked_event" => discard_parked_event(Admin, ParkedEventId) -> 200 DiscardedOut;
            read: ParkedEventId::read; codes: [NotFound, InvalidState]; example: requests::examples::discard;
    }

    /// The handlers of the team.
    pub trait Team {
        /// Lists the members of the workspace
        "core.rpc_list_members" => list_members(Admin, ()) -> 200 MemberListOut;
            read: read_no_arguments; codes: []; example: team::examples::list_members;
        /// Changes the role of a member
        "core.rpc_change_member_role" => change_member_role(Admin, ChangeRole) -> 200 MemberOut;
            read: |given, _| ChangeRole::read(given); codes: [NotFound, InvalidState]; example: team::examples::change_role;
        /// Ends a membership, with its sessions and API keys
        "core.rpc_remove_member" => remove_member(Admin, UserId) -> 200 RemovedMemberOut;
            read: |given, _| team::read_user_id(given); codes: [NotFound, InvalidState]; example: team::examples::remove_member;
        /// Makes a link by which somebody joins the workspace
        "core.rpc_invite_member" => invite_member(Admin, InviteMember) -> 201 CreatedInviteOut;
            read: |given, _| InviteMember::read(given); codes: [InvalidState]; example: team::examples::invite_member;
        /// Lists the invites that have not been taken
        "core.rpc_list_invites" => list_invites(Admin, ()) -> 200 InviteListOut;
            read: read_no_arguments; codes: []; example: team::examples::list_invites;
        /// Withdraws an invite
        "core.rpc_withdraw_invite" => withdraw_invite(Admin, InviteId) -> 200 WithdrawnInviteOut;
            read: |given, _| team::read_invite_id(given); codes: [NotFound]; example: team::examples::withdraw_invite;
    }

    /// The handlers of the audit log.
    pub trait Audit {
        /// Lists entries of the audit log, newest first
        "core.rpc_list_audit_entries" => list_audit_entries(Admin, ListAuditEntries) -> 200 AuditPageOut;
            read: |given, _| ListAuditEntries::read(given); codes: []; example: audit::examples::list;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_procedures_have_the_same_name() {
        for (index, procedure) in ALL.iter().enumerate() {
            assert!(procedure.name.starts_with("core.rpc_"), "{}", procedure.name);
            assert!(ALL[index + 1..].iter().all(|other| other.name != procedure.name));
        }
    }
}
