//! The KeyGate's schema, and its record of the key: one row, always rewritten as a whole.

use serde::{Deserialize, Serialize};

use crate::platform::sql::{Sql, text};
use crate::{Result, internal};
use tidegate_core::domain::actor::Actor;
use tidegate_core::domain::id::AuditId;
use tidegate_core::domain::key::KeyRecord;
use tidegate_core::domain::time::Timestamp;

/// Version 1 of a KeyGate's schema; [`MIGRATION`] brings it to version 2. The log makes the tables
/// of each day ([`super::log`]).
const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS record (id INTEGER PRIMARY KEY CHECK (id = 1), schema INTEGER NOT NULL, json TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS stats_hour (start INTEGER PRIMARY KEY, tallies TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS stats_day (start INTEGER PRIMARY KEY, tallies TEXT NOT NULL, log_bytes INTEGER NOT NULL, capture_bytes INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS parked (id INTEGER PRIMARY KEY, reason TEXT NOT NULL, detail TEXT, topic TEXT, parent TEXT, attempts INTEGER NOT NULL, next_at INTEGER, retrying INTEGER NOT NULL, ingest TEXT NOT NULL, body BLOB NOT NULL);
";

/// Version 2 of the schema. Events that await details may be many and stay parked for long. So only
/// one event per token is stored, and indexes and a byte counter spare every other operation from
/// reading them all.
const MIGRATION: &str = "
ALTER TABLE parked ADD COLUMN token TEXT;
CREATE UNIQUE INDEX parked_by_token ON parked (token) WHERE token IS NOT NULL;
CREATE INDEX parked_until ON parked (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX parked_by_reason ON parked (reason, parent);
CREATE INDEX parked_in_hand ON parked (retrying) WHERE retrying = 1;
CREATE TABLE parked_bytes (id INTEGER PRIMARY KEY CHECK (id = 1), bytes INTEGER NOT NULL);
INSERT INTO parked_bytes SELECT 1, coalesce(sum(length(body)), 0) FROM parked;
CREATE TRIGGER parked_is_counted AFTER INSERT ON parked BEGIN UPDATE parked_bytes SET bytes = bytes + length(NEW.body); END;
CREATE TRIGGER parked_is_discounted AFTER DELETE ON parked BEGIN UPDATE parked_bytes SET bytes = bytes - length(OLD.body); END;
";
const VERSION: u32 = 2;

/// The row of a KeyGate: its key, and the changes that have yet to reach D1.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StoredKey {
    pub record: KeyRecord,
    /// The shop address of the first signed delivery; later ones from elsewhere are parked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_address: Option<String>,
    /// Changes that D1 and the audit log have yet to acknowledge, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub intents: Vec<Intent>,
}

/// An audit entry that has yet to reach D1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    pub audit_id: AuditId,
    pub action: String,
    pub actor: Actor,
    pub at: Timestamp,
    pub detail: String,
}

/// Loads the row, if this object has one, and migrates the tables to [`VERSION`]. A database
/// without tables has no key yet.
pub fn load(sql: &Sql) -> Result<Option<StoredKey>> {
    #[derive(Deserialize)]
    struct Row {
        schema: u32,
        json: String,
    }
    let exists = "SELECT 0 AS schema, name AS json FROM sqlite_master WHERE name = 'record'";
    if sql.first::<Row>(exists, &[])?.is_none() {
        return Ok(None);
    }
    let Some(row) = sql.first::<Row>("SELECT schema, json FROM record", &[])? else {
        return Ok(None);
    };
    let stored: StoredKey =
        serde_json::from_str(&row.json).map_err(|error| internal(error.to_string()))?;
    if row.schema < VERSION {
        sql.transaction(|| {
            migrate(sql)?;
            save(sql, &stored)
        })?;
    }
    Ok(Some(stored))
}

/// Makes the tables and writes the row of an object that had no key.
pub fn install(sql: &Sql, stored: &StoredKey) -> Result<()> {
    sql.transaction(|| {
        sql.run(SCHEMA, &[])?;
        migrate(sql)?;
        save(sql, stored)
    })
}

/// Migrates the tables to [`VERSION`], unless they have been migrated. They may have been even if
/// the row is missing.
fn migrate(sql: &Sql) -> Result<()> {
    #[derive(Deserialize)]
    struct Table {
        #[expect(dead_code, reason = "it only has to be there")]
        name: String,
    }
    let migrated = "SELECT name FROM sqlite_master WHERE name = 'parked_bytes'";
    match sql.first::<Table>(migrated, &[])? {
        Some(_) => Ok(()),
        None => sql.run(MIGRATION, &[]),
    }
}

/// Rewrites the row.
pub fn save(sql: &Sql, stored: &StoredKey) -> Result<()> {
    let json = serde_json::to_string(stored).map_err(|error| internal(error.to_string()))?;
    sql.run(
        "INSERT INTO record (id, schema, json) VALUES (1, ?1, ?2)
         ON CONFLICT (id) DO UPDATE SET schema = excluded.schema, json = excluded.json",
        &[crate::platform::sql::integer(VERSION), text(Some(&json))],
    )
}
