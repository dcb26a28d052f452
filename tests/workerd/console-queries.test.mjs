/** What each page of the console costs: D1 queries and object requests, however much there is to show. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { insertPerson, login, Visitor } from './support/console.mjs';
import { gateOf } from './support/credentials.mjs';
import { createStore, mint, must, order, postOrder, setup, startGateway } from './support/gateway.mjs';

const KEYS = '/settings/connectors';
const [FEW, MANY] = [2, 60];

/** A list asks as many objects as it shows rows, up to its limit: 50 keys, 20 stores. */
const upTo = (limit) => [FEW, MANY].map((n) => Math.min(n, limit));

/**
 * Each GET of the routes, as it is asked for, with what it costs: round trips to D1, statements in
 * them, requests to KeyGates, requests to StoreLedgers. The session is one query of every page.
 * `layer` is asked for by htmx; otherwise the page lies under its modal or drawer. Where few and
 * many rows cost differently the cost is a pair.
 */
const COSTS = [
  // route, query, layer, [round trips, statements, KeyGates, StoreLedgers]
  ['/', '', false, [2, 3, 0, 0]],
  ['/', '?part=attention', false, [2, 6, upTo(50), upTo(20)]],
  ['/assets/:', null],
  ['/setup', '', false, [1, 1, 0, 0]],
  ['/login', '', false, [1, 1, 0, 0]],
  ['/session/form-token', '', false, [1, 1, 0, 0]],
  ['/invite/:token', '', false, [2, 2, 0, 0]],
  ['/orders', '', false, [2, 2, 0, 1]],
  ['/orders', '?store=all', false, [2, 2, 0, upTo(20)]],
  ['/orders/:id', '', false, [3, 3, 0, 1]],
  ['/settings/account', '', false, [2, 2, 0, 0]],
  [KEYS, '', false, [2, 4, 0, 0]],
  [KEYS, '?q=connection&status=active', false, [2, 4, 0, 0]],
  [`${KEYS}/new`, '', true, [2, 2, 0, 0]],
  [`${KEYS}/new`, '', false, [3, 5, 0, 0]],
  [`${KEYS}/usage`, '?keys=:keys', false, [2, 2, upTo(50), 0]],
  [`${KEYS}/:key`, '', true, [2, 2, 2, 0]],
  [`${KEYS}/:key`, '', false, [3, 5, 2, 0]],
  [`${KEYS}/:key/parked`, '', true, [2, 2, 2, 0]],
  [`${KEYS}/:key/parked`, '', false, [3, 5, 2, 0]],
  [`${KEYS}/:key/settings`, '', true, [3, 3, 3, 0]],
  [`${KEYS}/:key/settings`, '', false, [4, 6, 3, 0]],
  [`${KEYS}/:key/requests/:request`, '', true, [2, 2, 1, 0]],
  [`${KEYS}/:key/requests/:request`, '', false, [3, 5, 1, 0]],
  // The audit entry is written with its own round trip.
  [`${KEYS}/:key/export.csv`, '', false, [3, 3, 1, 0]],
  [`${KEYS}/:key/export.ndjson`, '', false, [3, 3, 1, 0]],
  // Opened as a WebSocket; live-tail.test.mjs.
  [`${KEYS}/:key/tail`, null],
  [`${KEYS}/:key/revoke`, '', true, [2, 2, 1, 0]],
  [`${KEYS}/:key/revoke`, '', false, [3, 5, 1, 0]],
  [`${KEYS}/:key/rotate`, '', true, [2, 2, 0, 0]],
  [`${KEYS}/:key/rotate`, '', false, [3, 5, 0, 0]],
  [`${KEYS}/:key/parked/:event/discard`, '', true, [2, 2, 0, 0]],
  [`${KEYS}/:key/parked/:event/discard`, '', false, [3, 5, 0, 0]],
  ['/settings/stores', '', false, [2, 3, 0, 0]],
  ['/settings/stores/:store/archive', '', true, [3, 3, 0, 0]],
  ['/settings/stores/:store/archive', '', false, [4, 5, 0, 0]],
  ['/settings/team', '', false, [2, 3, 0, 0]],
  ['/settings/team/:user/remove', '', true, [2, 2, 0, 0]],
  ['/settings/team/:user/remove', '', false, [3, 4, 0, 0]],
  ['/settings/audit', '', false, [2, 2, 0, 0]],
  // A filtered page that is not full asks where its scan ended.
  ['/settings/audit', '?action=store', false, [[3, 2], [3, 2], 0, 0]],
  ['/settings/audit/export.csv', '', false, [3, 3, 0, 0]],
  ['/settings/audit/export.ndjson', '?action=store.created', false, [4, 4, 0, 0]],
];

