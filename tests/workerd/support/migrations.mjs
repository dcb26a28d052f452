/**
 * Applies d1-migrations/ to a local D1, in the order of their names, each once.
 *
 * The record is wrangler's own table, so that `wrangler d1 migrations apply` on the same state
 * finds nothing left to do.
 */
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';

const RECORD = `CREATE TABLE IF NOT EXISTS d1_migrations (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT UNIQUE,
  applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
)`;

/**
 * @param {import("miniflare").D1Database} database
 * @param {string} directory - of the .sql files
 * @returns {Promise<string[]>} the names that were applied now
 */
export async function migrate(database, directory) {
  await database.prepare(RECORD).run();
  const { results } = await database.prepare('SELECT name FROM d1_migrations').all();
  const done = new Set(results.map((row) => row.name));
  const due = readdirSync(directory)
    .filter((name) => name.endsWith('.sql') && !done.has(name))
    .sort();
  for (const name of due) {
    await database.batch([
      database.prepare(readFileSync(path.join(directory, name), 'utf8')),
      database.prepare('INSERT INTO d1_migrations (name) VALUES (?)').bind(name),
    ]);
  }
  return due;
}

/** Drops all that migrations and tests have made in a D1. */
export async function empty(database) {
  const OWN = "name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE '\\_cf\\_%' ESCAPE '\\'";
  const { results } = await database.prepare(`SELECT type, name FROM sqlite_master WHERE ${OWN}`).all();
  const drop = (type) => results.filter((each) => each.type === type).map(({ name }) => database.prepare(`DROP ${type} "${name}"`));
  // Triggers forbid some deletions, and a table may only go after those that refer to it.
  const first = [...drop('trigger'), ...drop('view')];
  const tables = drop('table').reverse();
  await database.batch([database.prepare('PRAGMA defer_foreign_keys = ON'), ...first, ...tables]);
}
