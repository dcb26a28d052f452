//! The tables of a StoreLedger. The idempotency tables are made per week
//! ([`idempotency`](super::idempotency)).

use crate::Result;
use crate::objects::migrations::{Migrations, has_table};
use crate::platform::sql::Sql;

pub(super) const MIGRATIONS: Migrations =
    Migrations { steps: &[TABLES, AUTHORS_AND_CHANGES], version_before_numbers };

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

/// Authors, change numbers, and the content of an order as it was created.
///
/// - A change number comes from the same sequence as ids: a new order or client has its id as its
///   first one. Older rows get one from the time of their last change, unique and in its order.
/// - The index of clients leaves out those that never changed: those are in the order of their ids.
///   A query uses it only if it says `change <> id` too.
/// - `creations` takes an order, its external id and its idempotency row in one statement; its
///   trigger is made per week too. Objects made before step 1 have an older view, with a trigger,
///   and a table `schema`.
const AUTHORS_AND_CHANGES: &str = "
DROP VIEW IF EXISTS creations;
DROP TABLE IF EXISTS schema;
ALTER TABLE orders RENAME COLUMN stated TO reported;
ALTER TABLE orders RENAME COLUMN key_id TO created_by;
ALTER TABLE orders ADD COLUMN change INTEGER NOT NULL DEFAULT 0;
ALTER TABLE orders ADD COLUMN created TEXT;
UPDATE orders SET change = numbered.change FROM (SELECT id, updated_at * 1024
    + row_number() OVER (ORDER BY updated_at, id) AS change FROM orders) AS numbered
  WHERE orders.id = numbered.id;
CREATE UNIQUE INDEX orders_by_change ON orders (change);
ALTER TABLE clients ADD COLUMN created_by TEXT;
ALTER TABLE clients ADD COLUMN change INTEGER NOT NULL DEFAULT 0;
UPDATE clients SET change = numbered.change FROM (SELECT id, updated_at * 1024
    + row_number() OVER (ORDER BY updated_at, id) AS change FROM clients) AS numbered
  WHERE clients.id = numbered.id;
CREATE UNIQUE INDEX clients_by_change ON clients (change) WHERE change <> id;
CREATE VIEW creations AS SELECT id, source, created_by, status, placed_at, created_at, updated_at,
  client_id, content, reported, command_hash, version, history, '' AS external_id,
  '' AS namespace, '' AS key, '' AS fingerprint, '' AS internal_id FROM orders;
";

fn version_before_numbers(sql: &Sql) -> Result<usize> {
    Ok(usize::from(has_table(sql, "orders")?))
}
