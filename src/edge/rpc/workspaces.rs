//! The procedures of workspaces and stores.

use serde_json::{Value, json};

use super::{Call, json};
use crate::api::rpc::SetupWorkspace;
use crate::domain::credential::ApiSecret;
use crate::domain::id::{ApiKeyId, StoreId};
use crate::edge::Result;
use crate::edge::answer::Answer;
use crate::edge::caller::Admin;
use crate::edge::operations::SetUp;
use crate::edge::platform::random;

impl Call<'_> {
    pub(super) async fn setup_workspace(&self, body: &[u8]) -> Result<Answer> {
        let arguments = SetupWorkspace::read(body)?;
        let api_key_id = ApiKeyId::from_random(random()?);
        let api_key = ApiSecret::mint(&random()?, &self.operations.settings.tag_keys);
        let made = (api_key_id, &api_key);
        let SetUp { workspace_id, user_id, store_id } =
            self.operations.set_up(&arguments, Some(made), None).await?;
        Answer::serialized(
            201,
            &json!({
                "workspace_id": workspace_id, "user_id": user_id, "store_id": store_id,
                "api_key_id": api_key_id, "api_key": api_key.reveal(),
            }),
        )
    }

    pub(super) async fn create_store(&self, admin: &Admin, name: &str) -> Result<Answer> {
        Answer::serialized(201, &json::store(&self.operations.create_store(admin, name).await?))
    }

    pub(super) async fn list_stores(&self, admin: &Admin) -> Result<Answer> {
        let stores = self.operations.catalogue.stores(admin.workspace_id).await?;
        let stores: Vec<Value> = stores.iter().map(json::store).collect();
        Answer::serialized(200, &json!({ "stores": stores }))
    }
    pub(super) async fn rename_store(
        &self,
        admin: &Admin,
        id: StoreId,
        name: &str,
    ) -> Result<Answer> {
        let store = self.operations.rename_store(admin, id, name).await?;
        Answer::serialized(200, &json::store(&store))
    }

    pub(super) async fn archive_store(
        &self,
        admin: &Admin,
        id: StoreId,
        archive: bool,
    ) -> Result<Answer> {
        let store = self.operations.archive_store(admin, id, archive).await?;
        Answer::serialized(200, &json::store(&store))
    }
}
