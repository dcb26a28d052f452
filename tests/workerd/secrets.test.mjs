/**
 * After the one answer that reveals it, no secret is anywhere: not in D1, not in an object, not in
 * what the runtime prints, not in an answer, not in the files of the state.
 */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { gateOf, secretKey } from './support/credentials.mjs';
import {
  mint,
  must,
  order,
  post,
  postOrder,
  rpc,
  send,
  setup,
  signBody,
  signStandard,
  signTimed,
  useGateway,
} from './support/gateway.mjs';
import { captured, changed, deliver, mintShop, parked, ping, recorded, resigned } from './support/shop.mjs';

/** What is typed by hand here, told from everything else. */
const PASTED = 'whsec_cGFzdGVkLW9uY2UtYW5kLW5ldmVyLXNob3du';
const ROTATED = 'rotated-secret-5f2d0c1b9a';
const IN_QUERY = 'query-secret-93b1c0ffee';
const IN_COOKIE = 'cookie-secret-77aa00bb11';
const IN_HEADER = 'header-secret-1c2d3e4f5a';

const gateway = await useGateway({ own: true });
let creds;
let keys;
/** Every answer but those that reveal, as text with its headers. */
const answers = [];
/** Every secret, by what it is. */
const secrets = new Map();

async function heard(answer) {
  const { status, headers, text, body } = await answer;
  answers.push(`${status}\n${[...headers].map(([name, value]) => `${name}: ${value}`).join('\n')}\n${text ?? JSON.stringify(body)}`);
  return { status, headers, text, body };
}

