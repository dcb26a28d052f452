/**
 * The schema of D1 refuses what must never be, whoever writes it: a mistake in the Worker, a script,
 * an operator with a console. Each rule is broken here by a row that is good otherwise.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { before, describe, test } from 'node:test';
import { insert, insertIntegrationKey, insertUser, insertWorkspace, integrationKeyRow, newId, secretKey } from './support/credentials.mjs';
import { setup, useGateway } from './support/gateway.mjs';

const gateway = await useGateway();
let creds;
let other;
/** One that tails can be of. */
let session;
before(async () => {
  creds = await setup(gateway);
  other = await insertWorkspace(gateway);
  session = await insert(gateway, 'sessions', rows.sessions());
});

const DAY = 86_400_000;
const NOW = 1_795_000_000_000;

const CHECK = /CHECK constraint failed/;
const FOREIGN = /FOREIGN KEY constraint failed/;
const UNIQUE = /UNIQUE constraint failed/;
/** A unique column's own refusal, or that of the trigger which keeps REPLACE out. */
const TAKEN = /UNIQUE constraint failed|an integration key is pinned/;
/** A trigger's refusal of scopes that are unknown, repeated or out of order. */
const SCOPES = /a key has known scopes, each once, in their order/;
const NOT_NULL = /NOT NULL constraint failed/;
const TYPE = /cannot store \w+ value in \w+ column/;

/** Good rows, one maker for each table. */
const rows = {
  workspaces: () => ({ id: newId('wks_'), name: 'Initech', created_at: NOW }),
  stores: () => ({ id: newId('sto_'), workspace_id: creds.workspace_id, name: 'Store', created_at: NOW }),
  users: () => ({ id: newId('usr_'), email: `${newId('')}@example.com`, password_hash: '$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA', created_at: NOW }),
  memberships: () => ({ workspace_id: other.workspace_id, user_id: creds.user_id, role: 'member', created_at: NOW }),
  integration_keys: () => integrationKeyRow(gateway, creds).row,
  api_keys: () => {
    const { hash, preview } = secretKey(gateway, 'pck_api_');
    const { workspace_id, user_id } = creds;
    return { id: newId('api_'), secret_hash: hash, preview, workspace_id, user_id, name: 'Script', created_at: NOW, revoked_at: null };
  },
  audit_log: () => ({
    id: newId('aud_'), workspace_id: creds.workspace_id, at: NOW, action: 'store.created', user_id: creds.user_id,
    api_key_id: null, address: null, subject: creds.store_id, detail: '{}',
  }),
  sessions: () => ({
    hash: hash(), workspace_id: creds.workspace_id, user_id: creds.user_id, created_at: NOW, seen_at: NOW, expires_at: NOW + 7 * DAY,
    address: null, user_agent: null,
  }),
  live_tails: () => ({ session_hash: session.hash, gate: hash().slice(0, 24), opened_at: NOW }),
  sources: () => ({ source: `source_${newId('')}`, always_signed: 0 }),
  payload_formats: () => ({ payload_format: `format_${newId('')}`, signs_address: 0 }),
  scopes: () => ({ scope: `${letters()}:read`, position: ++position }),
  invites: () => ({
    id: newId('inv_'), hash: hash(), workspace_id: creds.workspace_id, email: `${newId('')}@example.com`, role: 'member',
    created_by: creds.user_id, created_at: NOW, expires_at: NOW + 7 * DAY,
  }),
};

/** The last position of a scope that was inserted here. */
let position = 100;

/** Letters that nothing is named by. */
const letters = () => newId('').replace(/[^a-z]/g, '');

/** A hash of a token that nobody has. */
const hash = () => randomBytes(32).toString('hex');

/** Tries to insert a good row of a table with some columns changed. */
const attempt = (table, changes = {}) => insert(gateway, table, { ...rows[table](), ...changes });

async function refusedInsert(table, changes, reason) {
  await assert.rejects(attempt(table, changes), reason, `${table} ${JSON.stringify(changes)}`);
}

test('every table is covered here', async () => {
  const tables = await gateway.d1("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB '_*' AND name NOT GLOB 'sqlite_*' AND name NOT GLOB 'd1_*'");
  assert.deepEqual(tables.map(({ name }) => name).sort(), Object.keys(rows).sort());
});

