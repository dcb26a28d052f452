//! The operations of the procedures, from their table.

use serde_json::{Map, Value, json};

use super::operation::{Body, Operation, RateLimit, Success};
use super::schema::described;
use crate::api::procedures::{ALL, Credential, Documentation, documentation};

/// The operation of a procedure. Adds to `named` the schemas that it refers to.
pub fn operation(name: &str, named: &mut Map<String, Value>) -> Option<Operation> {
    let procedure = ALL.iter().find(|procedure| procedure.name == name)?;
    let Documentation { arguments, schema, response, example } = documentation(name, named)?;
    let (security, credential): (&[&str], _) = match procedure.credential {
        Credential::SetupToken => (&["setupToken"], "Takes the deployment's one-time token."),
        Credential::Admin => (&["apiKey"], "Takes the API key of an owner or admin."),
    };
    let no_arguments = arguments == json!({});
    Some(Operation {
        id: procedure.name,
        tag: "Procedures",
        summary: procedure.summary.to_owned(),
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
        successes: vec![Success::json(procedure.status, "Done.", response, example)],
        codes: procedure.codes().collect(),
        rate_limit: RateLimit::None,
    })
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