/** The GET routes of the console's table, with a `:` before what varies. */
function getRoutes() {
  const source = readFileSync(new URL('../../crates/console/src/routes.rs', import.meta.url), 'utf8');
  const table = source.slice(source.indexOf('fn match_route'), source.indexOf('pub fn console_route'));
  const segments = (text) => text.split(',').map((part) => part.trim()).filter(Boolean)
    .map((part) => (part.startsWith('"') ? part.slice(1, -1) : `:${part.replace('_', '')}`));
  const parents = new Map([...table.matchAll(/\(_, \[(.*?), rest @ \.\.\]\) => (\w+)\(/g)].map(([, path, name]) => [name, segments(path)]));
  return table.split(/^fn /m).flatMap((body) => {
    const parent = parents.get(/^\w+/.exec(body)?.[0]) ?? [];
    return [...body.matchAll(/\(true, \[(.*?)\]\) =>/g)].map(([, path]) => `/${[...parent, ...segments(path)].join('/')}`);
  });
}

let gateway;
let creds;
let owner;
let values;
const keys = [];
const measured = new Map();

before(async () => {
  gateway = await startGateway({ rateLimits: { LOGIN_LIMITER: 1000 } });
  creds = await setup(gateway);
  owner = await login(gateway, creds.owner_email, creds.owner_password);
  const first = await mint(gateway, creds, { p_name: 'First connection' });
  const rotated = (key) => must(gateway, creds.api_key, 'core.rpc_rotate_integration_key', { p_key_id: key.key_id });
  const key = await rotated(first);
  await rotated(key);
  // Revoked keys have no live cells.
  for (const { key_id: id } of [first]) await must(gateway, creds.api_key, 'core.rpc_revoke_integration_key', { p_key_id: id });
  const posted = await postOrder(gateway, key, order());
  assert.equal(posted.status, 201, JSON.stringify(posted.body));
  const person = await insertPerson(gateway, creds, 'member');
  const invite = await must(gateway, creds.api_key, 'core.rpc_invite_member', { p_email: 'new@example.com', p_role: 'member' });
  const request = posted.headers.get('x-request-id');
  values = {
    ':key': key.key_id, ':request': request, ':event': request, ':id': posted.body.id,
    ':store': creds.store_id, ':user': person.user_id, ':token': new URL(invite.invite_url).pathname.split('/').at(-1),
  };
  keys.push(key.key_id);
  const { keys: minted } = await must(gateway, creds.api_key, 'core.rpc_list_integration_keys', {});
  keys.push(...minted.filter(({ status, key_id: id }) => status === 'active' && id !== key.key_id).map(({ key_id: id }) => id));
  assert.equal(keys.length, FEW);
  await createStore(gateway, creds, 'Store 1');
  await measure();
  for (let n = FEW; n < MANY; n += 1) {
    keys.push((await mint(gateway, creds, { p_name: `Connection ${n}` })).key_id);
    await createStore(gateway, creds, `Store ${n}`);
    await insertPerson(gateway, creds, 'member');
  }
  await measure();
});
after(() => gateway?.stop());

/** Asks for each page once and notes what that costs. */
async function measure() {
  for (const [route, query, layer, cost] of COSTS) {
    if (!cost) continue;
    const path = `${route}${query}`.replaceAll(/:\w+/g, (name) => (name === ':keys' ? keys.join(',') : values[name]));
    const visitor = /^\/(setup|invite)/.test(route) ? new Visitor(gateway) : owner;
    const address = route === '/setup' ? `${path}?token=${gateway.setupToken}` : path;
    let answer;
    const { d1, KeyGate, StoreLedger } = await gateway.cost(async () => {
      answer = await visitor.get(address, layer ? 'layer' : undefined);
    });
    assert.ok([200, 303, 409].includes(answer.status), `${address} answered ${answer.status}: ${answer.text.slice(0, 300)}`);
    const name = `${route}${query}${layer ? ' (layer)' : ''}`;
    measured.set(name, [...(measured.get(name) ?? []), [d1.calls, d1.queries, KeyGate.fetches, StoreLedger.fetches]]);
  }
}

test('every page and layer of the route table has its cost here', () => {
  assert.deepEqual([...new Set(COSTS.map(([route]) => route))].toSorted(), [...new Set(getRoutes())].toSorted());
});

for (const [route, query, layer, cost] of COSTS.filter((entry) => entry[3])) {
  const name = `${route}${query}${layer ? ' (layer)' : ''}`;
  test(`${name} costs the same queries for ${FEW} and for ${MANY} keys, stores and members`, () => {
    const expected = [0, 1].map((size) => cost.map((count) => (Array.isArray(count) ? count[size] : count)));
    assert.deepEqual(measured.get(name), expected);
    assert.ok(expected[0][0] <= 4, 'no page takes more than 4 round trips to D1');
  });
}

if (process.env.SHOW_COSTS) test('the costs', () => console.log(JSON.stringify([...measured])));

test('a page of an export costs one request to the KeyGate, and no D1 query', async () => {
  const [key] = keys;
  const gate = gateOf(key);
  const [{ name }] = await gateway.sql('KeyGate', gate, "SELECT name FROM sqlite_master WHERE name GLOB 'log_[0-9]*'");
  const day = Number(name.slice('log_'.length));
  await gateway.sql('KeyGate', gate, `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3500)
    INSERT INTO ${name} (id, attempt, units, count, method, path, status, latency_ms, outcome)
    SELECT (${day * 86_400_000} + i) * 1024, i, 1, 1, 'POST', '/integrations/v1/orders', 201, 3, 'accepted' FROM n`);
  let file;
  const { d1, KeyGate } = await gateway.cost(async () => {
    file = await owner.get(`${KEYS}/${key}/export.ndjson`);
  });
  assert.equal(file.text.trim().split('\n').length, 3_501);
  assert.deepEqual([d1.calls, KeyGate.fetches], [3, 4], 'the session, the key and the audit entry; four pages');
});

test('a page of an export of the audit log costs one D1 query, and with a filter one more', async () => {
  await gateway.d1(`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3500)
    INSERT INTO audit_log (id, workspace_id, at, action, user_id, subject, detail)
    SELECT 'aud_' || replace(replace(replace(replace(printf('%016d', i), '0', 'a'), '1', 'b'), '8', 'c'), '9', 'd'), ?1, i, iif(i % 7, 'store.renamed', 'store.created'), ?2, 'sto_a', '{}' FROM n`,
  [creds.workspace_id, creds.user_id]);
  const pages = async (query) => {
    const { d1 } = await gateway.cost(() => owner.get(`/settings/audit/export.ndjson${query}`));
    return [d1.calls, d1.queries];
  };
  assert.deepEqual(await pages(''), [6, 6], 'the session, the audit entry and four pages');
  assert.deepEqual(await pages('?action=store.created'), [10, 10], 'and where each scan ended');
});