describe('a good row is taken', () => {
  for (const table of Object.keys(rows)) test(table, () => attempt(table));

  const goodKeys = {
    'each source': ['custom', 'woocommerce', 'zapier', 'make', 'shopify', 'square', 'bigcommerce', 'stripe_checkout', 'squarespace', 'wix', 'webflow', 'other']
      .map((source) => ({ source, require_signature: 1 })),
    'each payload format': ['peptideclients', 'woocommerce', 'shopify', 'square', 'bigcommerce', 'stripe_checkout', 'squarespace', 'wix', 'webflow']
      .map((payload_format) => ({ payload_format, require_signature: 1 })),
    'each scope and all of them': ['orders:write', 'orders:cancel', 'payments:write', 'payments:refund', 'clients:write',
      'orders:write orders:cancel payments:write payments:refund clients:write', 'orders:write clients:write'].map((scopes) => ({ scopes })),
    'the ends of the limit': [1, 6000].map((rate_limit_per_minute) => ({ rate_limit_per_minute })),
    'the ends of the expiry': [1, 3650].map((days) => ({ created_at: NOW, expires_at: NOW + days * DAY })),
    'each status': [{ status: 'active' }, { status: 'paused' }, { status: 'revoked', revoked_at: NOW }],
  };
  for (const [what, variants] of Object.entries(goodKeys)) {
    test(`integration_keys: ${what}`, async () => {
      for (const changes of variants) await attempt('integration_keys', changes);
    });
  }

  test('memberships: each role', async () => {
    for (const role of ['owner', 'admin', 'member']) {
      const { id: user_id } = await attempt('users');
      await attempt('memberships', { user_id, role });
    }
  });
});