/** Uses every way in which a secret can reach the gateway, the failing ones included. */
before(async () => {
  creds = await setup(gateway, { p_owner_password: 'owner-password-e8d7c6b5a4' });
  const custom = await mint(gateway, creds);
  const shop = await mintShop(gateway, creds);
  const pasted = await mintShop(gateway, creds, { p_signing_secret: PASTED });
  keys = { custom, shop, pasted };
  for (const [name, key] of Object.entries(keys)) {
    secrets.set(`the key ${name}`, key.api_key);
    if (key.signing_secret) secrets.set(`the secret of ${name}`, key.signing_secret);
  }
  secrets.set('the API key', creds.api_key);
  secrets.set('the password', creds.owner_password);
  secrets.set('the set-up token', gateway.setupToken);
  secrets.set('a pasted secret', PASTED);
  secrets.set('a rotated secret', ROTATED);
  secrets.set('what stood in a query', IN_QUERY);
  secrets.set('what stood in a cookie', IN_COOKIE);
  secrets.set('what stood in a header that nobody knows', IN_HEADER);
  pasted.signing_secret = PASTED;

  const extra = { cookie: `session=${IN_COOKIE}`, 'x-unknown': IN_HEADER, 'x-forwarded-authorization': `Bearer ${custom.api_key}` };
  const bearer = { authorization: `Bearer ${shop.api_key}` };
  const webhook = '/integrations/v1/webhook/woocommerce';
  const created = recorded().find(({ topic }) => topic === 'order.created');

  // What succeeds.
  for (const sign of [signBody, signTimed, signStandard]) await heard(postOrder(gateway, custom, order(), { sign, idempotencyKey: `k-${sign.name}`, headers: extra }));
  await heard(send(gateway, { method: 'GET', path: '/integrations/v1/whoami', headers: { authorization: `Bearer ${custom.api_key}`, ...extra } }));
  for (const key of [shop, pasted]) {
    await heard(deliver(gateway, key, 'order.created', captured('order.created'), { headers: extra }));
    await heard(deliver(gateway, key, 'customer.created', captured('customer.created'), { headers: extra }));
  }
  const withBearer = resigned(shop, created, `${webhook}?a=1&token=${IN_QUERY}`);
  await heard(send(gateway, { ...withBearer, headers: { ...withBearer.headers, ...bearer, ...extra } }));
  await heard(send(gateway, resigned(shop, created, `${webhook}/${shop.key_id}?token=${IN_QUERY}`)));
  await heard(ping(gateway, `${webhook}/${shop.key_id}?token=${IN_QUERY}`, extra));

  // What is parked.
  await heard(deliver(gateway, shop, 'order.created', changed('order.created', { id: 91, status: 'odd' }), { headers: { ...extra, ...bearer } }));
  const unmappable = resigned(shop, { ...created, body: Buffer.from(changed('order.created', { id: 92, status: 'odd' })) }, `${webhook}?token=${IN_QUERY}`);
  await heard(send(gateway, { ...unmappable, headers: { ...unmappable.headers, ...bearer, ...extra } }));

  // What is refused.
  await heard(postOrder(gateway, custom, order(), { sign: null, headers: extra }));
  await heard(postOrder(gateway, custom, order(), { sign: () => signBody(ROTATED, 'x') }));
  await heard(postOrder(gateway, custom, '{"total":'));
  await heard(postOrder(gateway, custom, order({ total: '1.00' })));
  await heard(post(gateway, custom, `orders?token=${IN_QUERY}`, order()));
  await heard(postOrder(gateway, shop, order()));
  await heard(deliver(gateway, shop, 'order.created', captured('order.created'), { secret: ROTATED }));
  await heard(deliver(gateway, custom, 'order.created', captured('order.created')));
  for (const query of [`key=${custom.api_key}`, `token=${shop.api_key}&a=${IN_QUERY}`]) {
    await heard(send(gateway, resigned(shop, created, `${webhook}?${query}`)));
    await heard(send(gateway, { method: 'POST', path: `/integrations/v1/orders?${query}`, body: '{}' }));
    await heard(send(gateway, { method: 'GET', path: `/nowhere?${query}` }));
  }
  const forged = custom.api_key.slice(0, -1) + (custom.api_key.endsWith('a') ? 'b' : 'a');
  secrets.set('a mistyped key', forged);
  await heard(postOrder(gateway, { ...custom, api_key: forged }));
  const unknown = secretKey(gateway, 'pck_int_').text;
  secrets.set('a key that nobody has', unknown);
  await heard(postOrder(gateway, { ...custom, api_key: unknown }));
  await heard(rpc(gateway, custom.api_key, 'core.rpc_list_stores'));
  await heard(rpc(gateway, creds.api_key, 'core.rpc_create_integration_key', { p_signing_secret: `${PASTED}\n`, p_name: 7 }));
  await heard(rpc(gateway, creds.api_key, 'core.rpc_set_signing_secret', { p_key_id: custom.key_id, p_signing_secret: `${ROTATED}\r\n` }));
  const again = { p_workspace_name: 'Again', p_owner_email: creds.owner_email, p_owner_password: creds.owner_password, p_store_name: 'Again' };
  await heard(rpc(gateway, gateway.setupToken, 'core.rpc_setup_workspace', again));

  // What fails on our side.
  for (const fault of ['panic_worker', 'panic_key_gate', 'panic_store_ledger', 'ledger_error']) {
    const headers = { 'x-tidegate-fault': fault, ...extra };
    await heard(postOrder(gateway, custom, order(), { headers }));
    await heard(deliver(gateway, shop, 'order.updated', captured('order.created'), { headers }));
  }
  for (const name of ['KeyGate', 'StoreLedger', 'D1']) {
    await gateway.fault({ class: name, mode: 'throw', times: 2, message: 'a fault for the log' });
    await heard(postOrder(gateway, custom, order(), { headers: extra }));
    await heard(rpc(gateway, creds.api_key, 'core.rpc_list_stores'));
    await gateway.fault();
  }

  // What operators do and read.
  const read = (name, args) => heard(rpc(gateway, creds.api_key, `core.rpc_${name}`, args));
  await read('set_signing_secret', { p_key_id: custom.key_id, p_signing_secret: ROTATED });
  await read('pause_integration_key', { p_key_id: custom.key_id });
  await read('resume_integration_key', { p_key_id: custom.key_id });
  await read('reseal_secrets', {});
  await gateway.later(() => parked(gateway, creds, shop), (events) => events.every((event) => event.reason === 'unmappable'));
  for (const { key_id } of Object.values(keys)) {
    await read('list_integration_requests', { p_key_id: key_id, p_limit: 200 });
    await read('list_parked_events', { p_key_id: key_id });
    await read('get_integration_key_stats', { p_key_id: key_id });
  }
  const [event] = await parked(gateway, creds, shop);
  await read('retry_parked_event', { p_key_id: shop.key_id, p_event_id: event.event_id });
  await read('list_integration_keys', {});
  await read('list_stores', {});
  await heard(send(gateway, { method: 'GET', path: '/v1/orders', headers: { authorization: `Bearer ${creds.api_key}` } }));
  await read('revoke_integration_key', { p_key_id: keys.pasted.key_id });
});

