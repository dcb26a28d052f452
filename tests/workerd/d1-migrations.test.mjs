/**
 * Every D1 migration, one after the other, over a database that is filled between them with rows of
 * each version: afterwards every row is as it was written, and the constraints hold for all of them.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { copyFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { after, before, test } from 'node:test';
import { Miniflare } from 'miniflare';
import { base32, newId } from './support/credentials.mjs';
import { migrate } from './support/migrations.mjs';

const DIRECTORY = fileURLToPath(new URL('../../d1-migrations', import.meta.url));
const NOW = 1_795_000_000_000;
const DAY = 86_400_000;

let miniflare;
let database;
const directory = mkdtempSync(path.join(tmpdir(), 'tidegate-d1-'));
before(async () => {
  miniflare = new Miniflare({ modules: true, script: 'export default {}', compatibilityDate: '2026-04-20', d1Databases: ['DB'] });
  database = await miniflare.getD1Database('DB');
});
after(async () => {
  await miniflare?.dispose();
  rmSync(directory, { recursive: true, force: true });
});

const query = async (sql, ...values) => (await database.prepare(sql).bind(...values).all()).results;
const columns = async (table) => (await query(`SELECT name FROM pragma_table_info('${table}')`)).map(({ name }) => name);
const hex = () => randomBytes(32).toString('hex');

/** A row of each table, for the columns of the newest version. Whatever a table lacks is left out. */
function rows() {
  const [workspace_id, store_id, user_id] = ['wks_', 'sto_', 'usr_'].map(newId);
  const [key_hash, session] = [hex(), hex()];
  const named = { name: 'Acme', created_at: NOW };
  const key = {
    key_id: `key_${base32(randomBytes(16))}`, gate: key_hash.slice(0, 24), key_hash, preview: 'pck_int_abcd', workspace_id, store_id,
    namespace: newId('ns_'), name: 'Shop', source: 'square', payload_format: 'square', scopes: 'orders:write payments:write',
    rate_limit_per_minute: 120, require_signature: 1, capture_bodies: 1, status: 'active', secrets: '[]', created_at: NOW,
    created_by: user_id, expires_at: NOW + 30 * DAY, revoked_at: null, rotated_from: null, form: randomBytes(10).toString('hex'),
    notification_url: 'https://example.com/hook',
  };
  const rotated_hash = hex();
  return [
    ['workspaces', { id: workspace_id, ...named }],
    ['stores', { id: store_id, workspace_id, ...named, archived_at: null }],
    ['users', { id: user_id, email: `${newId('')}@example.com`, password_hash: '$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA', created_at: NOW }],
    ['memberships', { workspace_id, user_id, role: 'owner', created_at: NOW }],
    ['integration_keys', key],
    ['integration_keys', {
      ...key, key_id: `key_${base32(randomBytes(16))}`, gate: rotated_hash.slice(0, 24), key_hash: rotated_hash, status: 'revoked',
      revoked_at: NOW, rotated_from: key.key_id, form: null,
    }],
    ['api_keys', { id: newId('api_'), secret_hash: hex(), preview: 'pck_api_abcd', workspace_id, user_id, ...named, revoked_at: null }],
    ['audit_log', { id: newId('aud_'), workspace_id, at: NOW, action: 'store.created', user_id, api_key_id: null, address: null, subject: store_id, detail: '{}' }],
    ['sessions', { hash: session, workspace_id, user_id, created_at: NOW, seen_at: NOW, expires_at: NOW + DAY, address: null, user_agent: null }],
    ['live_tails', { session_hash: session, gate: key.gate, opened_at: NOW }],
    ['invites', { id: newId('inv_'), hash: hex(), workspace_id, email: 'zoe@example.com', role: 'member', created_by: user_id, created_at: NOW, expires_at: NOW + DAY }],
  ];
}

/** The tables that migrations fill themselves. */
const REFERENCES = ['sources', 'payload_formats', 'scopes'];

/** Inserts a row of each table that there is by now; returns what was written, and the rows of the reference tables. */
async function fill() {
  const written = [];
  for (const [table, row] of rows()) {
    const known = await columns(table);
    if (known.length === 0) continue;
    const kept = Object.fromEntries(Object.entries(row).filter(([name]) => known.includes(name)));
    await query(`INSERT INTO ${table} (${Object.keys(kept)}) VALUES (${Object.keys(kept).map(() => '?')})`, ...Object.values(kept));
    written.push([table, kept]);
  }
  for (const table of REFERENCES) {
    if ((await columns(table)).length > 0) written.push(...(await query(`SELECT * FROM ${table}`)).map((row) => [table, row]));
  }
  return written;
}

test('every migration leaves the rows of every version before it as they were, under all constraints', async () => {
  const written = [];
  for (const file of readdirSync(DIRECTORY).filter((name) => name.endsWith('.sql')).sort()) {
    copyFileSync(path.join(DIRECTORY, file), path.join(directory, file));
    assert.deepEqual(await migrate(database, directory), [file]);
    for (const [table, row] of written) {
      const names = Object.keys(row);
      const where = names.map((name) => `${name} IS ?`).join(' AND ');
      assert.deepEqual(await query(`SELECT ${names} FROM ${table} WHERE ${where}`, ...Object.values(row)), [row], `${table} after ${file}`);
    }
    written.push(...(await fill()));
  }
  const tables = await query("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB '_cf*' AND name NOT GLOB 'sqlite*' AND name <> 'd1_migrations'");
  assert.deepEqual(tables.map(({ name }) => name).sort(), [...new Set(written.map(([table]) => table))].sort(), 'every table is filled here');

  assert.deepEqual(await query('PRAGMA foreign_key_check'), []);
  assert.deepEqual(await query('PRAGMA quick_check'), [{ quick_check: 'ok' }]);
  const [ignored, refused] = [written.filter(([table]) => table === 'audit_log'), written.filter(([table]) => table !== 'audit_log')];
  for (const [table, row] of refused) {
    const again = query(`INSERT INTO ${table} (${Object.keys(row)}) VALUES (${Object.keys(row).map(() => '?')})`, ...Object.values(row));
    await assert.rejects(again, /UNIQUE constraint failed|is pinned/, table);
  }
  for (const [, { id }] of ignored) await assert.rejects(query('DELETE FROM audit_log WHERE id = ?', id), /append-only/);
  for (const [, { key_id }] of written.filter(([table]) => table === 'integration_keys')) {
    await assert.rejects(query("UPDATE integration_keys SET namespace = 'ns_aaaaaaaaaaaaaaaa' WHERE key_id = ?", key_id), /pinned/);
  }
  for (const [, { id }] of written.filter(([table]) => table === 'workspaces')) {
    await assert.rejects(query('DELETE FROM workspaces WHERE id = ?', id), /FOREIGN KEY constraint failed/);
  }
});