/** For each table, columns that make a good row a bad one, and why. */
const REFUSED = {
  workspaces: [
    [{ id: 'x' }, CHECK], [{ id: newId('sto_') }, CHECK], [{ id: `${newId('wks_')}a` }, CHECK],
    [{ name: '' }, CHECK], [{ name: 'x'.repeat(101) }, CHECK], [{ name: null }, NOT_NULL],
    [{ created_at: 'yesterday' }, TYPE], [{ created_at: null }, NOT_NULL], [{ id: null }, /constraint failed/],
  ],
  stores: [
    [{ id: newId('wks_') }, CHECK], [{ name: '' }, CHECK], [{ name: 'x'.repeat(101) }, CHECK],
    [{ workspace_id: newId('wks_') }, FOREIGN], [{ workspace_id: null }, NOT_NULL],
  ],
  users: [
    [{ id: 'usr_' }, CHECK], [{ email: 'Owner@example.org' }, CHECK], [{ email: 'a@' }, CHECK],
    [{ email: `${'x'.repeat(251)}@a.b` }, CHECK], [{ email: 'owner@example.com' }, UNIQUE],
    [{ password_hash: 'hunter2' }, CHECK], [{ password_hash: '$argon2i$v=19$x' }, CHECK], [{ password_hash: null }, NOT_NULL],
  ],
  memberships: [
    [{ role: 'guest' }, CHECK], [{ role: 'Owner' }, CHECK], [{ role: null }, NOT_NULL],
    [{ workspace_id: newId('wks_') }, FOREIGN], [{ user_id: newId('usr_') }, FOREIGN],
  ],
  integration_keys: [
    [{ source: 'magento' }, FOREIGN], [{ source: 'WooCommerce' }, FOREIGN], [{ source: '' }, FOREIGN], [{ source: null }, NOT_NULL],
    ...['custom', 'zapier', ''].map((payload_format) => [{ payload_format, require_signature: 1 }, FOREIGN]),
    [{ payload_format: null, require_signature: 1 }, NOT_NULL],
    [{ scopes: '' }, SCOPES], [{ scopes: ' ' }, SCOPES], [{ scopes: 'orders:read' }, SCOPES], [{ scopes: 'orders:write orders:read' }, SCOPES],
    [{ scopes: 'orders:writeclients:write' }, SCOPES], [{ scopes: 'orders:write,clients:write' }, SCOPES], [{ scopes: '*' }, SCOPES], [{ scopes: 'ORDERS:WRITE' }, SCOPES],
    [{ scopes: 'orders:write orders:write' }, SCOPES], [{ scopes: 'clients:write orders:write' }, SCOPES],
    [{ rate_limit_per_minute: 0 }, CHECK], [{ rate_limit_per_minute: -1 }, CHECK], [{ rate_limit_per_minute: 6001 }, CHECK],
    [{ rate_limit_per_minute: null }, NOT_NULL], [{ rate_limit_per_minute: 'many' }, TYPE], [{ rate_limit_per_minute: 1.5 }, TYPE],
    [{ created_at: NOW, expires_at: NOW + DAY - 1 }, CHECK], [{ created_at: NOW, expires_at: NOW + 3650 * DAY + 1 }, CHECK], [{ created_at: NOW, expires_at: NOW - DAY }, CHECK],
    [{ require_signature: 2 }, CHECK], [{ require_signature: null }, NOT_NULL], [{ capture_bodies: 2 }, CHECK],
    [{ source: 'woocommerce', require_signature: 0 }, /keys of this source require a signature/],
    ...['woocommerce', 'shopify', 'square', 'bigcommerce', 'stripe_checkout', 'squarespace', 'wix', 'webflow'].map((payload_format) => [{ payload_format, require_signature: 0 }, CHECK]),
    [{ status: 'expired' }, CHECK], [{ status: '' }, CHECK],
    [{ status: 'revoked' }, CHECK], [{ status: 'active', revoked_at: NOW }, CHECK], [{ status: 'paused', revoked_at: NOW }, CHECK],
    [{ key_id: 'key_short' }, CHECK], [{ key_id: `kex_${'a'.repeat(26)}` }, CHECK],
    [{ gate: 'a'.repeat(24) }, CHECK], [{ key_hash: 'a'.repeat(64) }, CHECK], [{ key_hash: 'a'.repeat(63), gate: 'a'.repeat(24) }, CHECK],
    [{ preview: 'pck_int_' }, CHECK], [{ namespace: 'x' }, CHECK], [{ name: '' }, CHECK], [{ name: 'x'.repeat(101) }, CHECK],
    [{ secrets: '{}' }, CHECK], [{ secrets: 'the secret itself' }, /CHECK constraint failed|malformed JSON/], [{ secrets: null }, NOT_NULL],
    [{ workspace_id: newId('wks_') }, FOREIGN], [{ store_id: newId('sto_') }, FOREIGN], [{ created_by: newId('usr_') }, FOREIGN],
  ],
  api_keys: [
    [{ id: 'x' }, CHECK], [{ secret_hash: 'x' }, CHECK], [{ preview: 'pck_api' }, CHECK], [{ name: '' }, CHECK],
    [{ workspace_id: newId('wks_') }, FOREIGN], [{ user_id: newId('usr_') }, FOREIGN], [{ user_id: null }, NOT_NULL],
  ],
  audit_log: [
    [{ id: 'x' }, CHECK], [{ action: 'created' }, CHECK], [{ action: '.' }, CHECK], [{ action: 'store.' }, CHECK],
    [{ detail: '[]' }, CHECK], [{ detail: 'text' }, /CHECK constraint failed|malformed JSON/], [{ subject: null }, NOT_NULL],
    [{ user_id: newId('usr_') }, FOREIGN], [{ workspace_id: newId('wks_') }, FOREIGN], [{ workspace_id: null }, NOT_NULL],
  ],
  sessions: [
    [{ hash: 'x' }, CHECK], [{ hash: null }, NOT_NULL], [{ workspace_id: newId('wks_') }, FOREIGN], [{ user_id: newId('usr_') }, FOREIGN],
    [{ user_id: null }, NOT_NULL], [{ expires_at: null }, NOT_NULL], [{ seen_at: 'now' }, TYPE], [{ user_agent: 'x'.repeat(301) }, CHECK],
  ],
  sources: [
    [{ source: '' }, CHECK], [{ source: 'Magento' }, CHECK], [{ source: 'a b' }, CHECK], [{ always_signed: 2 }, CHECK], [{ always_signed: null }, NOT_NULL], [{ source: 'custom' }, UNIQUE],
  ],
  payload_formats: [
    [{ payload_format: '' }, CHECK], [{ payload_format: 'Magento' }, CHECK], [{ signs_address: 2 }, CHECK], [{ signs_address: null }, NOT_NULL], [{ payload_format: 'square' }, UNIQUE],
  ],
  scopes: [
    [{ scope: 'orders' }, CHECK], [{ scope: 'orders:*' }, CHECK], [{ scope: 'a:b c:d' }, CHECK], [{ position: 1 }, UNIQUE], [{ position: null }, NOT_NULL],
  ],
  live_tails: [[{ session_hash: 'a'.repeat(64) }, FOREIGN], [{ gate: 'x' }, CHECK], [{ opened_at: null }, NOT_NULL]],
  invites: [
    [{ id: newId('usr_') }, CHECK], [{ hash: 'x' }, CHECK], [{ email: 'A@example.com' }, CHECK], [{ email: 'a@' }, CHECK], [{ role: 'guest' }, CHECK],
    [{ role: null }, NOT_NULL], [{ workspace_id: newId('wks_') }, FOREIGN], [{ created_by: newId('usr_') }, FOREIGN], [{ expires_at: null }, NOT_NULL],
  ],
};