/** All rows of all tables, as text; blobs as the bytes' text. */
async function dump(run) {
  const tables = await run("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB '_cf_*' AND name NOT GLOB 'sqlite_*'");
  const dumped = {};
  for (const { name } of tables) {
    const columns = await run(`SELECT name, type FROM pragma_table_info('${name}')`);
    const list = columns.map((column) => (column.type === 'BLOB' ? `CAST(${column.name} AS TEXT) AS ${column.name}` : column.name));
    dumped[name] = JSON.stringify(await run(`SELECT ${list} FROM "${name}"`));
  }
  return dumped;
}

/** The forms in which a secret could be written down. */
function spellings(secret) {
  const bytes = Buffer.from(secret);
  return [secret, encodeURIComponent(secret), bytes.toString('hex'), bytes.toString('hex').toUpperCase(), bytes.toString('base64').replace(/=+$/, ''), bytes.toString('base64url')];
}

/** Asserts that none of the secrets is in a text, in any spelling. */
function assertNone(text, where, except = []) {
  for (const [what, secret] of secrets) {
    if (except.includes(what)) continue;
    for (const spelling of spellings(secret)) assert.ok(!text.includes(spelling), `${what} is in ${where}`);
  }
  // The random part of a key, whatever stands before it.
  for (const [what, secret] of secrets) {
    if (/^pck_/.test(secret)) assert.ok(!text.includes(secret.slice(12, 40)), `most of ${what} is in ${where}`);
  }
}

test('what was sent reached what it was meant to reach', async () => {
  const statuses = new Set(answers.map((answer) => Number(answer.split('\n')[0])));
  for (const status of [200, 201, 400, 401, 403, 404, 409, 422, 500, 503]) assert.ok(statuses.has(status), `no answer was ${status}: ${[...statuses]}`);
});

describe('no secret is', () => {
  test('in any table of D1', async () => {
    const tables = await dump((sql) => gateway.d1(sql));
    assert.ok(tables.integration_keys.includes(keys.custom.key_id));
    for (const [table, text] of Object.entries(tables)) assertNone(text, `D1.${table}`);
  });

  test('in any table of a KeyGate', async () => {
    for (const [name, key] of Object.entries(keys)) {
      const tables = await dump((sql) => gateway.sql('KeyGate', gateOf(key.key_id), sql));
      assert.ok(Object.keys(tables).some((table) => table.startsWith('capture_')) && tables.record.includes(key.key_id));
      for (const [table, text] of Object.entries(tables)) assertNone(text, `KeyGate(${name}).${table}`);
    }
  });

  test('in any table of a StoreLedger', async () => {
    const tables = await dump((sql) => gateway.sql('StoreLedger', creds.store_id, sql));
    assert.ok(tables.orders.length > 1000);
    for (const [table, text] of Object.entries(tables)) assertNone(text, `StoreLedger.${table}`);
  });

  test('in what the runtime and the Worker print', () => {
    const printed = gateway.output.join('\n');
    assert.match(printed, /a fault for the log|a panic/, 'the faults are seen in the log');
    assertNone(printed, 'the output');
  });

  test('in any answer but the one that reveals it', () => {
    for (const answer of answers) assertNone(answer, `the answer ${answer.slice(0, 300)}`);
  });

  test('in any file of the state but the deployment\'s own secrets', async () => {
    await gateway.restart();
    const files = (directory) =>
      readdirSync(directory).flatMap((name) => {
        const file = path.join(directory, name);
        return statSync(file).isDirectory() ? files(file) : [file];
      });
    const kept = files(gateway.state).filter((file) => !file.endsWith('secrets.json'));
    assert.ok(kept.some((file) => readFileSync(file, 'latin1').includes(keys.custom.key_id)), 'what is no secret is found');
    for (const file of kept) assertNone(readFileSync(file, 'latin1'), path.relative(gateway.state, file));
  });
});

