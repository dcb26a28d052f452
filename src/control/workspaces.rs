//! The set-up of a deployment: its first workspace, with an owner and a store.

use serde_json::json;

use super::ControlPlane;
use crate::catalogue::workspaces::NewOwner;
use crate::platform::random;
use crate::{Result, internal};
use tidegate_core::api::procedures::workspaces::SetupWorkspace;
use tidegate_core::domain::actor::Actor;
use tidegate_core::domain::credential::ApiSecret;
use tidegate_core::domain::id::{ApiKeyId, StoreId, UserId, WorkspaceId};
use tidegate_core::domain::password;
use tidegate_core::domain::rejection::{Code, Rejection};

/// The ids that the set-up has created.
pub struct CreatedWorkspace {
    pub workspace_id: WorkspaceId,
    pub user_id: UserId,
    pub store_id: StoreId,
}

impl ControlPlane<'_> {
    /// Creates the first workspace, once. `api_key` is for its owner, who has no other way to call
    /// the RPCs.
    pub async fn set_up(
        &self,
        arguments: &SetupWorkspace,
        api_key: Option<(ApiKeyId, &ApiSecret)>,
        address: Option<String>,
    ) -> Result<CreatedWorkspace> {
        let already_set_up = || {
            Rejection::new(
                Code::InvalidState,
                "This deployment has been set up: it has a workspace.",
            )
        };
        if self.catalogue.has_workspace().await? {
            return Err(already_set_up().into());
        }
        let workspace_id = WorkspaceId::from_random(random()?);
        let user_id = UserId::from_random(random()?);
        let store_id = StoreId::from_random(random()?);
        let password_hash = password::hash(&arguments.owner_password, &random()?)
            .ok_or_else(|| internal("a password that cannot be hashed"))?;
        let owner =
            NewOwner { user_id, email: &arguments.owner_email, password_hash: &password_hash };
        let (catalogue, now, name) = (&self.catalogue, self.now, &arguments.workspace_name);
        let mut batch = catalogue.insert_first_workspace(workspace_id, name, &owner, now)?;
        batch.push(catalogue.insert_store(store_id, workspace_id, &arguments.store_name, now)?);
        if let Some((id, secret)) = api_key {
            let insert =
                catalogue.insert_api_key(id, secret, workspace_id, user_id, "Set-up", now)?;
            batch.push(insert);
        }
        let actor = Actor { user_id, api_key_id: None, address };
        let (subject, detail) = (workspace_id.to_string(), json!({ "name": name }));
        batch.push(self.audit(workspace_id, &actor, "workspace.created", &subject, detail)?);
        if catalogue.batch(batch).await.is_err() {
            return match catalogue.has_workspace().await? {
                true => Err(already_set_up().into()),
                false => Err(internal("the set-up was not written")),
            };
        }
        Ok(CreatedWorkspace { workspace_id, user_id, store_id })
    }
}
