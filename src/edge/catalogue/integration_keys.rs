//! `integration_keys`. No statement here updates what a key is pinned to.

use serde::Deserialize;
use worker::D1PreparedStatement;
use worker::wasm_bindgen::JsValue;

use super::{Catalogue, millis, optional, text};
use crate::domain::credential::{CredentialHash, GateName, KeyId};
use crate::domain::id::{Namespace, StoreId, UserId, WorkspaceId};
use crate::domain::key::{KeyRecord, KeyStatus, PayloadFormat, Scopes, SealedSecret, Source};
use crate::domain::rate_limit::RateLimit;
use crate::domain::time::Timestamp;
use crate::edge::{Result, internal};

const COLUMNS: &str = "key_id, key_hash, preview, workspace_id, store_id, namespace, name, source,
  payload_format, scopes, rate_limit_per_minute, require_signature, capture_bodies, status, secrets,
  created_at, expires_at, revoked_at";

#[derive(Deserialize)]
struct Row {
    key_id: KeyId,
    key_hash: CredentialHash,
    preview: String,
    workspace_id: WorkspaceId,
    store_id: StoreId,
    namespace: Namespace,
    name: String,
    source: Source,
    payload_format: PayloadFormat,
    scopes: String,
    rate_limit_per_minute: RateLimit,
    require_signature: u8,
    capture_bodies: u8,
    status: KeyStatus,
    secrets: String,
    created_at: Timestamp,
    expires_at: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
}

impl Row {
    fn into_record(self) -> Result<KeyRecord> {
        let secrets: Vec<SealedSecret> = serde_json::from_str(&self.secrets)
            .map_err(|error| internal(&format!("secrets of {}: {error}", self.key_id)))?;
        let scopes = Scopes::parse(&self.scopes)
            .ok_or_else(|| internal(&format!("scopes of {}", self.key_id)))?;
        Ok(KeyRecord {
            key_id: self.key_id,
            key_hash: self.key_hash,
            preview: self.preview,
            workspace_id: self.workspace_id,
            store_id: self.store_id,
            namespace: self.namespace,
            name: self.name,
            source: self.source,
            payload_format: self.payload_format,
            scopes,
            rate_limit: self.rate_limit_per_minute,
            require_signature: self.require_signature != 0,
            capture_bodies: self.capture_bodies != 0,
            status: self.status,
            created_at: self.created_at,
            expires_at: self.expires_at,
            revoked_at: self.revoked_at,
            secrets,
        })
    }
}

/// A page of keys and the cursor of the next one.
#[derive(Debug)]
pub struct KeyPage {
    pub keys: Vec<KeyRecord>,
    pub next_cursor: Option<String>,
}

impl Catalogue {
    pub fn insert_integration_key(
        &self,
        record: &KeyRecord,
        created_by: UserId,
    ) -> Result<D1PreparedStatement> {
        let flag = |value: bool| JsValue::from_f64(if value { 1.0 } else { 0.0 });
        self.statement(
            "INSERT INTO integration_keys (gate, created_by, key_id, key_hash, preview,
               workspace_id, store_id, namespace, name, source, payload_format, scopes,
               rate_limit_per_minute, require_signature, capture_bodies, status, secrets,
               created_at, expires_at, revoked_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,
               ?18, ?19, ?20)",
            &[
                text(&record.key_hash.gate()),
                text(&created_by),
                text(&record.key_id),
                JsValue::from_str(&record.key_hash.to_hex()),
                JsValue::from_str(&record.preview),
                text(&record.workspace_id),
                text(&record.store_id),
                text(&record.namespace),
                JsValue::from_str(&record.name),
                text(&record.source),
                text(&record.payload_format),
                JsValue::from_str(&record.scopes.to_text()),
                JsValue::from_f64(f64::from(record.rate_limit.per_minute())),
                flag(record.require_signature),
                flag(record.capture_bodies),
                text(&record.status),
                JsValue::from_str(&secrets_json(record)?),
                millis(record.created_at),
                optional(record.expires_at, millis),
                optional(record.revoked_at, millis),
            ],
        )
    }

    /// Writes what may change about a key.
    pub fn update_integration_key(&self, record: &KeyRecord) -> Result<D1PreparedStatement> {
        self.statement(
            "UPDATE integration_keys SET status = ?2, revoked_at = ?3, secrets = ?4
             WHERE key_id = ?1",
            &[
                text(&record.key_id),
                text(&record.status),
                optional(record.revoked_at, millis),
                JsValue::from_str(&secrets_json(record)?),
            ],
        )
    }

    /// The key whose KeyGate has this name.
    pub async fn integration_key_of_gate(&self, gate: &str) -> Result<Option<KeyRecord>> {
        let query = format!("SELECT {COLUMNS} FROM integration_keys WHERE gate = ?1");
        let row = self.first::<Row>(&query, &[JsValue::from_str(gate)]).await?;
        row.map(Row::into_record).transpose()
    }

    /// A key of this workspace; another workspace's is not found.
    pub async fn integration_key(
        &self,
        workspace: WorkspaceId,
        gate: GateName,
    ) -> Result<Option<KeyRecord>> {
        let query =
            format!("SELECT {COLUMNS} FROM integration_keys WHERE gate = ?1 AND workspace_id = ?2");
        let parameters = [text(&gate), text(&workspace)];
        let row = self.first::<Row>(&query, &parameters).await?;
        row.map(Row::into_record).transpose()
    }

    /// A page of a workspace's keys, newest first; `cursor` is `<created_at>.<key_id>` of the last
    /// key of the page before.
    pub async fn integration_keys(
        &self,
        workspace: WorkspaceId,
        store: Option<StoreId>,
        cursor: Option<(i64, &str)>,
        limit: u32,
    ) -> Result<KeyPage> {
        let (created_at, key_id) = cursor.unwrap_or((crate::domain::money::Amount::MAX, ""));
        let query = format!(
            "SELECT {COLUMNS} FROM integration_keys
             WHERE workspace_id = ?1 AND (created_at, key_id) < (?2, ?3)
               AND (?4 IS NULL OR store_id = ?4)
             ORDER BY created_at DESC, key_id DESC LIMIT ?5"
        );
        let parameters = [
            text(&workspace),
            JsValue::from_f64(created_at as f64),
            JsValue::from_str(key_id),
            optional(store, |store| text(&store)),
            JsValue::from_f64(f64::from(limit)),
        ];
        let rows = self.all::<Row>(&query, &parameters).await?;
        let full = rows.len() == limit as usize;
        let keys = rows.into_iter().map(Row::into_record).collect::<Result<Vec<_>>>()?;
        let next_cursor = keys
            .last()
            .filter(|_| full)
            .map(|key| format!("{}.{}", key.created_at.millis(), key.key_id));
        Ok(KeyPage { keys, next_cursor })
    }
}

fn secrets_json(record: &KeyRecord) -> Result<String> {
    serde_json::to_string(&record.secrets).map_err(|error| internal(&error.to_string()))
}
