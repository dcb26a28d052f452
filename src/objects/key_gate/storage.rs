//! The KeyGate's schema, and its record of the key: one row, always rewritten as a whole.
//!
//! The log makes the tables of each day ([`super::log`]).

use serde::{Deserialize, Serialize};

use crate::objects::migrations::{Migrations, has_table};
use crate::platform::sql::{Sql, integer, text};
use crate::{Result, internal};
use tidegate_core::domain::actor::Actor;
use tidegate_core::domain::id::AuditId;
use tidegate_core::domain::key::KeyRecord;
use tidegate_core::domain::time::Timestamp;
use tidegate_core::protocol::key_gate::object_name;

const MIGRATIONS: Migrations =
    Migrations { steps: &[FIRST_TABLES, PARKED_BY_TOKEN], version_before_numbers };

const FIRST_TABLES: &str = "
CREATE TABLE IF NOT EXISTS record (id INTEGER PRIMARY KEY CHECK (id = 1), schema INTEGER NOT NULL, json TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS stats_hour (start INTEGER PRIMARY KEY, tallies TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS stats_day (start INTEGER PRIMARY KEY, tallies TEXT NOT NULL, log_bytes INTEGER NOT NULL, capture_bytes INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS parked (id INTEGER PRIMARY KEY, reason TEXT NOT NULL, detail TEXT, topic TEXT, parent TEXT, attempts INTEGER NOT NULL, next_at INTEGER, retrying INTEGER NOT NULL, ingest TEXT NOT NULL, body BLOB NOT NULL);
";

/// Events that await details may be many and stay parked for long. So only one event per token is
/// stored, and indexes and a byte counter spare every other operation from reading them all.
const PARKED_BY_TOKEN: &str = "
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

fn version_before_numbers(sql: &Sql) -> Result<usize> {
    Ok(match (has_table(sql, "parked")?, has_table(sql, "parked_bytes")?) {
        (false, _) => 0,
        (true, false) => 1,
        (true, true) => 2,
    })
}

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

/// What an object knows about itself when it wakes.
pub struct Loaded {
    /// The object's name; absent if it has no tables and the platform does not say it.
    pub name: Option<String>,
    pub stored: Option<StoredKey>,
}

/// Brings the tables to the newest version and loads the row. An object without tables has no key
/// yet; nothing is written to it. `name` is what the platform says: after a restart it does not
/// tell an object that its alarm wakes.
pub fn load(sql: &Sql, name: Option<String>) -> Result<Loaded> {
    if !has_table(sql, "record")? {
        return Ok(Loaded { name, stored: None });
    }
    let name = match name {
        Some(name) => Some(name),
        // An object from before names were stored has its name in the hash of its key.
        None => read(sql)?.map(|stored| object_name(&stored.record.key_hash.gate())),
    };
    let name = MIGRATIONS.run(sql, name.as_deref())?;
    Ok(Loaded { name: Some(name), stored: read(sql)? })
}

fn read(sql: &Sql) -> Result<Option<StoredKey>> {
    #[derive(Deserialize)]
    struct Row {
        json: String,
    }
    let Some(row) = sql.first::<Row>("SELECT json FROM record", &[])? else { return Ok(None) };
    serde_json::from_str(&row.json).map_err(|error| internal(error.to_string()))
}

/// Makes the tables and writes the row of an object that had no key.
pub fn install(sql: &Sql, stored: &StoredKey) -> Result<()> {
    let name = object_name(&stored.record.key_hash.gate());
    sql.transaction(|| {
        MIGRATIONS.run(sql, Some(&name))?;
        save(sql, stored)
    })
}

/// The column `schema`, which only code from before migrations were numbered reads: it must not
/// migrate again.
const SCHEMA_BEFORE_NUMBERS: i64 = 2;

/// Rewrites the row.
pub fn save(sql: &Sql, stored: &StoredKey) -> Result<()> {
    let json = serde_json::to_string(stored).map_err(|error| internal(error.to_string()))?;
    sql.run(
        "INSERT INTO record (id, schema, json) VALUES (1, ?1, ?2)
         ON CONFLICT (id) DO UPDATE SET schema = excluded.schema, json = excluded.json",
        &[integer(SCHEMA_BEFORE_NUMBERS), text(Some(&json))],
    )
}
