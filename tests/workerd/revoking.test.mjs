/** A revoked key is dead on the very next request, from any state, whatever is killed when. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { gateOf } from './support/credentials.mjs';
import {
  assertProblem,
  mint,
  must,
  order,
  postOrder,
  postWebhook,
  rpc,
  send,
  setup,
  signWooCommerce,
  useGateway,
  statuses,
  times,
} from './support/gateway.mjs';
import { until } from './support/waiting.mjs';

const gateway = await useGateway({ own: true });
let creds;

before(async () => {
  creds = await setup(gateway);
});

const revoke = (key) => must(gateway, creds.api_key, 'core.rpc_revoke_integration_key', { p_key_id: key.key_id });

async function assertDead(key) {
  assertProblem(await postOrder(gateway, key), 401, 'invalid_api_key');
}

/** What the key's gate holds; what D1 holds, with the key's revocations in the audit log. */
async function held(key) {
  const [row] = await gateway.sql('KeyGate', gateOf(key.key_id), 'SELECT json FROM record');
  return JSON.parse(row.json);
}
async function catalogued(key) {
  const [row] = await gateway.d1('SELECT status, revoked_at FROM integration_keys WHERE key_id = ?', [key.key_id]);
  const audit = await gateway.d1("SELECT * FROM audit_log WHERE subject = ? AND action = 'integration_key.revoked'", [
    key.key_id,
  ]);
  return { ...row, audit };
}

test('the receipt says when; D1 and the audit log say so too, with who did it', async () => {
  const key = await mint(gateway, creds);
  const receipt = await revoke(key);
  assert.deepEqual([receipt.key_id, receipt.status, receipt.in_flight], [key.key_id, 'revoked', 0]);
  const { status, revoked_at: revokedAt, audit } = await catalogued(key);
  assert.deepEqual([status, revokedAt], ['revoked', Date.parse(receipt.revoked_at)]);
  assert.equal(audit.length, 1);
  const [{ workspace_id: workspace, user_id: user, api_key_id: apiKey, at }] = audit;
  assert.deepEqual([workspace, user, apiKey, at], [creds.workspace_id, creds.user_id, creds.api_key_id, revokedAt]);
  await assertDead(key);
});

test('revoking again is answered the same and audited once; nothing brings the key back', async () => {
  const key = await mint(gateway, creds);
  const receipts = await times(5, () => revoke(key));
  receipts.push(await revoke(key));
  assert.equal(new Set(receipts.map((receipt) => receipt.revoked_at)).size, 1);
  assert.equal((await catalogued(key)).audit.length, 1);
  for (const name of ['resume', 'pause']) {
    const answer = await rpc(gateway, creds.api_key, `core.rpc_${name}_integration_key`, { p_key_id: key.key_id });
    assert.deepEqual([answer.status, answer.body.code], [409, 'invalid_state']);
  }
  await assertDead(key);
});

test('effective on the very next request while 20 are in flight, which still finish', async () => {
  const key = await mint(gateway, creds);
  assert.equal((await postOrder(gateway, key)).status, 201);
  await gateway.resetMeter();
  await gateway.fault({ class: 'StoreLedger', mode: 'hang', ms: 1500, times: 20 });
  const sent = Array.from({ length: 20 }, () => order());
  const inFlight = sent.map((body) => postOrder(gateway, key, body));
  await until(async () => (await gateway.meter()).StoreLedger.fetches === 20);

  const receipt = revoke(key);
  await until(async () => (await held(key)).record.status === 'revoked');
  const { StoreLedger } = await gateway.cost(() => assertDead(key));
  assert.equal(StoreLedger.fetches, 0);
  let finished = false;
  Promise.allSettled(inFlight).then(() => (finished = true));
  await assertDead(key);
  assert.equal(finished, false, 'the 20 were still in flight');

  const { in_flight: left } = await receipt;
  assert.equal(left, 0, 'the receipt waited for them');
  assert.deepEqual(statuses(await Promise.all(inFlight)), { 201: 20 });
  await gateway.fault();
  await assertDead(key);
});

test('effective on the very next request after the receipt, though the ledger hangs under 20 requests', async () => {
  const key = await mint(gateway, creds);
  const inFlight = times(20, () =>
    postOrder(gateway, key, order(), { headers: { 'x-tidegate-fault': 'ledger_hang' } }),
  );
  await until(async () => (await gateway.meter()).StoreLedger.fetches >= 20);
  const receipt = await revoke(key);
  assert.equal(receipt.status, 'revoked');
  await assertDead(key);
  assert.deepEqual(statuses(await inFlight), { 503: 20 });
});

const STATES = {
  'never used': async () => {},
  warm: (key) => postOrder(gateway, key),
  paused: (key) => must(gateway, creds.api_key, 'core.rpc_pause_integration_key', { p_key_id: key.key_id }),
  'over its limit': (key) => times(3, () => postOrder(gateway, key)),
  evicted: async (key) => {
    await postOrder(gateway, key);
    await gateway.evict();
  },
  restarted: async (key) => {
    await postOrder(gateway, key);
    await gateway.restart();
  },
};

