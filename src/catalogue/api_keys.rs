//! `api_keys`: API keys and the users that they act as.

use serde::Deserialize;
use worker::D1PreparedStatement;
use worker::wasm_bindgen::JsValue;

use super::{Catalogue, millis, text};
use crate::Result;
use tidegate_core::domain::access::Role;
use tidegate_core::domain::credential::{ApiSecret, CredentialHash};
use tidegate_core::domain::id::{ApiKeyId, UserId, WorkspaceId};
use tidegate_core::domain::time::Timestamp;

/// The user that an API key acts as, and their role.
#[derive(Debug, Deserialize)]
pub struct ApiKeyHolder {
    pub id: ApiKeyId,
    pub workspace_id: WorkspaceId,
    pub user_id: UserId,
    pub role: Role,
}

impl Catalogue {
    pub fn insert_api_key(
        &self,
        id: ApiKeyId,
        secret: &ApiSecret,
        workspace: WorkspaceId,
        user: UserId,
        name: &str,
        now: Timestamp,
    ) -> Result<D1PreparedStatement> {
        self.statement(
            "INSERT INTO api_keys (id, secret_hash, preview, workspace_id, user_id, name, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            &[
                text(&id),
                JsValue::from_str(&secret.hash().to_hex()),
                JsValue::from_str(secret.preview()),
                text(&workspace),
                text(&user),
                JsValue::from_str(name),
                millis(now),
            ],
        )
    }

    /// The user of a live API key. The hash covers 160 random bits, so the timing of the index
    /// look-up reveals nothing that helps guessing.
    pub async fn api_key_holder(&self, secret: &CredentialHash) -> Result<Option<ApiKeyHolder>> {
        let query = "SELECT k.id, k.workspace_id, k.user_id, m.role FROM api_keys k
                     JOIN memberships m ON m.workspace_id = k.workspace_id AND m.user_id = k.user_id
                     WHERE k.secret_hash = ?1 AND k.revoked_at IS NULL";
        let hash = JsValue::from_str(&secret.to_hex());
        self.first(query, &[hash]).await
    }
}
