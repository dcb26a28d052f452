//! The handlers of stores.

use super::Call;
use crate::Result;
use crate::catalogue::stores::Store;
use crate::control::caller::Admin;
use tidegate_core::api::output::Rfc3339;
use tidegate_core::api::procedures::Stores;
use tidegate_core::api::procedures::stores::{RenameStore, StoreListOut, StoreOut};
use tidegate_core::domain::id::StoreId;

impl Stores for Call<'_> {
    async fn create_store(&self, admin: &Admin, name: String) -> Result<StoreOut> {
        Ok(store_out(&self.control_plane.create_store(admin, &name).await?))
    }

    async fn list_stores(&self, admin: &Admin, (): ()) -> Result<StoreListOut> {
        let stores = self.control_plane.catalogue.run(self.control_plane.stores(admin)?).await?;
        Ok(StoreListOut { stores: stores.iter().map(|store| store_out(store)).collect() })
    }

    async fn rename_store(&self, admin: &Admin, arguments: RenameStore) -> Result<StoreOut> {
        let RenameStore { store_id, name } = arguments;
        let store = self.control_plane.store(admin, store_id).await?;
        Ok(store_out(&self.control_plane.rename_store(admin, &store, &name).await?))
    }

    async fn archive_store(&self, admin: &Admin, id: StoreId) -> Result<StoreOut> {
        self.archive(admin, id, true).await
    }

    async fn restore_store(&self, admin: &Admin, id: StoreId) -> Result<StoreOut> {
        self.archive(admin, id, false).await
    }
}

impl Call<'_> {
    async fn archive(&self, admin: &Admin, id: StoreId, archive: bool) -> Result<StoreOut> {
        let store = self.control_plane.store(admin, id).await?;
        Ok(store_out(&self.control_plane.archive_store(admin, &store, archive).await?))
    }
}

fn store_out(store: &Store) -> StoreOut {
    let Store { id, name, created_at, archived_at } = store;
    StoreOut {
        store_id: *id,
        name: name.clone(),
        created_at: Rfc3339(*created_at),
        archived_at: archived_at.map(Rfc3339),
    }
}
