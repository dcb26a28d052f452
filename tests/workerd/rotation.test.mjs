/** Rotated tag keys and sealing keys leave every key, id and secret working. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { before, test } from 'node:test';
import { gateOf } from './support/credentials.mjs';
import {
  assertProblem,
  count,
  mint,
  must,
  order,
  postOrder,
  postWebhook,
  rpc,
  setup,
  signStandard,
  signWooCommerce,
  useGateway,
} from './support/gateway.mjs';

const hex = () => randomBytes(32).toString('hex');
const WOOCOMMERCE = { p_source: 'woocommerce', p_payload_format: 'woocommerce' };
const EVENT = readFileSync(path.join(import.meta.dirname, '../fixtures/woocommerce/order.created.json'));

const gateway = await useGateway({ own: true });
let creds;
/** The secrets that the deployment began with, and those that come after. */
let first;
const next = { tag: hex(), sealing: `2:${hex()}` };
/** Keys minted under the first ones. */
const old = {};

before(async () => {
  first = JSON.parse(readFileSync(path.join(gateway.state, 'secrets.json'), 'utf8'));
  creds = await setup(gateway);
  for (const [name, args] of [
    ['used', {}],
    ['unused', {}],
    ['native', WOOCOMMERCE],
    ['pasted', { p_signing_secret: 'a pasted secret' }],
    ['revoked', {}],
    ['paused', {}],
  ])
    old[name] = await mint(gateway, creds, { p_name: name, ...args });
  old.pasted.signing_secret = 'a pasted secret';
  assert.equal((await postOrder(gateway, old.used)).status, 201);
  await must(gateway, creds.api_key, 'core.rpc_revoke_integration_key', { p_key_id: old.revoked.key_id });
  await must(gateway, creds.api_key, 'core.rpc_pause_integration_key', { p_key_id: old.paused.key_id });
  // A key whose gate holds no record, so that it reads its secret from D1.
  await gateway.fault({ class: 'KeyGate', mode: 'throw', times: 1 });
  old.cold = await mint(gateway, creds, { p_name: 'cold' });
  await gateway.fault();
});

/** Delivers one event; duplicates are 200 as well. */
const deliver = (key) =>
  postWebhook(gateway, 'woocommerce', key, EVENT, {
    sign: signWooCommerce,
    headers: { 'x-wc-webhook-topic': 'order.created', 'x-wc-webhook-source': 'https://shop.example/' },
  });

async function assertOldKeysWork() {
  for (const key of [old.used, old.unused, old.pasted, old.cold]) {
    const answer = await postOrder(gateway, key);
    assert.equal(answer.status, 201, answer.text);
    assert.equal((await postOrder(gateway, key, order(), { sign: signStandard })).status, 201);
    assertProblem(await postOrder(gateway, key, order(), { sign: null }), 401, 'signature_missing');
  }
  const delivered = await deliver(old.native);
  assert.equal(delivered.status, 200, delivered.text);
  assertProblem(await postOrder(gateway, old.paused), 403, 'key_paused');
}

/** Versions of the sealing key in D1 and in the gates, counted over all live keys. */
async function sealedUnder() {
  const rows = await gateway.d1("SELECT secrets, gate FROM integration_keys WHERE status <> 'revoked'");
  const versions = (secrets) => secrets.map(({ sealed }) => sealed.split('.')[0]);
  const inD1 = rows.flatMap((row) => versions(JSON.parse(row.secrets)));
  const inGates = [];
  for (const { gate } of rows) {
    const [held] = await gateway.sql('KeyGate', gate, 'SELECT json FROM record');
    inGates.push(...versions(JSON.parse(held.json).record.secrets));
  }
  return { d1: count(inD1), gates: count(inGates) };
}

async function resealAll() {
  let resealed = 0;
  for (let cursor = null; ;) {
    const page = await must(gateway, creds.api_key, 'core.rpc_reseal_secrets', { p_cursor: cursor, p_limit: 2 });
    resealed += page.resealed;
    cursor = page.next_cursor;
    if (!cursor) return resealed;
  }
}

test('under new keys listed before the old ones, everything that is old works', async () => {
  await gateway.restart({
    TAG_KEYS: `${next.tag},${first.TAG_KEYS}`,
    SEALING_KEYS: `${next.sealing},${first.SEALING_KEYS}`,
  });
  await assertOldKeysWork();
  assertProblem(await postOrder(gateway, old.revoked), 401, 'invalid_api_key');
  const { keys } = await must(gateway, creds.api_key, 'core.rpc_list_integration_keys');
  assert.deepEqual(
    new Set(keys.map((key) => key.key_id)),
    new Set(Object.values(old).map((key) => key.key_id)),
    'no key id has changed',
  );
  const stats = await must(gateway, creds.api_key, 'core.rpc_get_integration_key_stats', { p_key_id: old.used.key_id });
  assert.equal(stats.h24.requests, 4, 'its gate is the one that it was');
});