for (const [state, bring] of Object.entries(STATES)) {
  test(`a key that is ${state} is dead once revoked, and stays so after an eviction and a restart`, async () => {
    const key = await mint(gateway, creds, { p_rate_limit_per_minute: 2 });
    await bring(key);
    await revoke(key);
    await assertDead(key);
    await gateway.evict();
    await assertDead(key);
    await gateway.restart();
    await assertDead(key);
  });
}

test('a key whose gate never learnt of it is dead once revoked', async () => {
  await gateway.fault({ class: 'KeyGate', mode: 'throw', times: 1 });
  const key = await mint(gateway, creds);
  await gateway.fault();
  await revoke(key);
  await assertDead(key);
  assert.equal((await catalogued(key)).status, 'revoked');
});

test('a revoked key takes no webhook either', async () => {
  const key = await mint(gateway, creds, { p_source: 'woocommerce', p_payload_format: 'woocommerce' });
  await revoke(key);
  const answer = await postWebhook(gateway, 'woocommerce', key, '{"id":1}', { sign: signWooCommerce });
  assertProblem(answer, 401, 'invalid_api_key');
  const ping = await send(gateway, {
    method: 'POST',
    path: `/integrations/v1/webhook/woocommerce/${key.key_id}`,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'webhook_id=1',
  });
  assertProblem(ping, 401, 'invalid_api_key');
});

/** Before the gate is asked, D1 is asked twice: whose API key it is, and whose integration key. */
const BEFORE_THE_GATE = 2;

for (const [when, what] of [
  ['before', 'D1 has not been told'],
  ['after', 'D1 has done it and its answer is lost'],
]) {
  test(`killed in the middle of a revoke, where ${what}: the key is dead, D1 says so, one audit row`, async () => {
    const key = await mint(gateway, creds);
    assert.equal((await postOrder(gateway, key)).status, 201);
    await gateway.fault({ class: 'D1', mode: 'hang', when, skip: BEFORE_THE_GATE });
    const receipt = rpc(gateway, creds.api_key, 'core.rpc_revoke_integration_key', { p_key_id: key.key_id });
    const cutOff = assert.rejects(receipt);
    await until(async () => (await held(key)).record.status === 'revoked');
    const reached = when === 'after' ? 'revoked' : 'active';
    await until(async () => (await catalogued(key)).status === reached);
    assert.equal((await held(key)).intents.length, 1);
    await gateway.kill();
    await cutOff;

    await gateway.start();
    await assertDead(key);
    await gateway.later(async () => (await held(key)).intents === undefined);
    const { status, revoked_at: revokedAt, audit } = await catalogued(key);
    assert.deepEqual([status, revokedAt], ['revoked', (await held(key)).record.revoked_at]);
    assert.deepEqual(
      audit.map((row) => [row.user_id, row.at]),
      [[creds.user_id, revokedAt]],
    );
    await assertDead(key);
    await gateway.restart();
    await assertDead(key);
    assert.equal((await catalogued(key)).audit.length, 1);
  });
}

test('where D1 fails, the receipt still comes, the key is dead, and the alarm brings D1 up to date', async () => {
  const key = await mint(gateway, creds);
  await gateway.fault({ class: 'D1', mode: 'throw', skip: BEFORE_THE_GATE, times: 1 });
  const receipt = await revoke(key);
  assert.equal(receipt.status, 'revoked');
  await assertDead(key);
  assert.equal((await catalogued(key)).status, 'active');
  await gateway.later(async () => (await catalogued(key)).status === 'revoked');
  assert.equal((await catalogued(key)).audit.length, 1);
  await gateway.fault();
});

test('another workspace’s key cannot be revoked: it is not found', async () => {
  const unknown = { key_id: (await mint(gateway, creds)).key_id };
  await gateway.d1('INSERT INTO workspaces VALUES (?, ?, ?)', ['wks_aaaaaaaaaaaaaaaa', 'Other', 0]);
  await gateway.d1('INSERT INTO stores (id, workspace_id, name, created_at) VALUES (?, ?, ?, ?)', ['sto_aaaaaaaaaaaaaaaa', 'wks_aaaaaaaaaaaaaaaa', 'S', 0]);
  const [row] = await gateway.d1('SELECT * FROM integration_keys WHERE key_id = ?', [unknown.key_id]);
  await gateway.d1('DROP TRIGGER integration_keys_are_not_deleted');
  await gateway.d1('DELETE FROM integration_keys WHERE key_id = ?', [unknown.key_id]);
  const theirs = { ...row, workspace_id: 'wks_aaaaaaaaaaaaaaaa', store_id: 'sto_aaaaaaaaaaaaaaaa' };
  const columns = Object.keys(theirs);
  await gateway.d1(
    `INSERT INTO integration_keys (${columns}) VALUES (${columns.map(() => '?')})`,
    Object.values(theirs),
  );
  const answer = await rpc(gateway, creds.api_key, 'core.rpc_revoke_integration_key', { p_key_id: unknown.key_id });
  assertProblem(answer, 404, 'not_found');
});
