//! `workspaces`, with the first rows of `users` and `memberships`: all are inserted together when a
//! deployment is set up.

use serde::Deserialize;
use worker::D1PreparedStatement;
use worker::wasm_bindgen::JsValue;

use super::{Catalogue, millis, text};
use crate::Result;
use tidegate_core::domain::id::{UserId, WorkspaceId};
use tidegate_core::domain::time::Timestamp;

/// The first user of a workspace.
#[derive(Debug)]
pub struct NewOwner<'a> {
    pub user_id: UserId,
    pub email: &'a str,
    /// A PHC string of Argon2id.
    pub password_hash: &'a str,
}

impl Catalogue {
    /// Whether the deployment has been set up.
    pub async fn has_workspace(&self) -> Result<bool> {
        #[derive(Deserialize)]
        struct Found {
            found: u8,
        }
        let query = "SELECT EXISTS (SELECT 1 FROM workspaces) AS found";
        let found = self.first::<Found>(query, &[]).await?;
        Ok(found.is_some_and(|row| row.found != 0))
    }

    /// The statements that insert the first workspace and its owner. If a workspace exists, the
    /// first statement inserts no row, and a later one fails because it refers to that row. So of
    /// two concurrent set-ups only one succeeds.
    pub fn insert_first_workspace(
        &self,
        id: WorkspaceId,
        name: &str,
        owner: &NewOwner<'_>,
        now: Timestamp,
    ) -> Result<Vec<D1PreparedStatement>> {
        Ok(vec![
            self.statement(
                "INSERT INTO workspaces (id, name, created_at)
                 SELECT ?1, ?2, ?3 WHERE NOT EXISTS (SELECT 1 FROM workspaces)",
                &[text(&id), JsValue::from_str(name), millis(now)],
            )?,
            self.statement(
                "INSERT INTO users (id, email, password_hash, created_at) VALUES (?1, ?2, ?3, ?4)",
                &[
                    text(&owner.user_id),
                    JsValue::from_str(owner.email),
                    JsValue::from_str(owner.password_hash),
                    millis(now),
                ],
            )?,
            self.statement(
                "INSERT INTO memberships (workspace_id, user_id, role, created_at)
                 VALUES (?1, ?2, 'owner', ?3)",
                &[text(&id), text(&owner.user_id), millis(now)],
            )?,
        ])
    }
}
