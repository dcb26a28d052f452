//! The procedures of workspaces and stores.

use serde_json::json;

use super::Call;
use crate::api::rpc::SetupWorkspace;
use crate::domain::credential::ApiSecret;
use crate::domain::id::{ApiKeyId, StoreId, UserId, WorkspaceId};
use crate::domain::password;
use crate::domain::rejection::{Code, Rejection};
use crate::edge::answer::Answer;
use crate::edge::caller::Admin;
use crate::edge::catalogue::workspaces::NewOwner;
use crate::edge::platform::random;
use crate::edge::{Result, internal};
use crate::protocol::key_gate::Actor;

impl Call<'_> {
    pub(super) async fn setup_workspace(&self, body: &[u8]) -> Result<Answer> {
        let arguments = SetupWorkspace::read(body)?;
        let exists = || {
            Rejection::new(
                Code::InvalidState,
                "This deployment has been set up: it has a workspace.",
            )
        };
        if self.catalogue.has_workspace().await? {
            return Err(exists());
        }
        let workspace = WorkspaceId::from_random(random()?);
        let user = UserId::from_random(random()?);
        let store = StoreId::from_random(random()?);
        let api_key_id = ApiKeyId::from_random(random()?);
        let api_key = ApiSecret::mint(&random()?, &self.settings.tag_keys);
        let password_hash = password::hash(&arguments.owner_password, &random()?)
            .ok_or_else(|| internal("a password that cannot be hashed"))?;
        let owner = NewOwner {
            user_id: user,
            email: &arguments.owner_email,
            password_hash: &password_hash,
        };
        let name = &arguments.workspace_name;
        let mut batch = self.catalogue.insert_first_workspace(workspace, name, &owner, self.now)?;
        let (catalogue, now) = (&self.catalogue, self.now);
        batch.push(catalogue.insert_store(store, workspace, &arguments.store_name, now)?);
        batch.push(catalogue.insert_api_key(api_key_id, &api_key, workspace, user, "Set-up", now)?);
        let actor = Actor { user_id: user, api_key_id: None, address: None };
        batch.push(self.audit(
            workspace,
            &actor,
            "workspace.created",
            &workspace.to_string(),
            name,
        )?);
        if catalogue.batch(batch).await.is_err() {
            return match catalogue.has_workspace().await? {
                true => Err(exists()),
                false => Err(internal("the set-up was not written")),
            };
        }
        Answer::serialized(
            201,
            &json!({
                "workspace_id": workspace, "user_id": user, "store_id": store,
                "api_key_id": api_key_id, "api_key": api_key.reveal(),
            }),
        )
    }

    pub(super) async fn create_store(&self, admin: &Admin, name: &str) -> Result<Answer> {
        let store = StoreId::from_random(random()?);
        let workspace = admin.workspace_id;
        let insert = self.catalogue.insert_store(store, workspace, name, self.now)?;
        let subject = store.to_string();
        let audit = self.audit(workspace, &admin.actor, "store.created", &subject, name)?;
        self.catalogue.batch(vec![insert, audit]).await?;
        let created_at = self.now.to_rfc3339();
        Answer::serialized(
            201,
            &json!({ "store_id": store, "name": name, "created_at": created_at }),
        )
    }
}
