//! `integration_keys`. No statement here updates what a key is pinned to: its workspace, store and
//! namespace.

use serde::Deserialize;
use worker::D1PreparedStatement;
use worker::wasm_bindgen::JsValue;

use super::stores::Store;
use super::{Catalogue, Query, millis, optional, text};
use crate::{Result, internal};
use tidegate_core::domain::credential::{CredentialHash, GateName, KeyId};
use tidegate_core::domain::id::{Namespace, StoreId, UserId, WorkspaceId};
use tidegate_core::domain::key::{
    KeyRecord, KeyStatus, PayloadFormat, Scopes, SealedSecret, ShownStatus, Source,
};
use tidegate_core::domain::rate_limit::RateLimit;
use tidegate_core::domain::time::{LATEST, Timestamp};

pub(super) const COLUMNS: &str =
    "key_id, key_hash, preview, workspace_id, store_id, namespace, name, source,
  payload_format, scopes, rate_limit_per_minute, require_signature, capture_bodies, status, secrets,
  created_at, expires_at, revoked_at, rotated_from, notification_url";

/// The store of a key as a JSON object, as one more column beside [`COLUMNS`].
pub(super) const STORE: &str = "(SELECT json_object('id', id, 'name', name,
    'created_at', created_at, 'archived_at', archived_at) FROM stores WHERE id = store_id) AS store";

/// A key with its store.
pub type KeyAndStore = (KeyRecord, Store);

#[derive(Deserialize)]
pub(super) struct KeyRow {
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
    rotated_from: Option<KeyId>,
    notification_url: Option<String>,
    /// Only where the query asks for [`STORE`].
    store: Option<String>,
    /// Only in a list: the key's place in the scan, from 1.
    place: Option<u32>,
    /// Only in a list: 0 if the key does not match the filter and is only where the scan ended.
    matches: Option<u8>,
}

impl KeyRow {
    pub(super) fn with_store(self) -> Result<KeyAndStore> {
        let store = serde_json::from_str(self.store.as_deref().unwrap_or_default())
            .map_err(|error| internal(format!("the store of {}: {error}", self.key_id)))?;
        Ok((self.into_record()?, store))
    }

    pub(super) fn into_record(self) -> Result<KeyRecord> {
        let secrets: Vec<SealedSecret> = serde_json::from_str(&self.secrets)
            .map_err(|error| internal(format!("secrets of {}: {error}", self.key_id)))?;
        let scopes = Scopes::parse(&self.scopes)
            .ok_or_else(|| internal(format!("scopes of {}", self.key_id)))?;
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
            rotated_from: self.rotated_from,
            notification_url: self.notification_url,
            secrets,
        })
    }
}

/// Which keys to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyFilter {
    pub store: Option<StoreId>,
    pub source: Option<Source>,
    pub status: Option<ShownStatus>,
    /// Part of a key's name, the beginning of a key, or a key id.
    pub search: Option<String>,
}

/// A page of keys and the cursor of the next one.
#[derive(Debug)]
pub struct KeyPage {
    pub keys: Vec<KeyAndStore>,
    pub next_cursor: Option<String>,
}