describe('a row that breaks one rule is refused', () => {
  for (const [table, cases] of Object.entries(REFUSED)) {
    for (const [changes, reason] of cases) {
      const what = JSON.stringify(changes, (_, value) => (typeof value === 'string' && value.length > 40 ? `${value.slice(0, 12)}… (${value.length})` : value));
      test(`${table}: ${what}`, () => refusedInsert(table, changes, reason));
    }
  }

  test('integration_keys: a store of another workspace', async () => {
    await refusedInsert('integration_keys', { store_id: other.store_id }, FOREIGN);
    await refusedInsert('integration_keys', { workspace_id: other.workspace_id }, FOREIGN);
    await attempt('integration_keys', { workspace_id: other.workspace_id, store_id: other.store_id });
  });

  test('integration_keys: two of one id, one hash or one KeyGate', async () => {
    const row = await attempt('integration_keys');
    const another = rows.integration_keys();
    await refusedInsert('integration_keys', { ...another, key_id: row.key_id }, TAKEN);
    await refusedInsert('integration_keys', { ...another, key_hash: row.key_hash, gate: row.gate }, TAKEN);
    await refusedInsert('integration_keys', { ...another, key_hash: row.gate + 'f'.repeat(40), gate: row.gate }, TAKEN);
  });

  test('api_keys: of a user who is not a member, or a second one of one hash', async () => {
    const { id: user_id } = await attempt('users');
    await refusedInsert('api_keys', { user_id }, FOREIGN);
    await refusedInsert('api_keys', { workspace_id: other.workspace_id, user_id: (await insertUser(gateway, creds.workspace_id, 'owner')).user_id }, FOREIGN);
    const { secret_hash } = await attempt('api_keys');
    await refusedInsert('api_keys', { secret_hash }, UNIQUE);
  });

  test('memberships: a second one of the same user', async () => {
    const { id: user_id } = await attempt('users');
    await attempt('memberships', { user_id });
    await refusedInsert('memberships', { user_id, role: 'owner' }, UNIQUE);
  });
});

