//! The RPCs for workspaces and stores.

use serde_json::{Value, json};

use super::{Call, json};
use crate::Result;
use crate::control::CreatedWorkspace;
use crate::control::caller::Admin;
use crate::platform::answer::Answer;
use crate::platform::random;
use tidegate_core::api::procedures::keys::SetupWorkspace;
use tidegate_core::domain::credential::ApiSecret;
use tidegate_core::domain::id::{ApiKeyId, StoreId};

impl Call<'_> {
    pub(super) async fn setup_workspace(&self, body: &[u8]) -> Result<Answer> {
        let arguments = SetupWorkspace::read(body)?;
        let api_key_id = ApiKeyId::from_random(random()?);
        let api_key = ApiSecret::mint(&random()?, &self.control_plane.settings.tag_keys);
        let owner_key = (api_key_id, &api_key);
        let CreatedWorkspace { workspace_id, user_id, store_id } =
            self.control_plane.set_up(&arguments, Some(owner_key), None).await?;
        Answer::serialized(
            201,
            &json!({
                "workspace_id": workspace_id, "user_id": user_id, "store_id": store_id,
                "api_key_id": api_key_id, "api_key": api_key.reveal(),
            }),
        )
    }

    pub(super) async fn create_store(&self, admin: &Admin, name: &str) -> Result<Answer> {
        Answer::serialized(201, &json::store(&self.control_plane.create_store(admin, name).await?))
    }

    pub(super) async fn list_stores(&self, admin: &Admin) -> Result<Answer> {
        let stores = self.control_plane.catalogue.run(self.control_plane.stores(admin)?).await?;
        let stores: Vec<Value> = stores.iter().map(|store| json::store(store)).collect();
        Answer::serialized(200, &json!({ "stores": stores }))
    }
    pub(super) async fn rename_store(
        &self,
        admin: &Admin,
        id: StoreId,
        name: &str,
    ) -> Result<Answer> {
        let store = self.control_plane.store(admin, id).await?;
        let store = self.control_plane.rename_store(admin, &store, name).await?;
        Answer::serialized(200, &json::store(&store))
    }

    pub(super) async fn archive_store(
        &self,
        admin: &Admin,
        id: StoreId,
        archive: bool,
    ) -> Result<Answer> {
        let store = self.control_plane.store(admin, id).await?;
        let store = self.control_plane.archive_store(admin, &store, archive).await?;
        Answer::serialized(200, &json::store(&store))
    }
}
