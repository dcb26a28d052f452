/** A made-up credential costs one Worker request and nothing else. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { base32, gateOf, keyId, secretKey } from './support/credentials.mjs';
import { OPERATIONS, SOURCES } from './support/documented.mjs';
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
} from './support/gateway.mjs';

/** What stands for the parts of a path. */
const PARTS = { order: 'ord_aaaaaaaaaaaaaaaa', payment: 'pay_aaaaaaaaaaaaaaaa', id: 'ord_aaaaaaaaaaaaaaaa' };

/** Every route that a secret key opens, and nothing else does. */
const ROUTES = [
  ['GET', '/v1/orders?store_id=sto_aaaaaaaaaaaaaaaa'],
  ...OPERATIONS.filter(({ schemes }) => !schemes.includes('') && !schemes.includes('setupToken')).flatMap(({ method, path }) =>
    (path.includes('{source}') ? SOURCES : ['']).map((source) => [
      method,
      path.replace(/\{(\w+)\}/g, (_, part) => ({ ...PARTS, source })[part]),
    ])),
];

const gateway = await useGateway();
let creds;
let key;
/** Another deployment: it has secrets of its own. */
let elsewhere;

before(async () => {
  elsewhere = { state: mkdtempSync(path.join(tmpdir(), 'tidegate-elsewhere-')) };
  creds = await setup(gateway);
  key = await mint(gateway, creds);
  assert.equal((await postOrder(gateway, key)).status, 201);
});
after(async () => {
  if (elsewhere) rmSync(elsewhere.state, { recursive: true });
});

/** What nothing but the Worker itself costs. */
function assertFree({ worker, d1, KeyGate, StoreLedger }, requests, what) {
  assert.equal(worker.fetches, requests, what);
  const zero = (counters) => Object.fromEntries(Object.keys(counters).map((name) => [name, 0]));
  assert.deepEqual(
    { d1, KeyGate, StoreLedger },
    { d1: zero(d1), KeyGate: zero(KeyGate), StoreLedger: zero(StoreLedger) },
  );
}

/** Other text in place of a credential's last character. */
const otherEnd = (text) => text.slice(0, -1) + (text.endsWith('a') ? 'b' : 'a');

/** Forgeries of secret keys. */
function forgedKeys() {
  return {
    'a bad tag': otherEnd(key.api_key),
    'other random bits under a good tag': `pck_int_${'0'.repeat(27)}${key.api_key.slice(-7)}`,
    'the right form under another deployment’s tag key': secretKey(elsewhere, 'pck_int_').text,
    'an API key under another deployment’s tag key': secretKey(elsewhere, 'pck_api_').text,
    'an integration key passed off as an API key': key.api_key.replace('pck_int_', 'pck_api_'),
    'an API key passed off as an integration key': creds.api_key.replace('pck_api_', 'pck_int_'),
    'a bad form': 'pck_int_x',
    'other characters': `pck_int_${'-'.repeat(34)}`,
    'more than 160 bits': `pck_int_${'z'.repeat(34)}`,
    'a character too many': `${key.api_key}0`,
    nothing: '',
  };
}

/** Forgeries of key ids. */
function forgedIds() {
  return {
    'a bad tag': otherEnd(key.key_id),
    'the right form under another deployment’s tag key': keyId(elsewhere, randomBytes(32)),
    'the live key’s own gate under another deployment’s tag key': keyId(elsewhere, gateOf(key.key_id)),
    'random bytes': `key_${base32(randomBytes(16))}`,
    'a bad form': 'key_x',
    capitals: key.key_id.toUpperCase(),
    'a secret key': 'pck_int_x',
  };
}

test('a forged key is refused on every route, wakes no object and runs no query', async () => {
  for (const [what, forged] of Object.entries(forgedKeys())) {
    const cost = await gateway.cost(async () => {
      for (const [method, path] of ROUTES) {
        const headers = { authorization: `Bearer ${forged}`, 'content-type': 'application/json' };
        const body = method === 'GET' ? undefined : JSON.stringify({ p_key_id: key.key_id });
        const answer = await send(gateway, { method, path, headers, body });
        assert.equal(answer.status, 401, `${method} ${path} with ${what}: ${answer.text}`);
        assertProblem(answer, 401, 'invalid_api_key');
      }
    });
    assertFree(cost, ROUTES.length, what);
  }
});

test('a forged set-up token is refused, wakes no object and runs no query', async () => {
  const args = {
    p_workspace_name: 'X',
    p_owner_email: 'x@example.com',
    p_owner_password: 'x'.repeat(15),
    p_store_name: 'X',
  };
  const tokens = ['', 'x', otherEnd(gateway.setupToken), `${gateway.setupToken}0`, creds.api_key];
  const cost = await gateway.cost(async () => {
    for (const token of tokens)
      assertProblem(await rpc(gateway, token, 'core.rpc_setup_workspace', args), 401, 'invalid_api_key');
  });
  assertFree(cost, tokens.length);
});