describe('an integration key is pinned for ever', () => {
  const update = (key, column, value) => gateway.d1(`UPDATE integration_keys SET ${column} = ?1 WHERE key_id = ?2`, [value, key.key_id]);
  const stored = async (key) => (await gateway.d1('SELECT * FROM integration_keys WHERE key_id = ?1', [key.key_id]))[0];

  test('no statement changes what it is, where it writes, or what it may do, not even to the same', async () => {
    const key = await insertIntegrationKey(gateway, creds, { created_at: NOW, expires_at: NOW + 30 * DAY });
    const before = await stored(key);
    const another = rows.integration_keys();
    const changes = {
      key_id: another.key_id,
      gate: another.gate,
      key_hash: another.key_hash,
      preview: another.preview,
      workspace_id: other.workspace_id,
      store_id: other.store_id,
      namespace: another.namespace,
      source: 'zapier',
      payload_format: 'woocommerce',
      scopes: 'orders:write payments:refund',
      rate_limit_per_minute: 6000,
      require_signature: 1,
      created_at: NOW + 1,
      created_by: other.user_id,
      expires_at: null,
      rotated_from: another.key_id,
      form: 'f'.repeat(20),
    };
    for (const [column, value] of Object.entries(changes)) {
      await assert.rejects(update(key, column, value), /an integration key is pinned/, column);
      await assert.rejects(update(key, column, before[column]), /an integration key is pinned/, `${column}, to the same`);
    }
    assert.deepEqual(await stored(key), before);
    // What is not named here may change, or is listed by mistake: each column is one or the other.
    const MAY_CHANGE = ['name', 'capture_bodies', 'status', 'secrets', 'revoked_at', 'notification_url'];
    assert.deepEqual(Object.keys(before).sort(), [...Object.keys(changes), ...MAY_CHANGE].sort());
  });

  test('only a key of Square has a notification URL, which changes only together with the secret', async () => {
    const url = 'https://shop.example.com/hook';
    const custom = await insertIntegrationKey(gateway, creds);
    await assert.rejects(update(custom, 'notification_url', url), /changes only with the secret/);
    await assert.rejects(insertIntegrationKey(gateway, creds, { notification_url: url }), /only keys of a sender that signs addresses/);
    const square = await insertIntegrationKey(gateway, creds, { payload_format: 'square', source: 'square', require_signature: 1, notification_url: url });
    await assert.rejects(update(square, 'notification_url', `${url}2`), /changes only with the secret/);
    await assert.rejects(update(square, 'notification_url', null), /changes only with the secret/);
    await gateway.d1('UPDATE integration_keys SET notification_url = ?1, secrets = ?2 WHERE key_id = ?3', [`${url}2`, '[1]', square.key_id]);
    assert.equal((await stored(square)).notification_url, `${url}2`);
  });

  test('nor with its store moved to another workspace, or an upsert over it', async () => {
    const key = await insertIntegrationKey(gateway, creds);
    const before = await stored(key);
    const { row } = integrationKeyRow(gateway, creds);
    const columns = Object.keys(row);
    const places = columns.map((_, index) => `?${index + 1}`);
    const values = Object.values({ ...row, key_id: key.key_id });
    await assert.rejects(gateway.d1(
      `INSERT INTO integration_keys (${columns}) VALUES (${places}) ON CONFLICT (key_id) DO UPDATE SET scopes = 'payments:refund'`, values,
    ), /an integration key is pinned/);
    await assert.rejects(gateway.d1('UPDATE stores SET workspace_id = ?1 WHERE id = ?2', [other.workspace_id, creds.store_id]), FOREIGN);
    assert.deepEqual(await stored(key), before);
  });

  test('what may change: pause, resume, its secrets, and revoke', async () => {
    const key = await insertIntegrationKey(gateway, creds);
    await update(key, 'status', 'paused');
    await update(key, 'status', 'active');
    await update(key, 'secrets', '[{"sealed":"1.x"}]');
    await gateway.d1("UPDATE integration_keys SET status = 'revoked', revoked_at = ?1 WHERE key_id = ?2", [NOW, key.key_id]);
    assert.equal((await stored(key)).status, 'revoked');
  });

  test('a revoked key stays revoked', async () => {
    const key = await insertIntegrationKey(gateway, creds, { status: 'revoked', revoked_at: NOW });
    for (const status of ['active', 'paused']) {
      await assert.rejects(gateway.d1('UPDATE integration_keys SET status = ?1, revoked_at = NULL WHERE key_id = ?2', [status, key.key_id]), /stays revoked/);
      await assert.rejects(update(key, 'status', status), /stays revoked/);
    }
    await assert.rejects(update(key, 'revoked_at', null), CHECK);
    assert.deepEqual([(await stored(key)).status, (await stored(key)).revoked_at], ['revoked', NOW]);
    // The idempotent batch of a revoke may repeat.
    await gateway.d1("UPDATE integration_keys SET status = 'revoked', revoked_at = ?1 WHERE key_id = ?2", [NOW, key.key_id]);
  });

  test('a key cannot be replaced by another row', async () => {
    const key = await insertIntegrationKey(gateway, creds, { status: 'revoked', revoked_at: NOW });
    const before = await stored(key);
    const columns = Object.keys(before);
    const replacement = { ...before, status: 'active', revoked_at: null, scopes: 'payments:refund' };
    const replace = `INSERT OR REPLACE INTO integration_keys (${columns}) VALUES (${columns.map((_, index) => `?${index + 1}`)})`;
    await gateway.d1(replace, Object.values(replacement)).catch(() => 'refused, or without effect');
    assert.deepEqual(await stored(key), before);
  });

  test('a key cannot be deleted: its orders and its audit entries name it', async () => {
    const key = await insertIntegrationKey(gateway, creds);
    await assert.rejects(gateway.d1('DELETE FROM integration_keys WHERE key_id = ?1', [key.key_id]));
    assert.ok(await stored(key));
  });
});