impl Catalogue {
    pub fn insert_integration_key(
        &self,
        record: &KeyRecord,
        created_by: UserId,
        form: Option<&str>,
    ) -> Result<D1PreparedStatement> {
        let flag = |value: bool| JsValue::from_f64(if value { 1.0 } else { 0.0 });
        self.statement(
            "INSERT INTO integration_keys (gate, created_by, key_id, key_hash, preview,
               workspace_id, store_id, namespace, name, source, payload_format, scopes,
               rate_limit_per_minute, require_signature, capture_bodies, status, secrets,
               created_at, expires_at, revoked_at, rotated_from, form,
               notification_url)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,
               ?18, ?19, ?20, ?21, ?22, ?23)",
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
                optional(record.rotated_from.as_ref(), |id| text(&id)),
                optional(form, JsValue::from_str),
                optional(record.notification_url.as_deref(), JsValue::from_str),
            ],
        )
    }

    /// Updates the columns that may change: status, revocation time, secrets and notification URL.
    pub fn update_integration_key(&self, record: &KeyRecord) -> Result<D1PreparedStatement> {
        self.statement(
            "UPDATE integration_keys SET status = ?2, revoked_at = ?3, secrets = ?4,
               notification_url = ?5
             WHERE key_id = ?1",
            &[
                text(&record.key_id),
                text(&record.status),
                optional(record.revoked_at, millis),
                JsValue::from_str(&secrets_json(record)?),
                optional(record.notification_url.as_deref(), JsValue::from_str),
            ],
        )
    }

    /// The key whose KeyGate has this name.
    pub async fn integration_key_of_gate(&self, gate: &str) -> Result<Option<KeyRecord>> {
        let query = format!("SELECT {COLUMNS} FROM integration_keys WHERE gate = ?1");
        let row = self.first::<KeyRow>(&query, &[JsValue::from_str(gate)]).await?;
        row.map(KeyRow::into_record).transpose()
    }

    /// The keys of this workspace behind these KeyGates, whatever their status, in one query.
    /// Another workspace's are not found.
    pub async fn keys_with_stores(
        &self,
        workspace: WorkspaceId,
        gates: &[GateName],
    ) -> Result<Vec<KeyAndStore>> {
        let query = format!(
            "SELECT {COLUMNS}, {STORE} FROM integration_keys
             WHERE gate IN (SELECT value FROM json_each(?1)) AND workspace_id = ?2"
        );
        let parameters = [JsValue::from_str(&names_json(gates)?), text(&workspace)];
        self.run(self.keys_and_stores(&query, &parameters)?).await
    }

    /// The key that was minted by the form with this id.
    pub async fn integration_key_of_form(
        &self,
        workspace: WorkspaceId,
        form: &str,
    ) -> Result<Option<KeyRecord>> {
        let query =
            format!("SELECT {COLUMNS} FROM integration_keys WHERE form = ?1 AND workspace_id = ?2");
        let parameters = [JsValue::from_str(form), text(&workspace)];
        let row = self.first::<KeyRow>(&query, &parameters).await?;
        row.map(KeyRow::into_record).transpose()
    }

    /// The key that this one was rotated from, and the keys that were minted by rotating this one,
    /// newest first; at most 10 of those. In no order between the two.
    pub async fn relatives(&self, record: &KeyRecord) -> Result<Vec<KeyRecord>> {
        let query = format!(
            "SELECT {COLUMNS} FROM integration_keys WHERE key_id = ?3 AND workspace_id = ?1
             UNION ALL
             SELECT * FROM (SELECT {COLUMNS} FROM integration_keys
               WHERE rotated_from = ?2 AND workspace_id = ?1 ORDER BY created_at DESC LIMIT 10)"
        );
        let predecessor = optional(record.rotated_from.as_ref(), |id| text(&id));
        self.records(&query, &[text(&record.workspace_id), text(&record.key_id), predecessor]).await
    }

    /// A page of the keys of all workspaces that are not revoked and expire before `to`, the
    /// soonest first. `after` is the expiry and id of the last key of the previous page.
    pub async fn expiring_keys(
        &self,
        after: (Timestamp, &str),
        to: Timestamp,
        limit: u32,
    ) -> Result<Vec<KeyRecord>> {
        let query = format!(
            "SELECT {COLUMNS} FROM integration_keys
             WHERE expires_at IS NOT NULL AND revoked_at IS NULL
               AND (expires_at, key_id) > (?1, ?2) AND expires_at < ?3
             ORDER BY expires_at, key_id LIMIT ?4"
        );
        let (at, key_id) = after;
        let limit = JsValue::from_f64(f64::from(limit));
        self.records(&query, &[millis(at), JsValue::from_str(key_id), millis(to), limit]).await
    }

    pub(super) async fn records(
        &self,
        query: &str,
        parameters: &[JsValue],
    ) -> Result<Vec<KeyRecord>> {
        self.run(self.key_records(query, parameters)?).await
    }

    /// A query for keys.
    pub(super) fn key_records(
        &self,
        query: &str,
        parameters: &[JsValue],
    ) -> Result<Query<Vec<KeyRecord>>> {
        let rows = self.rows::<KeyRow>(query, parameters)?;
        Ok(rows.map(|rows| rows.into_iter().map(KeyRow::into_record).collect()))
    }

    /// A query for keys with their stores; it selects [`STORE`] too.
    pub(super) fn keys_and_stores(
        &self,
        query: &str,
        parameters: &[JsValue],
    ) -> Result<Query<Vec<KeyAndStore>>> {
        let rows = self.rows::<KeyRow>(query, parameters)?;
        Ok(rows.map(|rows| rows.into_iter().map(KeyRow::with_store).collect()))
    }

    /// A page of a workspace's keys, newest first. `cursor` is the creation time and id of the last
    /// key of the previous page. With a filter it looks at no more than 650 keys, so a page may
    /// have fewer keys than `limit` and still have a next page.
    pub fn integration_keys(
        &self,
        workspace: WorkspaceId,
        filter: &KeyFilter,
        cursor: Option<(i64, &str)>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Query<KeyPage>> {
        let (created_at, key_id) = cursor.unwrap_or((LATEST.millis(), ""));
        // The last row of the scan is returned even if it does not match: the next page begins there.
        let query = format!(
            "SELECT {COLUMNS}, {STORE}, place, matches FROM (
               SELECT *, row_number() OVER (ORDER BY created_at DESC, key_id DESC) AS place,
                 (?5 IS NULL OR store_id = ?5) AND (?6 IS NULL OR source = ?6)
                 AND (?7 IS NULL OR ?7 = CASE WHEN status <> 'revoked' AND expires_at <= ?8
                   THEN 'expired' ELSE status END)
                 AND (?9 IS NULL OR name LIKE '%' || ?9 || '%' ESCAPE '\\'
                   OR preview = substr(?11, 1, 12) OR key_id = ?11) AS matches
               FROM (SELECT * FROM integration_keys
                 WHERE workspace_id = ?1 AND (created_at, key_id) < (?2, ?3)
                 ORDER BY created_at DESC, key_id DESC LIMIT ?4))
             WHERE matches OR place = ?4 ORDER BY place LIMIT ?10"
        );
        let scan = if *filter == KeyFilter::default() { limit } else { MAX_SCAN.max(limit) };
        let pattern = filter.search.as_deref().map(like_pattern);
        let parameters = [
            text(&workspace),
            JsValue::from_f64(created_at as f64),
            JsValue::from_str(key_id),
            JsValue::from_f64(f64::from(scan)),
            optional(filter.store, |store| text(&store)),
            optional(filter.source, |source| text(&source)),
            optional(filter.status, |status| text(&status)),
            millis(now),
            optional(pattern.as_deref(), JsValue::from_str),
            JsValue::from_f64(f64::from(limit)),
            optional(filter.search.as_deref(), JsValue::from_str),
        ];
        let rows = self.rows::<KeyRow>(&query, &parameters)?;
        Ok(rows.map(move |mut rows| {
            let full = rows.len() >= limit as usize;
            let end = rows.last().filter(|last| full || last.place == Some(scan));
            let next_cursor = end.map(|last| cursor_after(last.created_at, &last.key_id));
            rows.retain(|row| row.matches != Some(0));
            let keys = rows.into_iter().map(KeyRow::with_store).collect::<Result<_>>()?;
            Ok(KeyPage { keys, next_cursor })
        }))
    }
}

/// Keys that a filtered page looks at. Numbering them reads each three times, and a page may read
/// 2,000 rows.
const MAX_SCAN: u32 = 650;

/// The cursor after this key: `<created_at>.<key_id>`, with the time in milliseconds.
fn cursor_after(created_at: Timestamp, key_id: &KeyId) -> String {
    format!("{}.{key_id}", created_at.millis())
}

/// The names of KeyGates as a JSON array, for `json_each`.
pub(super) fn names_json(gates: &[GateName]) -> Result<String> {
    let names: Vec<_> = gates.iter().map(GateName::to_string).collect();
    serde_json::to_string(&names).map_err(|error| internal(error.to_string()))
}

/// A search text with the wildcards of LIKE escaped.
fn like_pattern(search: &str) -> String {
    search.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

fn secrets_json(record: &KeyRecord) -> Result<String> {
    serde_json::to_string(&record.secrets).map_err(|error| internal(error.to_string()))
}
