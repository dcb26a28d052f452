//! The keys and stores of a caller's workspace, as types. An [`OwnedKey`] and an [`OwnedStore`] are
//! made only in this file, of rows that were looked up for the caller's workspace. So whatever takes
//! one needs no check of its own, and looks nothing up again.

use std::ops::Deref;

use super::ControlPlane;
use crate::Result;
use crate::catalogue::Query;
use crate::catalogue::integration_keys::{KeyAndStore, KeyFilter, KeyPage};
use crate::catalogue::stores::Store;
use crate::control::caller::{Admin, Caller};
use tidegate_core::domain::credential::KeyId;
use tidegate_core::domain::id::StoreId;
use tidegate_core::domain::key::KeyRecord;
use tidegate_core::domain::rejection::{Code, Rejection};

/// A store of the caller's workspace.
#[derive(Clone, Debug)]
pub struct OwnedStore(Store);

impl Deref for OwnedStore {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.0
    }
}

/// A key of the workspace of an owner or admin, with its store.
#[derive(Clone, Debug)]
pub struct OwnedKey {
    record: KeyRecord,
    store: OwnedStore,
}

impl OwnedKey {
    fn new((record, store): KeyAndStore) -> Self {
        Self { record, store: OwnedStore(store) }
    }

    pub const fn store(&self) -> &OwnedStore {
        &self.store
    }

    pub fn into_record(self) -> KeyRecord {
        self.record
    }
}

impl Deref for OwnedKey {
    type Target = KeyRecord;

    fn deref(&self) -> &KeyRecord {
        &self.record
    }
}

/// A page of keys and the cursor of the next one.
pub struct OwnedKeys {
    pub keys: Vec<OwnedKey>,
    pub next_cursor: Option<String>,
}

/// The keys of a rotation beside the one that it is asked of.
pub struct Relatives {
    /// The key that this one was rotated from.
    pub predecessor: Option<OwnedKey>,
    /// The keys that were minted by rotating this one, newest first; at most 10.
    pub successors: Vec<OwnedKey>,
}

impl ControlPlane<'_> {
    /// A key of the admin's workspace. Another workspace's key is not found.
    pub async fn key(&self, admin: &Admin, key_id: &KeyId) -> Result<OwnedKey> {
        let keys = self.keys(admin, std::slice::from_ref(key_id)).await?;
        let not_found = || Rejection::new(Code::NotFound, "There is no such key.");
        Ok(keys.into_iter().next().ok_or_else(not_found)?)
    }

    /// The keys of the admin's workspace among these, in any order, in one query.
    pub async fn keys(&self, admin: &Admin, key_ids: &[KeyId]) -> Result<Vec<OwnedKey>> {
        let gates: Vec<_> = key_ids.iter().filter_map(KeyId::gate).collect();
        let keys = self.catalogue.keys_with_stores(admin.workspace_id, &gates).await?;
        Ok(keys.into_iter().map(OwnedKey::new).collect())
    }

    /// A page of the keys of the admin's workspace, newest first.
    pub fn key_list(
        &self,
        admin: &Admin,
        filter: &KeyFilter,
        cursor: Option<(i64, &str)>,
        limit: u32,
    ) -> Result<Query<OwnedKeys>> {
        let (workspace, now) = (admin.workspace_id, self.now);
        let page = self.catalogue.integration_keys(workspace, filter, cursor, limit, now)?;
        Ok(page.map(|KeyPage { keys, next_cursor }| {
            Ok(OwnedKeys { keys: keys.into_iter().map(OwnedKey::new).collect(), next_cursor })
        }))
    }

    /// The newest keys of the admin's workspace that are not revoked.
    pub fn newest_live_keys(&self, admin: &Admin, limit: u32) -> Result<Query<Vec<OwnedKey>>> {
        let keys = self.catalogue.newest_live_keys(admin.workspace_id, limit)?;
        Ok(keys.map(|keys| Ok(keys.into_iter().map(OwnedKey::new).collect())))
    }

    /// The predecessor and the successors of a key, in one query.
    pub async fn relatives(&self, key: &OwnedKey) -> Result<Relatives> {
        let records = self.catalogue.relatives(key).await?;
        // A rotated key keeps its store.
        let owned = |record| OwnedKey { record, store: key.store.clone() };
        let (older, newer): (Vec<_>, Vec<_>) = records
            .into_iter()
            .map(owned)
            .partition(|relative| key.rotated_from.as_ref() == Some(&relative.key_id));
        Ok(Relatives { predecessor: older.into_iter().next(), successors: newer })
    }

    /// A store of the caller's workspace; `None` for another workspace's.
    pub async fn find_store(&self, caller: &Caller, id: StoreId) -> Result<Option<OwnedStore>> {
        Ok(self.catalogue.store(caller.workspace_id, id).await?.map(OwnedStore))
    }

    /// A store of the caller's workspace. Another workspace's store is not found.
    pub async fn store(&self, caller: &Caller, id: StoreId) -> Result<OwnedStore> {
        let not_found = || Rejection::new(Code::NotFound, "There is no such store.");
        Ok(self.find_store(caller, id).await?.ok_or_else(not_found)?)
    }

    /// All stores of the caller's workspace, archived ones included, oldest first.
    pub fn stores(&self, caller: &Caller) -> Result<Query<Vec<OwnedStore>>> {
        let stores = self.catalogue.stores(caller.workspace_id)?;
        Ok(stores.map(|stores| Ok(stores.into_iter().map(OwnedStore).collect())))
    }
}
