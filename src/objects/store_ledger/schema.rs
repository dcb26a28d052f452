//! The tables of a StoreLedger. The idempotency tables are made per week
//! ([`idempotency`](super::idempotency)).

use crate::Result;
use crate::objects::migrations::{Migrations, has_table};
use crate::platform::sql::Sql;

pub(super) const MIGRATIONS: Migrations =
    Migrations { steps: &[TABLES, REPORTED], version_before_numbers };

/// The tables as they were before migrations had numbers.
const TABLES: &str = "
CREATE TABLE orders (id INTEGER PRIMARY KEY, source TEXT NOT NULL, key_id TEXT NOT NULL,
  status TEXT NOT NULL, placed_at INTEGER NOT NULL, created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL, client_id INTEGER, content TEXT NOT NULL, stated TEXT NOT NULL,
  command_hash TEXT, version TEXT, history TEXT NOT NULL);
CREATE TABLE clients (id INTEGER PRIMARY KEY, details TEXT NOT NULL, created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL, version TEXT, history TEXT NOT NULL);
CREATE TABLE identities (kind TEXT NOT NULL, value TEXT NOT NULL, namespace TEXT NOT NULL,
  id INTEGER NOT NULL, PRIMARY KEY (kind, value, namespace)) WITHOUT ROWID;
CREATE TABLE payments (id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL, detail TEXT NOT NULL,
  command_hash TEXT, version TEXT);
CREATE INDEX payments_by_order ON payments (order_id);
CREATE TABLE refunds (id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL, detail TEXT NOT NULL,
  command_hash TEXT, version TEXT);
CREATE INDEX refunds_by_order ON refunds (order_id);
";

/// `creations` takes an order, its external id and its idempotency row in one statement; its
/// trigger is made per week too. Objects made before step 1 have an older view, with a trigger, and
/// a table `schema`.
const REPORTED: &str = "
DROP VIEW IF EXISTS creations;
DROP TABLE IF EXISTS schema;
ALTER TABLE orders RENAME COLUMN stated TO reported;
CREATE VIEW creations AS SELECT id, source, key_id, status, placed_at, created_at, updated_at,
  client_id, content, reported, command_hash, version, history, '' AS external_id,
  '' AS namespace, '' AS key, '' AS fingerprint, '' AS internal_id FROM orders;
";

fn version_before_numbers(sql: &Sql) -> Result<usize> {
    Ok(usize::from(has_table(sql, "orders")?))
}
