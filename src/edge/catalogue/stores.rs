//! `stores`.

use serde::{Deserialize, Serialize};
use worker::D1PreparedStatement;
use worker::wasm_bindgen::JsValue;

use super::{Catalogue, millis, text};
use crate::domain::id::{StoreId, WorkspaceId};
use crate::domain::time::Timestamp;
use crate::edge::Result;

/// A store as the APIs list it.
#[derive(Debug, Serialize)]
pub struct Store {
    pub store_id: StoreId,
    pub name: String,
    pub created_at: String,
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

    /// All stores of a workspace, oldest first.
    pub async fn stores(&self, workspace: WorkspaceId) -> Result<Vec<Store>> {
        #[derive(Deserialize)]
        struct Row {
            id: StoreId,
            name: String,
            created_at: Timestamp,
        }
        let query = "SELECT id, name, created_at FROM stores WHERE workspace_id = ?1
                     ORDER BY created_at, id";
        let rows = self.all::<Row>(query, &[text(&workspace)]).await?;
        let stores = rows.into_iter().map(|Row { id, name, created_at }| Store {
            store_id: id,
            name,
            created_at: created_at.to_rfc3339(),
        });
        Ok(stores.collect())
    }
}