describe('a key that takes the place of another', () => {
  test('keeps its workspace, store and namespace', async () => {
    const old = await attempt('integration_keys');
    const { namespace, key_id: rotated_from } = old;
    await attempt('integration_keys', { namespace, rotated_from });
    const { id: store_id } = await attempt('stores');
    for (const changes of [
      {}, { namespace, store_id }, { namespace, workspace_id: other.workspace_id, store_id: other.store_id },
    ]) {
      await refusedInsert('integration_keys', { rotated_from, ...changes }, /keeps its store and namespace/);
    }
    await refusedInsert('integration_keys', { namespace, rotated_from: rows.integration_keys().key_id }, /keeps its store and namespace/);
  });

  test('a form mints one key', async () => {
    const form = 'a'.repeat(20);
    await refusedInsert('integration_keys', { form: 'short' }, CHECK);
    await attempt('integration_keys', { form });
    await refusedInsert('integration_keys', { form }, UNIQUE);
  });
});

describe('a workspace keeps an owner', () => {
  /** A workspace with two owners. */
  async function two() {
    const { workspace_id, user_id } = await insertWorkspace(gateway);
    return { workspace_id, one: user_id, another: (await insertUser(gateway, workspace_id, 'owner')).user_id };
  }
  const role = (workspace, user, role) => gateway.d1('UPDATE memberships SET role = ?1 WHERE workspace_id = ?2 AND user_id = ?3', [role, workspace, user]);
  const remove = (workspace, user) => gateway.d1('DELETE FROM memberships WHERE workspace_id = ?1 AND user_id = ?2', [workspace, user]);
  const KEPT = /a workspace keeps an owner/;

  test('the last one is neither demoted nor removed, whatever others there are', async () => {
    const { workspace_id, one, another } = await two();
    await insertUser(gateway, workspace_id, 'admin');
    await insert(gateway, 'memberships', { workspace_id: creds.workspace_id, user_id: one, role: 'owner', created_at: NOW });
    await role(workspace_id, another, 'member');
    for (const lower of ['admin', 'member']) await assert.rejects(role(workspace_id, one, lower), KEPT);
    await assert.rejects(remove(workspace_id, one), KEPT);
    await assert.rejects(gateway.d1('DELETE FROM memberships WHERE workspace_id = ?1', [workspace_id]), KEPT);
    await role(workspace_id, one, 'owner');
    await role(workspace_id, another, 'owner');
    await remove(workspace_id, one);
    await assert.rejects(remove(workspace_id, another), KEPT);
    await remove(creds.workspace_id, one);
  });
});

describe('an archived store', () => {
  const archive = (id, at = NOW) => gateway.d1('UPDATE stores SET archived_at = ?1 WHERE id = ?2', [at, id]);

  test('takes no keys, and gets them again once it is back', async () => {
    const { id: store_id } = await attempt('stores');
    await archive(store_id);
    await refusedInsert('integration_keys', { store_id }, /the store is archived/);
    await archive(store_id, null);
    await attempt('integration_keys', { store_id });
  });

  test('has no live key: a revoked or expired one does not stand in the way, a paused one does', async () => {
    for (const [columns, live] of [
      [{}, true], [{ status: 'paused' }, true], [{ status: 'revoked', revoked_at: NOW }, false],
      [{ created_at: NOW - 2 * DAY, expires_at: NOW }, false], [{ created_at: NOW, expires_at: NOW + DAY }, true],
    ]) {
      const { id: store_id } = await attempt('stores');
      await attempt('integration_keys', { store_id, ...columns });
      if (live) await assert.rejects(archive(store_id), /a live key points to this store/, JSON.stringify(columns));
      else await archive(store_id);
    }
  });
});

test('an address has one invite into a workspace, and one into another', async () => {
  const { email } = await attempt('invites');
  await refusedInsert('invites', { email }, UNIQUE);
  await attempt('invites', { email, workspace_id: other.workspace_id });
});

