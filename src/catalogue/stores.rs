//! `stores`: the stores of a workspace.

use serde::Deserialize;
use worker::D1PreparedStatement;
use worker::wasm_bindgen::JsValue;

use super::{Catalogue, Query, millis, optional, text};
use crate::Result;
use tidegate_core::domain::id::{StoreId, WorkspaceId};
use tidegate_core::domain::time::Timestamp;

/// A row of the stores table.
#[derive(Clone, Debug, Deserialize)]
pub struct Store {
    pub id: StoreId,
    pub name: String,
    pub created_at: Timestamp,
    /// When the store was archived. No key can be minted for an archived store.
    pub archived_at: Option<Timestamp>,
}

impl Catalogue {
    pub fn insert_store(
        &self,
        id: StoreId,
        workspace: WorkspaceId,
        name: &str,
        now: Timestamp,
    ) -> Result<D1PreparedStatement> {
        self.statement(
            "INSERT INTO stores (id, workspace_id, name, created_at) VALUES (?1, ?2, ?3, ?4)",
            &[text(&id), text(&workspace), JsValue::from_str(name), millis(now)],
        )
    }

    /// All stores of a workspace, archived ones included, oldest first.
    pub fn stores(&self, workspace: WorkspaceId) -> Result<Query<Vec<Store>>> {
        let query = "SELECT id, name, created_at, archived_at FROM stores WHERE workspace_id = ?1
                     ORDER BY created_at, id";
        self.rows(query, &[text(&workspace)])
    }

    /// A store of this workspace; another workspace's is not found.
    pub async fn store(&self, workspace: WorkspaceId, id: StoreId) -> Result<Option<Store>> {
        let query = "SELECT id, name, created_at, archived_at FROM stores
                     WHERE workspace_id = ?1 AND id = ?2";
        self.first(query, &[text(&workspace), text(&id)]).await
    }

    pub fn rename_store(
        &self,
        workspace: WorkspaceId,
        id: StoreId,
        name: &str,
    ) -> Result<D1PreparedStatement> {
        self.statement(
            "UPDATE stores SET name = ?3 WHERE workspace_id = ?1 AND id = ?2",
            &[text(&workspace), text(&id), JsValue::from_str(name)],
        )
    }

    /// Archives a store, or restores it (`None`). D1 refuses to archive one that a live key points
    /// to.
    pub fn archive_store(
        &self,
        workspace: WorkspaceId,
        id: StoreId,
        archived_at: Option<Timestamp>,
    ) -> Result<D1PreparedStatement> {
        self.statement(
            "UPDATE stores SET archived_at = ?3 WHERE workspace_id = ?1 AND id = ?2",
            &[text(&workspace), text(&id), optional(archived_at, millis)],
        )
    }
}