describe('what is kept of a request', () => {
  const days = async (key, kind) => {
    const tables = await gateway.sql('KeyGate', gateOf(key.key_id), `SELECT name FROM sqlite_master WHERE name GLOB '${kind}_[0-9]*'`);
    const rows = await Promise.all(tables.map(({ name }) => gateway.sql('KeyGate', gateOf(key.key_id), `SELECT * FROM ${name}`)));
    return rows.flat();
  };

  /** The log keeps an allow-list of headers, never Authorization. */
  const ALLOWED = [
    'content-type', 'user-agent', 'idempotency-key', 'x-pck-signature', 'webhook-id', 'webhook-timestamp', 'webhook-signature',
    'x-wc-webhook-signature', 'x-wc-webhook-topic', 'x-wc-webhook-source', 'x-wc-webhook-id', 'x-wc-webhook-delivery-id',
  ];

  test('are headers of a list, and never Authorization', async () => {
    const seen = new Set();
    for (const key of Object.values(keys)) {
      for (const { headers } of await days(key, 'capture')) {
        for (const name of Object.keys(JSON.parse(headers))) seen.add(name);
      }
      for (const { ingest } of await gateway.sql('KeyGate', gateOf(key.key_id), 'SELECT ingest FROM parked')) {
        assert.ok(!/authorization|cookie/i.test(ingest), ingest);
      }
    }
    assert.ok(seen.size > 5);
    assert.deepEqual([...seen].filter((name) => !ALLOWED.includes(name)), []);
  });

  test('is a path without its query', async () => {
    for (const key of Object.values(keys)) {
      const rows = await days(key, 'log');
      assert.ok(rows.length > 0);
      for (const { path: logged } of rows) assert.match(logged, /^\/[^?#]*$/);
      const listed = await must(gateway, creds.api_key, 'core.rpc_list_integration_requests', { p_key_id: key.key_id, p_limit: 200 });
      for (const request of listed.requests) assert.match(request.path, /^\/[^?#]*$/);
    }
  });

  test('is no body of somebody who could not be authenticated', async () => {
    for (const key of Object.values(keys)) {
      const refused = (await days(key, 'log')).filter((row) => row.outcome === 'refused' || row.outcome === 'ping').map((row) => row.id);
      const kept = (await days(key, 'capture')).map((row) => row.id);
      assert.deepEqual(refused.filter((id) => kept.includes(id)), []);
    }
  });

  test('is no body at all where the key says so', async () => {
    const key = await mintShop(gateway, creds, { p_capture_bodies: false });
    await deliver(gateway, key, 'order.created', captured('order.created'));
    assert.deepEqual(await days(key, 'capture'), []);
    assert.equal((await days(key, 'log')).length, 1);
  });
});

test('a secret is kept sealed, each time otherwise, and of no use in another row', async () => {
  const rows = await gateway.d1('SELECT key_id, secrets FROM integration_keys');
  const sealed = rows.flatMap(({ secrets: kept }) => JSON.parse(kept)).map((secret) => secret.sealed);
  assert.ok(sealed.length >= 4);
  for (const text of sealed) assert.match(text, /^1\.[A-Za-z0-9+/]+=*$/);
  assert.equal(new Set(sealed).size, sealed.length);

  const [key, other] = [await mint(gateway, creds), await mint(gateway, creds)];
  const [{ secrets: theirs }] = await gateway.d1('SELECT secrets FROM integration_keys WHERE key_id = ?1', [other.key_id]);
  await gateway.d1('UPDATE integration_keys SET secrets = ?1 WHERE key_id = ?2', [theirs, key.key_id]);
  await gateway.sql('KeyGate', gateOf(key.key_id), 'DELETE FROM record');
  await gateway.evict();
  const moved = await postOrder(gateway, { ...key, signing_secret: other.signing_secret });
  assert.ok(moved.status >= 400, String(moved.status));
});
