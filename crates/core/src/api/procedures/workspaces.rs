//! The set-up of a deployment: its first workspace.

#[cfg(test)]
use serde_json::json;

use super::arguments::{Arguments, email, name};
use crate::api::fields::note;
use crate::api::output::{Revealed, output};
use crate::domain::credential::ApiSecret;
use crate::domain::id::{ApiKeyId, StoreId, UserId, WorkspaceId};
use crate::domain::rejection::Rejection;

/// `core.rpc_setup_workspace`
#[derive(Debug)]
pub struct SetupWorkspace {
    pub workspace_name: String,
    pub owner_email: String,
    pub owner_password: String,
    pub store_name: String,
}

/// The length of a password, in characters. NIST SP 800-63B §3.1.1.2 requires 15 if it is the only
/// factor.
const PASSWORD_LENGTH: std::ops::RangeInclusive<usize> = 15..=200;

/// Checks the length of a new password; the error completes a sentence about the password.
pub fn check_password(password: &str) -> Result<(), &'static str> {
    match password.chars().count() {
        length if length < *PASSWORD_LENGTH.start() => Err("must have at least 15 characters."),
        length if length > *PASSWORD_LENGTH.end() => Err("must have at most 200 characters."),
        _ => Ok(()),
    }
}

impl SetupWorkspace {
    pub fn read(given: Arguments) -> Result<Self, Rejection> {
        given.read(|fields| {
            let workspace_name = name(fields, "p_workspace_name");
            let owner_email = email(fields, "p_owner_email");
            let owner_password = fields.text("p_owner_password", *PASSWORD_LENGTH.end());
            note!(fields, "p_owner_password", json!({ "minLength": PASSWORD_LENGTH.start() }));
            let owner_password = fields.required("p_owner_password", owner_password);
            if let Some(Err(detail)) = owner_password.as_deref().map(check_password) {
                fields.problem("p_owner_password", "too_short", detail);
            }
            let store_name = name(fields, "p_store_name");
            Some(Self {
                workspace_name: workspace_name?,
                owner_email: owner_email?,
                owner_password: owner_password?,
                store_name: store_name?,
            })
        })
    }
}

output! {
    /// What a set-up has created.
    pub struct SetUpOut {
        pub workspace_id: WorkspaceId,
        pub user_id: UserId,
        pub store_id: StoreId,
        pub api_key_id: ApiKeyId,
        /// The owner's API key: shown in this answer and nowhere else.
        pub api_key: Revealed<ApiSecret>,
    }
}

#[cfg(test)]
pub mod examples {
    use super::*;
    use crate::api::openapi::examples::{api_key_id, store_id, tag_keys, user_id, workspace_id};
    use serde_json::Value;

    pub fn setup_workspace() -> (Value, SetUpOut) {
        let arguments = json!({
            "p_workspace_name": "Acme", "p_owner_email": "owner@example.com",
            "p_owner_password": "correct horse battery staple", "p_store_name": "Main store",
        });
        let created = SetUpOut {
            workspace_id: workspace_id(),
            user_id: user_id(),
            store_id: store_id(),
            api_key_id: api_key_id(),
            api_key: Revealed(ApiSecret::mint(&[0; 20], &tag_keys())),
        };
        (arguments, created)
    }
}
