//! Stores: creating, renaming, archiving.

use serde_json::json;

use super::{ControlPlane, OwnedStore};
use crate::Result;
use crate::catalogue::stores::Store;
use crate::control::caller::Admin;
use crate::platform::random;
use tidegate_core::domain::id::StoreId;
use tidegate_core::domain::rejection::{Code, Rejection};

impl ControlPlane<'_> {
    pub async fn create_store(&self, admin: &Admin, name: &str) -> Result<Store> {
        let id = StoreId::from_random(random()?);
        let workspace = admin.workspace_id;
        let insert = self.catalogue.insert_store(id, workspace, name, self.now)?;
        let detail = json!({ "name": name });
        let audit =
            self.audit(workspace, &admin.actor, "store.created", &id.to_string(), detail)?;
        self.catalogue.batch(vec![insert, audit]).await?;
        Ok(Store { id, name: name.to_owned(), created_at: self.now, archived_at: None })
    }

    pub async fn rename_store(
        &self,
        admin: &Admin,
        store: &OwnedStore,
        name: &str,
    ) -> Result<Store> {
        let store = Store::clone(store);
        if store.name == name {
            return Ok(store);
        }
        let (workspace, id) = (admin.workspace_id, store.id);
        let rename = self.catalogue.rename_store(workspace, id, name)?;
        let detail = json!({ "name": name, "before": store.name });
        let audit =
            self.audit(workspace, &admin.actor, "store.renamed", &id.to_string(), detail)?;
        self.catalogue.batch(vec![rename, audit]).await?;
        Ok(Store { name: name.to_owned(), ..store })
    }

    /// Archives a store, or restores it. Archiving is refused while a live key points to the store.
    pub async fn archive_store(
        &self,
        admin: &Admin,
        store: &OwnedStore,
        archive: bool,
    ) -> Result<Store> {
        let store = Store::clone(store);
        if store.archived_at.is_some() == archive {
            return Ok(store);
        }
        let (workspace, id) = (admin.workspace_id, store.id);
        let archived_at = archive.then_some(self.now);
        let action = if archive { "store.archived" } else { "store.restored" };
        let change = self.catalogue.archive_store(workspace, id, archived_at)?;
        let detail = json!({ "name": store.name });
        let audit = self.audit(workspace, &admin.actor, action, &id.to_string(), detail)?;
        let store_in_use = || {
            Rejection::new(
                Code::InvalidState,
                "A live key points to this store. Revoke its keys first.",
            )
        };
        self.catalogue
            .batch_with_rule(vec![change, audit], "a live key points to", store_in_use)
            .await?;
        Ok(Store { archived_at, ..store })
    }
}
