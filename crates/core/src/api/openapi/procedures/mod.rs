//! The operations of the procedures `core.rpc_*`. The schemas of their arguments are recorded from
//! the readers that parse them.

mod keys;
mod requests;
mod workspaces;

use serde_json::{Value, json};

use super::operation::{Body, Operation, RateLimit, Success};
use super::schema::described;
use crate::api::procedures::keys::Procedure;
use crate::api::recording;
use crate::domain::rejection::{Code, Rejection};

/// The parts of an operation that differ from procedure to procedure.
struct ProcedureDetails {
    summary: &'static str,
    /// A complete example of its arguments.
    arguments: Value,
    /// The schema of its arguments, recorded from their reader.
    schema: Value,
    status: u16,
    /// The schema of its response.
    response: Value,
    /// An example of its response.
    example: Value,
    /// The codes that not every procedure has.
    codes: &'static [Code],
}

const NOT_FOUND: &[Code] = &[Code::NotFound];
const NOT_FOUND_OR_INVALID_STATE: &[Code] = &[Code::NotFound, Code::InvalidState];

/// The operation of a procedure.
pub fn operation(procedure: Procedure, name: &'static str) -> Operation {
    let ProcedureDetails {
        summary,
        arguments,
        schema,
        status,
        response,
        example,
        codes: own_codes,
    } = details(procedure);
    let is_setup = procedure == Procedure::SetupWorkspace;
    let (security, credential): (&[&str], _) = match is_setup {
        true => (&["setupToken"], "Takes the deployment's one-time token."),
        false => (&["apiKey"], "Takes the API key of an owner or admin."),
    };
    let mut codes =
        vec![Code::InvalidJson, Code::InvalidApiKey, Code::PayloadTooLarge, Code::ValidationFailed];
    if !is_setup {
        codes.push(Code::Forbidden);
    }
    codes.extend([Code::InternalError, Code::Unavailable]);
    codes.extend(own_codes);
    let no_arguments = arguments == json!({});
    Operation {
        id: name,
        tag: "Procedures",
        summary: summary.to_owned(),
        description: format!("{credential} An empty body counts as no arguments."),
        security,
        parameters: Vec::new(),
        body: Some(Body {
            content: vec![(
                "application/json",
                json!({ "schema": described(schema, argument_description), "example": arguments }),
            )],
            required: !no_arguments,
            description: "",
        }),
        successes: vec![Success::json(status, "Done.", response, example)],
        codes,
        rate_limit: RateLimit::None,
    }
}

/// The description of an argument, which is the same in every procedure that takes it.
fn argument_description(pointer: &str) -> Option<&'static str> {
    Some(match pointer {
        "/p_workspace_name" => "The name of the workspace.",
        "/p_owner_email" => "The address by which the owner logs in.",
        "/p_owner_password" => "At least 15 characters.",
        "/p_store_name" => "The name of its first store.",
        "/p_name" => "A name for people, without line breaks.",
        "/p_store_id" => "The store. Where it may be left out: of all stores.",
        "/p_source" => "A label of where the requests come from.",
        "/p_payload_format" => {
            "`peptideclients` is the JSON of this API; the others are the senders' own."
        }
        "/p_scopes" => "What the key may do. Never changes.",
        "/p_rate_limit_per_minute" => "Requests in any 60 seconds; over 6000 is kept as 6000.",
        "/p_expires_in_days" => "`null`: it does not expire.",
        "/p_require_signature" => {
            "Whether requests must be signed; must be true for native senders."
        }
        "/p_signing_secret" => {
            "The sender's own secret, 8 to 512 bytes without line breaks; for Wix the app's public key."
        }
        "/p_notification_url" => {
            "Only for Square, which signs the address of its webhook: that, exactly as it is registered, where it is not the `webhook_url`."
        }
        "/p_capture_bodies" => "Whether raw bodies are kept beside the log.",
        "/p_key_id" => "The key's public id.",
        "/p_overlap_hours" => "How long the secrets before it still count.",
        "/p_limit" => "Entries of one page.",
        "/p_cursor" => "The `next_cursor` of an earlier page.",
        "/p_status" => "Only requests that were answered this.",
        "/p_outcome" => "Only requests that ended so.",
        "/p_error_code" => "Only requests that were turned down for this.",
        "/p_external_id" => "Only requests about this external id.",
        "/p_idempotency_key" => "Only requests with this Idempotency-Key.",
        "/p_received_from" | "/p_from" => "At this time or later.",
        "/p_received_to" | "/p_to" => "Before this time.",
        "/p_event_id" => "The request that brought the event.",
        "/p_email" => "An e-mail address.",
        "/p_role" => "Only owners make, change or remove owners.",
        "/p_invite_id" => "The invite.",
        "/p_user_id" => "The member.",
        "/p_action" => "An action (`store.created`), or what stands before its dot.",
        "/p_subject" => "What was acted on.",
        _ => return None,
    })
}

/// The schema of arguments, recorded while their reader parses an example.
fn recorded<T>(arguments: &Value, reader: impl FnOnce(&[u8]) -> Result<T, Rejection>) -> Value {
    let body = arguments.to_string();
    recording::schema(|| reader(body.as_bytes()))
}

fn details(procedure: Procedure) -> ProcedureDetails {
    match procedure {
        Procedure::SetupWorkspace => workspaces::setup_workspace(),
        Procedure::CreateStore => workspaces::create_store(),
        Procedure::ListStores => workspaces::list_stores(),
        Procedure::RenameStore => workspaces::rename_store(),
        Procedure::ArchiveStore => workspaces::archive_store(),
        Procedure::RestoreStore => workspaces::restore_store(),
        Procedure::CreateIntegrationKey => keys::create_integration_key(),
        Procedure::RotateIntegrationKey => keys::rotate_integration_key(),
        Procedure::ListIntegrationKeys => keys::list_integration_keys(),
        Procedure::RevokeIntegrationKey => keys::revoke_integration_key(),
        Procedure::PauseIntegrationKey => keys::pause_integration_key(),
        Procedure::ResumeIntegrationKey => keys::resume_integration_key(),
        Procedure::SetSigningSecret => keys::set_signing_secret(),
        Procedure::ResealSecrets => keys::reseal_secrets(),
        Procedure::GetIntegrationKeyStats => keys::get_integration_key_stats(),
        Procedure::ListIntegrationRequests => requests::list_integration_requests(),
        Procedure::ListParkedEvents => requests::list_parked_events(),
        Procedure::RetryParkedEvent => requests::retry_parked_event(),
        Procedure::DiscardParkedEvent => requests::discard_parked_event(),
        Procedure::ListMembers => workspaces::list_members(),
        Procedure::ChangeMemberRole => workspaces::change_member_role(),
        Procedure::RemoveMember => workspaces::remove_member(),
        Procedure::InviteMember => workspaces::invite_member(),
        Procedure::ListInvites => workspaces::list_invites(),
        Procedure::WithdrawInvite => workspaces::withdraw_invite(),
        Procedure::ListAuditEntries => workspaces::list_audit_entries(),
    }
}
