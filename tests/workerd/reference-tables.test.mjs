/**
 * The migration that made reference tables of the CHECK lists of integration_keys, over a database
 * as the migrations before it left one. D1 alone, without the Worker.
 */
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Miniflare } from 'miniflare';
import { migrate } from './support/migrations.mjs';

const MIGRATIONS = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../d1-migrations');
const FIRST = '0005_reference_tables.sql';
const id = (prefix, letter) => prefix + letter.repeat(16);
const workspace_id = id('wks_', 'a');
const store_id = id('sto_', 'a');
const created_by = id('usr_', 'a');

let miniflare;
let db;
let directory;
/** What stood in the catalogue before the migration, and its indexes and triggers. */
let stored;
let objects;
before(async () => {
  miniflare = new Miniflare({ modules: true, script: 'export default {}', compatibilityDate: '2025-01-01', d1Databases: ['DB'] });
  db = await miniflare.getD1Database('DB');
  directory = mkdtempSync(path.join(tmpdir(), 'tidegate-migrations-'));
  const older = readdirSync(MIGRATIONS).filter((name) => name < FIRST);
  for (const name of older) cpSync(path.join(MIGRATIONS, name), path.join(directory, name));
  await migrate(db, directory);
  await fill();
  stored = await dump();
  objects = await named();
  cpSync(path.join(MIGRATIONS, FIRST), path.join(directory, FIRST));
  assert.deepEqual(await migrate(db, directory), [FIRST]);
});
after(async () => {
  await miniflare?.dispose();
  if (directory) rmSync(directory, { recursive: true, force: true });
});

const all = async (sql, ...values) => (await db.prepare(sql).bind(...values).all()).results;

async function insert(table, row) {
  const columns = Object.keys(row);
  await db.prepare(`INSERT INTO ${table} (${columns}) VALUES (${columns.map((_, index) => `?${index + 1}`)})`).bind(...Object.values(row)).run();
}

/** A row of integration_keys; `letter` makes it different from the others. */
const key = (letter, columns = {}) => ({
  key_id: `key_${letter.repeat(26)}`, gate: letter.repeat(24), key_hash: letter.repeat(64), preview: 'pck_int_abcd', workspace_id, store_id,
  namespace: id('ns_', 'a'), name: letter, source: 'custom', payload_format: 'peptideclients', scopes: 'orders:write clients:write',
  rate_limit_per_minute: 120, require_signature: 1, capture_bodies: 1, status: 'active', secrets: '[]', created_at: 1, created_by, ...columns,
});

async function fill() {
  await insert('workspaces', { id: workspace_id, name: 'Initech', created_at: 1 });
  await insert('stores', { id: store_id, workspace_id, name: 'Store', created_at: 1 });
  await insert('users', { id: created_by, email: 'a@b', password_hash: '$argon2id$x', created_at: 1 });
  // A chain of rotated keys, in which each successor sorts before its predecessor.
  await insert('integration_keys', key('z', { status: 'revoked', revoked_at: 5 }));
  await insert('integration_keys', key('y', { rotated_from: `key_${'z'.repeat(26)}`, form: 'f'.repeat(20) }));
  await insert('integration_keys', key('x', { rotated_from: `key_${'y'.repeat(26)}`, expires_at: 1 + 86_400_000 }));
  const formats = ['woocommerce', 'shopify', 'bigcommerce', 'stripe_checkout', 'squarespace', 'wix', 'webflow'];
  for (const [index, format] of formats.entries()) await insert('integration_keys', key('abcdefg'[index], { source: format, payload_format: format }));
  await insert('integration_keys', key('h', { source: 'square', payload_format: 'square', notification_url: 'https://shop.example/hook' }));
  for (const [index, source] of ['zapier', 'make', 'other'].entries()) await insert('integration_keys', key('ijk'[index], { source, require_signature: 0, status: 'paused' }));
}

const dump = async () => ({
  keys: await all('SELECT * FROM integration_keys ORDER BY key_id'),
  stores: await all('SELECT * FROM stores'),
  users: await all('SELECT * FROM users'),
});

const named = async () => (await all("SELECT name FROM sqlite_master WHERE type IN ('index', 'trigger') AND name NOT GLOB 'sqlite_*'")).map(({ name }) => name);

test('no row of the catalogue changes', async () => {
  assert.equal(stored.keys.length, 14);
  assert.deepEqual(await dump(), stored);
  assert.deepEqual(await all('PRAGMA foreign_key_check'), []);
});

test('every index and trigger is there again, one of them under a name without the sender', async () => {
  const names = new Set(await named());
  const gone = objects.filter((name) => !names.has(name));
  assert.deepEqual(gone, ['only_square_signs_an_address_insert']);
  assert.ok(names.has('only_signed_addresses_are_stored'));
});

test('one more sender is one row in each table', async () => {
  await assert.rejects(insert('integration_keys', key('m', { source: 'magento', payload_format: 'magento' })), /FOREIGN KEY/);
  await insert('sources', { source: 'magento', always_signed: 1 });
  await insert('payload_formats', { payload_format: 'magento', signs_address: 1 });
  await insert('scopes', { scope: 'products:write', position: 6 });
  await assert.rejects(insert('integration_keys', key('m', { source: 'magento', require_signature: 0 })), /require a signature/);
  const scopes = 'clients:write products:write';
  await insert('integration_keys', key('m', { source: 'magento', payload_format: 'magento', scopes, notification_url: 'https://m.example' }));
});

test('a row that a key refers to stays, and a store with a live key is not archived', async () => {
  await assert.rejects(db.prepare("DELETE FROM sources WHERE source = 'wix'").run(), /FOREIGN KEY/);
  await assert.rejects(db.prepare("DELETE FROM payload_formats WHERE payload_format = 'wix'").run(), /FOREIGN KEY/);
  await assert.rejects(db.prepare('UPDATE stores SET archived_at = 9').run(), /a live key points to this store/);
  await assert.rejects(db.prepare("DELETE FROM integration_keys").run(), /revoked, not deleted/);
});