test('a forged key id is refused wherever it stands, wakes no object and runs no query', async () => {
  const base = '/integrations/v1/webhook/woocommerce';
  const body = '{"id":1}';
  const signed = signWooCommerce(key.signing_secret, body);
  for (const forged of Object.values(forgedIds())) {
    const requests = [
      { path: `${base}/${forged}`, headers: signed },
      { path: `${base}?key=${forged}`, headers: signed },
      { path: `${base}?a=1&key=${forged}`, headers: signed },
      { path: `${base}/${forged}?key=${key.key_id}`, headers: signed },
      { path: `${base}/${forged}`, headers: {} },
      // A setup ping is not even answered 200.
      {
        path: `${base}/${forged}`,
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: 'webhook_id=1',
      },
      { path: '/integrations/v1/orders', headers: { ...signed, authorization: `Bearer ${forged}` } },
    ];
    const cost = await gateway.cost(async () => {
      for (const request of requests) {
        const answer = await send(gateway, { method: 'POST', body, ...request });
        assert.ok([400, 401].includes(answer.status), answer.text);
        assert.match(answer.body.code, /^(invalid_api_key|key_in_query)$/);
      }
    });
    assertFree(cost, requests.length);
  }
});

test('a live key whose URL names another key is refused before any object is woken', async () => {
  const other = await mint(gateway, creds);
  const cost = await gateway.cost(async () => {
    const headers = { authorization: `Bearer ${key.api_key}` };
    const path = `/integrations/v1/webhook/woocommerce/${other.key_id}`;
    assertProblem(await send(gateway, { method: 'POST', path, headers, body: '{}' }), 401, 'invalid_api_key');
  });
  assertFree(cost, 1);
});

test('an admin who names a forged key id wakes no gate', async () => {
  for (const forged of Object.values(forgedIds())) {
    const { KeyGate, StoreLedger } = await gateway.cost(async () => {
      const answer = await rpc(gateway, creds.api_key, 'core.rpc_revoke_integration_key', { p_key_id: forged });
      assertProblem(answer, 422, 'validation_failed', [['/p_key_id', 'invalid_id']]);
    });
    assert.deepEqual([KeyGate.fetches, StoreLedger.fetches], [0, 0]);
  }
});

test('a body too large, a wrong path and a wrong method are free as well', async () => {
  const headers = { authorization: `Bearer ${key.api_key}` };
  const cost = await gateway.cost(async () => {
    await send(gateway, { method: 'POST', path: '/integrations/v1/orders', headers, body: 'x'.repeat((1 << 20) + 1) });
    await send(gateway, { method: 'POST', path: '/integrations/v1/nothing', headers, body: '{}' });
    await send(gateway, { method: 'DELETE', path: '/integrations/v1/orders', headers });
    await send(gateway, { method: 'POST', path: '/integrations/v1/webhook/magento', headers, body: '{}' });
  });
  assertFree(cost, 4);
});

const listed = async (key) => {
  const args = { p_key_id: key.key_id, p_limit: 200 };
  return (await must(gateway, creds.api_key, 'core.rpc_list_integration_requests', args)).requests;
};

for (const [who, refuse] of [
  ['whoever knows a key but not its secret', (key) => postOrder(gateway, key, order(), { sign: null })],
  ['whoever knows a webhook URL', (key) => postWebhook(gateway, 'woocommerce', key, '{"id":1}', { sign: null })],
]) {
  test(`${who} writes 30 rows a minute and one with a count, and spends nothing`, async () => {
    const native = who.includes('webhook') && { p_source: 'woocommerce', p_payload_format: 'woocommerce' };
    const known = await mint(gateway, creds, { p_rate_limit_per_minute: 5, ...native });
    await gateway.nextMinute();
    for (let turn = 0; turn < 10; turn++)
      for (const answer of await Promise.all(Array.from({ length: 10 }, () => refuse(known))))
        assertProblem(answer, 401, 'signature_missing');
    // The minute's budget of 5 is whole.
    const headers = { authorization: `Bearer ${known.api_key}` };
    const whoami = await send(gateway, { method: 'GET', path: '/integrations/v1/whoami', headers });
    assert.equal(whoami.body.rate_limit.remaining, 4);

    const rows = (await listed(known)).filter((row) => row.outcome === 'refused');
    assert.deepEqual(
      rows.map((row) => row.count).sort((a, b) => a - b),
      [...Array(30).fill(1), 70],
    );
    const stats = await must(gateway, creds.api_key, 'core.rpc_get_integration_key_stats', { p_key_id: known.key_id });
    assert.deepEqual(stats.h24, { requests: 101, errors: 100 });
  });
}

test('the count of refusals outlives the ten idle seconds after which an object is evicted', async () => {
  const known = await mint(gateway, creds);
  await gateway.nextMinute();
  for (let turn = 0; turn < 50; turn++) await postOrder(gateway, known, order(), { sign: null });
  await gateway.advance(10_000);
  await gateway.evict();
  const rows = await listed(known);
  assert.deepEqual([rows.length, rows.reduce((sum, row) => sum + row.count, 0)], [31, 50]);
  const stats = await must(gateway, creds.api_key, 'core.rpc_get_integration_key_stats', { p_key_id: known.key_id });
  assert.deepEqual(stats.h24, { requests: 50, errors: 50 });
});

test('refusals beyond the cap cost hardly any writes', async () => {
  const known = await mint(gateway, creds);
  await gateway.nextMinute();
  for (let turn = 0; turn < 30; turn++) await postOrder(gateway, known, order(), { sign: null });
  const { KeyGate, StoreLedger, d1 } = await gateway.cost(async () => {
    for (let turn = 0; turn < 100; turn++) await postOrder(gateway, known, order(), { sign: null });
  });
  assert.ok(KeyGate.rows_written <= 20, `${KeyGate.rows_written} rows written for 100 refusals`);
  assert.deepEqual([StoreLedger.fetches, d1.queries], [0, 0]);
});
