//! The handlers of workspaces.

use super::{Call, SetupToken};
use crate::Result;
use crate::control::CreatedWorkspace;
use crate::platform::random;
use tidegate_core::api::output::Revealed;
use tidegate_core::api::procedures::Workspaces;
use tidegate_core::api::procedures::workspaces::{SetUpOut, SetupWorkspace};
use tidegate_core::domain::credential::ApiSecret;
use tidegate_core::domain::id::ApiKeyId;

impl Workspaces for Call<'_> {
    async fn setup_workspace(&self, _: &SetupToken, arguments: SetupWorkspace) -> Result<SetUpOut> {
        let api_key_id = ApiKeyId::from_random(random()?);
        let api_key = ApiSecret::mint(&random()?, &self.control_plane.settings.tag_keys);
        let owner_key = (api_key_id, &api_key);
        let CreatedWorkspace { workspace_id, user_id, store_id } =
            self.control_plane.set_up(&arguments, Some(owner_key), None).await?;
        let api_key = Revealed(api_key);
        Ok(SetUpOut { workspace_id, user_id, store_id, api_key_id, api_key })
    }
}
