//! `integration_keys` that are not revoked: how many point to each store, and which need attention.

use serde::Deserialize;
use worker::wasm_bindgen::JsValue;

use super::integration_keys::{COLUMNS, KeyAndStore, STORE, names_json};
use super::{Catalogue, Query, millis, text};
use crate::Result;
use tidegate_core::domain::credential::{GateName, KeyId};
use tidegate_core::domain::id::{StoreId, WorkspaceId};
use tidegate_core::domain::key::{KeyRecord, ShownStatus};
use tidegate_core::domain::time::{DAY, Timestamp};

/// The number of keys of one status that point to one store.
#[derive(Debug, Deserialize)]
pub struct StoreKeys {
    pub store_id: StoreId,
    pub status: ShownStatus,
    pub keys: u32,
}

/// The id and name of a key, for links.
#[derive(Debug, Deserialize)]
pub struct NamedKey {
    pub key_id: KeyId,
    pub name: String,
}

/// At most this many keys are listed for each reason to need attention.
const MAX_LISTED: u32 = 20;

/// An expired key is listed for renewal for this long, in milliseconds.
const LIST_EXPIRED_FOR: i64 = 14 * DAY;

impl Catalogue {
    /// The keys of a workspace that are not revoked, counted by store and status.
    pub fn live_keys_by_store(
        &self,
        workspace: WorkspaceId,
        now: Timestamp,
    ) -> Result<Query<Vec<StoreKeys>>> {
        let query = "SELECT store_id, count(*) AS keys,
               CASE WHEN expires_at <= ?2 THEN 'expired' ELSE status END AS status
             FROM integration_keys INDEXED BY integration_keys_live
             WHERE workspace_id = ?1 AND status <> 'revoked' GROUP BY store_id, 3";
        self.rows(query, &[text(&workspace), millis(now)])
    }

    /// The newest keys of a workspace that are not revoked.
    pub fn newest_live_keys(
        &self,
        workspace: WorkspaceId,
        limit: u32,
    ) -> Result<Query<Vec<KeyAndStore>>> {
        let query = format!(
            "SELECT {COLUMNS}, {STORE} FROM integration_keys
             WHERE workspace_id = ?1 AND status <> 'revoked' ORDER BY created_at DESC LIMIT ?2"
        );
        self.keys_and_stores(&query, &[text(&workspace), JsValue::from_f64(f64::from(limit))])
    }

    /// The keys that are paused or await their secret, newest first.
    pub fn waiting_keys(&self, workspace: WorkspaceId) -> Result<Query<Vec<KeyRecord>>> {
        let query = format!(
            "SELECT {COLUMNS} FROM integration_keys
             WHERE workspace_id = ?1 AND (status = 'paused' OR secrets = '[]')
               AND status <> 'revoked' ORDER BY created_at DESC LIMIT ?2"
        );
        self.key_records(&query, &[text(&workspace), JsValue::from_f64(f64::from(MAX_LISTED))])
    }

    /// The keys that expire before `until` or expired within the last 14 days, the soonest first. A
    /// key with a live successor is left out: it needs no renewal.
    pub fn keys_to_renew(
        &self,
        workspace: WorkspaceId,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Query<Vec<KeyRecord>>> {
        let query = format!(
            "SELECT {COLUMNS} FROM integration_keys k
             WHERE expires_at IS NOT NULL AND revoked_at IS NULL AND expires_at >= ?2
               AND expires_at < ?3 AND +workspace_id = ?1
               AND NOT EXISTS (SELECT 1 FROM integration_keys s
                 WHERE s.rotated_from = k.key_id AND s.status <> 'revoked')
             ORDER BY expires_at LIMIT ?4"
        );
        let parameters = [
            text(&workspace),
            millis(now.plus(-LIST_EXPIRED_FOR)),
            millis(until),
            JsValue::from_f64(f64::from(MAX_LISTED)),
        ];
        self.key_records(&query, &parameters)
    }

    /// The keys of a workspace behind these KeyGates, whatever their status, in one query.
    pub async fn keys_of_gates(
        &self,
        workspace: WorkspaceId,
        gates: &[GateName],
    ) -> Result<Vec<NamedKey>> {
        let query = "SELECT key_id, name FROM integration_keys
             WHERE gate IN (SELECT value FROM json_each(?2)) AND workspace_id = ?1";
        self.all(query, &[text(&workspace), JsValue::from_str(&names_json(gates)?)]).await
    }
}