test('whoever leaves a workspace is signed out of it, and of no other; their tails end with the session', async () => {
  const { user_id } = await insertUser(gateway, creds.workspace_id, 'member');
  await insert(gateway, 'memberships', { workspace_id: other.workspace_id, user_id, role: 'member', created_at: NOW });
  const here = await attempt('sessions', { user_id });
  const there = await attempt('sessions', { user_id, workspace_id: other.workspace_id });
  for (const { hash: session_hash } of [here, there]) await attempt('live_tails', { session_hash });
  await gateway.d1('DELETE FROM memberships WHERE workspace_id = ?1 AND user_id = ?2', [creds.workspace_id, user_id]);
  assert.deepEqual(await gateway.d1('SELECT hash FROM sessions WHERE user_id = ?1', [user_id]), [{ hash: there.hash }]);
  const tails = await gateway.d1('SELECT session_hash FROM live_tails WHERE session_hash IN (?1, ?2)', [here.hash, there.hash]);
  assert.deepEqual(tails, [{ session_hash: there.hash }]);
});

describe('the audit log is append-only', () => {
  test('an entry may have nobody who was signed in', () => attempt('audit_log', { user_id: null }));

  test('no entry is changed', async () => {
    const entry = await attempt('audit_log');
    for (const [column, value] of Object.entries({ ...rows.audit_log(), subject: 'another', at: NOW + 1 })) {
      await assert.rejects(gateway.d1(`UPDATE audit_log SET ${column} = ?1 WHERE id = ?2`, [value, entry.id]), /append-only/, column);
    }
    assert.deepEqual(await gateway.d1('SELECT * FROM audit_log WHERE id = ?1', [entry.id]), [entry]);
  });

  test('no entry is deleted', async () => {
    const entry = await attempt('audit_log');
    await assert.rejects(gateway.d1('DELETE FROM audit_log WHERE id = ?1', [entry.id]), /append-only/);
    await assert.rejects(gateway.d1('DELETE FROM audit_log'), /append-only/);
    assert.equal((await gateway.d1('SELECT id FROM audit_log WHERE id = ?1', [entry.id])).length, 1);
  });

  test('no entry is replaced, and the same one again is none', async () => {
    const entry = await attempt('audit_log');
    const columns = Object.keys(entry);
    const replaced = Object.values({ ...entry, subject: 'another', action: 'store.hidden' });
    const replace = `INSERT OR REPLACE INTO audit_log (${columns}) VALUES (${columns.map((_, index) => `?${index + 1}`)})`;
    await gateway.d1(replace, replaced).catch(() => 'refused, or without effect');
    assert.deepEqual(await gateway.d1('SELECT * FROM audit_log WHERE id = ?1', [entry.id]), [entry]);
    // A KeyGate repeats its batch until D1 has acknowledged it.
    await gateway.d1(replace.replace('REPLACE', 'IGNORE'), replaced);
    assert.deepEqual(await gateway.d1('SELECT * FROM audit_log WHERE id = ?1', [entry.id]), [entry]);
  });

  test('an entry outlives the membership of whoever acted', async () => {
    const user = await insertUser(gateway, creds.workspace_id, 'admin');
    const entry = await attempt('audit_log', { user_id: user.user_id, api_key_id: user.api_key_id });
    await gateway.d1('DELETE FROM memberships WHERE user_id = ?1', [user.user_id]);
    assert.deepEqual(await gateway.d1('SELECT * FROM audit_log WHERE id = ?1', [entry.id]), [entry]);
    await assert.rejects(gateway.d1('DELETE FROM users WHERE id = ?1', [user.user_id]), FOREIGN);
  });
});

test('what others refer to is not deleted under them', async () => {
  const key = await insertIntegrationKey(gateway, other);
  for (const [table, column, id] of [['stores', 'id', other.store_id], ['workspaces', 'id', other.workspace_id], ['users', 'id', other.user_id]]) {
    await assert.rejects(gateway.d1(`DELETE FROM ${table} WHERE ${column} = ?1`, [id]), FOREIGN, `${table} of ${key.key_id}`);
  }
});

test('whoever leaves a workspace takes the API keys along, and no others', async () => {
  const user = await insertUser(gateway, creds.workspace_id, 'admin');
  const count = async () => (await gateway.d1('SELECT count(*) AS n FROM api_keys'))[0].n;
  const before = await count();
  await gateway.d1('DELETE FROM memberships WHERE workspace_id = ?1 AND user_id = ?2', [creds.workspace_id, user.user_id]);
  assert.equal(await count(), before - 1);
  assert.deepEqual(await gateway.d1('SELECT id FROM api_keys WHERE user_id = ?1', [user.user_id]), []);
});
