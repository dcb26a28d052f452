//! Numbered migrations of an object's SQLite. An object migrates itself when it wakes; the table
//! `object` holds its version, and its name, because an object that its alarm wakes after a restart
//! is not told its name.

use serde::Deserialize;

use crate::platform::sql::{Sql, integer, text};
use crate::{Result, internal};

const OBJECT: &str = "CREATE TABLE IF NOT EXISTS object (id INTEGER PRIMARY KEY CHECK (id = 1), name TEXT NOT NULL, version INTEGER NOT NULL)";

/// What brings an object's tables from nothing to the newest version.
pub struct Migrations {
    /// Step `n` (counted from 1) brings version `n - 1` to version `n`. A step that was deployed
    /// never changes.
    pub steps: &'static [&'static str],
    /// The version of an object that was made before the table `object` existed; 0 for an object
    /// without tables.
    pub version_before_numbers: fn(&Sql) -> Result<usize>,
}

impl Migrations {
    /// Brings the tables to the newest version in one transaction, and returns the object's name.
    /// `name` is what the platform says; it may be absent if the object is already named. An object
    /// that is up to date is only read.
    pub fn run(&self, sql: &Sql, name: Option<&str>) -> Result<String> {
        let (stored_name, version) = match stored(sql)? {
            Some(Stored { name, version }) => (Some(name), version),
            None => (None, (self.version_before_numbers)(sql)?),
        };
        let is_new_enough = version >= self.steps.len();
        if let Some(name) = stored_name.as_ref().filter(|_| is_new_enough) {
            return Ok(name.clone());
        }
        let name =
            stored_name.as_deref().or(name).ok_or_else(|| internal("an object without a name"))?;
        sql.transaction(|| {
            for step in self.steps.iter().skip(version) {
                sql.run(step, &[])?;
            }
            sql.run(OBJECT, &[])?;
            // An older version of the code must not take back what a newer one has done.
            let version = version.max(self.steps.len());
            sql.run(
                "INSERT INTO object (id, name, version) VALUES (1, ?1, ?2)
                 ON CONFLICT (id) DO UPDATE SET version = excluded.version",
                &[text(Some(name)), integer(i64::try_from(version).unwrap_or_default())],
            )
        })?;
        Ok(name.to_owned())
    }
}

#[derive(Deserialize)]
struct Stored {
    name: String,
    version: usize,
}

fn stored(sql: &Sql) -> Result<Option<Stored>> {
    if !has_table(sql, "object")? {
        return Ok(None);
    }
    sql.first("SELECT name, version FROM object", &[])
}

/// Whether the database has a table of this name.
pub fn has_table(sql: &Sql, name: &str) -> Result<bool> {
    #[derive(Deserialize)]
    struct Count {
        count: u32,
    }
    let query = "SELECT count(*) AS count FROM sqlite_master WHERE type = 'table' AND name = ?1";
    let count = sql.first::<Count>(query, &[text(Some(name))])?;
    Ok(count.is_some_and(|count| count.count > 0))
}