test('a key minted now is under the new ones', async () => {
  const fresh = await mint(gateway, creds, { p_name: 'fresh' });
  const freshApi = await mint(gateway, creds, { ...WOOCOMMERCE, p_name: 'fresh native' });
  assert.equal((await postOrder(gateway, fresh)).status, 201);
  const [row] = await gateway.d1('SELECT secrets FROM integration_keys WHERE key_id = ?', [fresh.key_id]);
  assert.match(JSON.parse(row.secrets)[0].sealed, /^2\./);

  // Without the old tag key they live on, and what was minted under it does not get past its form.
  await gateway.restart({ TAG_KEYS: next.tag });
  assert.equal((await postOrder(gateway, fresh)).status, 201);
  assert.equal((await deliver(freshApi)).status, 200);
  const { KeyGate, d1 } = await gateway.cost(async () => {
    assertProblem(await postOrder(gateway, old.used), 401, 'invalid_api_key');
    assertProblem(await deliver(old.native), 401, 'invalid_api_key');
    assert.equal((await rpc(gateway, creds.api_key, 'core.rpc_list_stores')).status, 401);
  });
  assert.deepEqual([KeyGate.fetches, d1.queries], [0, 0]);
  await gateway.restart({ TAG_KEYS: `${next.tag},${first.TAG_KEYS}` });
  assert.equal((await postOrder(gateway, old.used)).status, 201);
});

test('an old key can be paused, resumed and revoked by its old id', async () => {
  const doomed = old.unused;
  const change = (name) =>
    must(gateway, creds.api_key, `core.rpc_${name}_integration_key`, { p_key_id: doomed.key_id });
  await change('pause');
  assertProblem(await postOrder(gateway, doomed), 403, 'key_paused');
  await change('resume');
  assert.equal((await postOrder(gateway, doomed)).status, 201);
});

test('re-sealing brings every live secret under the new key, in D1 and in the gates, and is audited', async () => {
  const before = await sealedUnder();
  assert.deepEqual(before.d1, { 1: 6, 2: 2 });
  assert.equal(await resealAll(), 6);
  assert.deepEqual(await sealedUnder(), { d1: { 2: 8 }, gates: { 2: 8 } });
  const audit = await gateway.d1("SELECT subject FROM audit_log WHERE action = 'integration_key.resealed'");
  assert.equal(new Set(audit.map((row) => row.subject)).size, 6);
  assert.equal(await resealAll(), 0, 'once is enough');
  assert.deepEqual(await sealedUnder(), { d1: { 2: 8 }, gates: { 2: 8 } });
  await assertOldKeysWork();
});

test('then the old sealing key can be dropped', async () => {
  await gateway.restart({ SEALING_KEYS: next.sealing });
  await assertOldKeysWork();
  // From D1 too: the gate of one forgets all that it held.
  await gateway.sql('KeyGate', gateOf(old.pasted.key_id), 'DELETE FROM record');
  await gateway.evict();
  assert.equal((await postOrder(gateway, old.pasted)).status, 201);
});

test('a revoked key, never re-sealed, is still refused as such, and its log can still be read', async () => {
  assertProblem(await postOrder(gateway, old.revoked), 401, 'invalid_api_key');
  const args = { p_key_id: old.revoked.key_id };
  for (const name of ['get_integration_key_stats', 'list_integration_requests', 'revoke_integration_key']) {
    const answer = await rpc(gateway, creds.api_key, `core.rpc_${name}`, args);
    assert.equal(answer.status, 200, `${name}: ${JSON.stringify(answer.body)}`);
  }
});

test('a secret that was set while D1 could not be told is not undone by a re-seal', async () => {
  const key = await mint(gateway, creds);
  await gateway.restart({ SEALING_KEYS: `3:${hex()},${next.sealing}` });
  // D1 answers whose API key and which integration key it is, and fails the gate's batch.
  await gateway.fault({ class: 'D1', mode: 'throw', skip: 2, times: 1 });
  const args = { p_key_id: key.key_id, p_signing_secret: 'the newest secret' };
  await must(gateway, creds.api_key, 'core.rpc_set_signing_secret', args);
  await resealAll();
  for (const secret of ['the newest secret', key.signing_secret]) {
    const answer = await postOrder(gateway, { ...key, signing_secret: secret });
    assert.equal(answer.status, 201, answer.text);
  }
  assert.deepEqual(Object.keys((await sealedUnder()).gates), ['3']);
});
