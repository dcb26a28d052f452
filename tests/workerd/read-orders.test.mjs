/** `GET /v1/orders` and `GET /v1/orders/{id}`: reading back, by API key, and who may. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { insertUser, insertWorkspace, secretKey } from './support/credentials.mjs';
import { assertProblem, createStore, mint, order, postOrder, send, setup, useGateway } from './support/gateway.mjs';

const gateway = await useGateway();
let creds;
let key;
let secondStore;
/** Orders of the first store as they were answered, oldest first. */
const orders = [];

before(async () => {
  creds = await setup(gateway);
  key = await mint(gateway, creds);
  const zapier = await mint(gateway, creds, { p_source: 'zapier' });
  secondStore = await createStore(gateway, creds, 'Second store');
  const day = (n) => `2026-01-0${n}T12:00:00Z`;
  const made = [
    [key, { external_id: '1', status: 'pending', placed_at: day(3) }],
    [key, { external_id: '2', status: 'completed', placed_at: day(1) }],
    [zapier, { external_id: '2', status: 'pending', placed_at: day(2) }],
    [zapier, { external_id: 'a/b é&?', status: 'cancelled', placed_at: day(4) }],
    [key, { external_id: '5', status: 'pending', placed_at: day(5) }],
  ];
  for (const [by, fields] of made) {
    const answer = await postOrder(gateway, by, order(fields));
    assert.equal(answer.status, 201, answer.text);
    orders.push(answer.body);
  }
});

const get = (path, apiKey = creds.api_key) =>
  send(gateway, { method: 'GET', path, headers: { authorization: `Bearer ${apiKey}` } });

/** A page of the first store. */
const list = (query = {}) => get(`/v1/orders?${new URLSearchParams({ store_id: creds.store_id, ...query })}`);

/** The external ids of a page, newest first. */
async function ids(query) {
  const page = await list(query);
  assert.equal(page.status, 200, page.text);
  return page.body.orders.map((order) => order.external_id);
}

test('an order is read back by its id as it was answered', async () => {
  for (const order of orders) {
    const answer = await get(`/v1/orders/${order.id}`);
    assert.deepEqual([answer.status, answer.body], [200, order]);
    assert.match(answer.headers.get('x-request-id'), /^req_/);
  }
});

test('a list is newest first and holds whole orders', async () => {
  const page = await list();
  assert.equal(page.status, 200, page.text);
  assert.deepEqual(page.body, { orders: [...orders].reverse(), next_cursor: null });
});

test('pages follow each other without gap or repetition, also while orders come in', async () => {
  const seen = [];
  let cursor;
  for (let pages = 0; pages < 10; pages++) {
    const page = await list({ limit: '2', ...(cursor && { cursor }) });
    assert.equal(page.status, 200, page.text);
    assert.ok(page.body.orders.length <= 2);
    seen.push(...page.body.orders.map((order) => order.id));
    cursor = page.body.next_cursor;
    if (!cursor) break;
    const late = await mint(gateway, { ...creds, store_id: creds.store_id });
    const answer = await postOrder(gateway, late, order({ external_id: `late-${pages}`, status: 'failed' }));
    assert.equal(answer.status, 201);
  }
  assert.deepEqual(seen, orders.map((order) => order.id).reverse());
});

test('each filter shows what fits it and nothing else', async () => {
  const known = { placed_to: '2026-02-01T00:00:00Z' };
  assert.deepEqual(await ids({ ...known, status: 'pending' }), ['5', '2', '1']);
  assert.deepEqual(await ids({ ...known, source: 'zapier' }), ['a/b é&?', '2']);
  assert.deepEqual(await ids({ ...known, source: 'woocommerce' }), []);
  assert.deepEqual(await ids({ external_id: '2' }), ['2', '2']);
  assert.deepEqual(await ids({ external_id: '2', source: 'zapier' }), ['2']);
  assert.deepEqual(await ids({ external_id: '2', status: 'failed' }), []);
  assert.deepEqual(await ids({ external_id: 'a/b é&?' }), ['a/b é&?']);
  assert.deepEqual(await ids({ external_id: 'A-404' }), []);
  // From counts, to does not.
  const span = { placed_from: '2026-01-02T12:00:00Z', placed_to: '2026-01-04T12:00:00Z' };
  assert.deepEqual(await ids(span), ['2', '1']);
  assert.deepEqual(await ids({ ...span, status: 'pending', source: 'zapier' }), ['2']);
  assert.deepEqual(
    await ids({ placed_from: '2026-01-02T13:00:00+01:00', placed_to: '2026-01-02T13:00:00.001+01:00' }),
    ['2'],
  );
  assert.deepEqual(await ids({ ...known, status: 'pending', limit: '1' }), ['5']);
});

test('a parameter that is unknown, malformed or given twice is a 400, never ignored', async () => {
  for (const query of [
    'state=pending',
    'status=shipped',
    'status=',
    'source=magento',
    'limit=0',
    'limit=101',
    'limit=ten',
    'cursor=-1',
    'cursor=abc',
    'placed_from=yesterday',
    'placed_to=2026-01-01',
    'store_id=x',
    'external_id=',
    'external_id=%zz',
    'limit=1&limit=2',
  ]) {
    const answer = await get(`/v1/orders?${query}`);
    assertProblem(answer, 400, 'invalid_query');
    assert.match(answer.body.detail, new RegExp(query.split('=')[0]), query);
  }
});

test('where a workspace has several stores, a list must say which', async () => {
  assertProblem(await get('/v1/orders'), 400, 'invalid_query');
  const empty = await get(`/v1/orders?store_id=${secondStore}`);
  assert.deepEqual(empty.body, { orders: [], next_cursor: null });
});

test('another workspace’s stores and orders are not found, whichever way they are asked for', async () => {
  const other = await insertWorkspace(gateway);
  const theirs = await mint(gateway, other);
  const answer = await postOrder(gateway, theirs, order({ external_id: '1' }));
  assert.equal(answer.status, 201, answer.text);

  assertProblem(await get(`/v1/orders/${answer.body.id}`), 404, 'not_found');
  assertProblem(await get(`/v1/orders?store_id=${other.store_id}`), 404, 'not_found');
  assertProblem(await get(`/v1/orders/${orders[0].id}`, other.api_key), 404, 'not_found');
  assertProblem(await get(`/v1/orders?store_id=${creds.store_id}`, other.api_key), 404, 'not_found');
  // Their only store needs no naming, and shows theirs alone.
  const page = await get('/v1/orders', other.api_key);
  assert.deepEqual(page.body.orders, [answer.body]);
});

test('an order of another workspace does not even wake its store', async () => {
  const other = await insertWorkspace(gateway);
  const { StoreLedger } = await gateway.cost(async () => {
    assertProblem(await get(`/v1/orders/${orders[0].id}`, other.api_key), 404, 'not_found');
  });
  assert.equal(StoreLedger.fetches, 0);
});

test('an id that is none, or of nothing, is a 404', async () => {
  const { id } = orders[0];
  for (const wrong of [
    'x',
    'ord_',
    id.toUpperCase(),
    id.replace('ord_', 'cli_'),
    `${id}a`,
    id.slice(0, -1),
    '%00',
    '1',
  ])
    assertProblem(await get(`/v1/orders/${wrong}`), 404, 'not_found');
  // The right store, a row that it does not have.
  const last = id.at(-2) === 'a' ? 'b' : 'a';
  assertProblem(await get(`/v1/orders/${id.slice(0, -2)}${last}${id.at(-1)}`), 404, 'not_found');
});

test('members may read', async () => {
  const member = await insertUser(gateway, creds.workspace_id, 'member');
  assert.equal((await get(`/v1/orders/${orders[0].id}`, member.api_key)).status, 200);
});

test('without a live API key there is nothing to read', async () => {
  const revoked = await insertWorkspace(gateway);
  await gateway.d1('UPDATE api_keys SET revoked_at = ? WHERE id = ?', [Date.now(), revoked.api_key_id]);
  const left = await insertWorkspace(gateway);
  await insertUser(gateway, left.workspace_id, 'owner');
  await gateway.d1('DELETE FROM memberships WHERE user_id = ?', [left.user_id]);
  const unknown = secretKey(gateway, 'pck_api_').text;
  for (const apiKey of ['', key.api_key, unknown, revoked.api_key, left.api_key])
    for (const path of ['/v1/orders', `/v1/orders/${orders[0].id}`])
      assertProblem(await get(path, apiKey), 401, 'invalid_api_key');
});

test('only GET and HEAD are allowed', async () => {
  for (const path of ['/v1/orders', `/v1/orders/${orders[0].id}`]) {
    const headers = { authorization: `Bearer ${creds.api_key}` };
    const head = await send(gateway, { method: 'HEAD', path: `${path}?store_id=${creds.store_id}`, headers });
    assert.deepEqual([head.status, head.text], [200, '']);
    for (const method of ['POST', 'PUT', 'DELETE']) {
      const answer = await send(gateway, { method, path, headers });
      assertProblem(answer, 405, 'method_not_allowed');
      assert.equal(answer.headers.get('allow'), 'GET');
    }
  }
});

test('a page under a filter that fits nothing looks at no more than 2,000 orders, and says where to go on', async () => {
  const store = await createStore(gateway, creds, 'Large store');
  const large = await mint(gateway, { ...creds, store_id: store });
  const first = await postOrder(gateway, large);
  assert.equal(first.status, 201);
  // 2,500 copies of one order, each a row later.
  await gateway.sql(
    'StoreLedger',
    store,
    `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)
     INSERT INTO orders (id, change, source, created_by, status, placed_at, created_at, updated_at, client_id, content,
       reported, command_hash, version, history)
     SELECT id + i, id + i, source, created_by, status, placed_at, created_at, updated_at, client_id,
       content, reported, command_hash, version, history FROM orders, n`,
  );
  await gateway.resetMeter();
  const page = await get(`/v1/orders?store_id=${store}&status=failed`);
  assert.deepEqual(page.body.orders, []);
  assert.ok(page.body.next_cursor);
  const { StoreLedger } = await gateway.meter();
  assert.ok(StoreLedger.rows_read <= 2_010, `${StoreLedger.rows_read} rows read`);
  const rest = await get(`/v1/orders?store_id=${store}&status=failed&cursor=${page.body.next_cursor}`);
  assert.deepEqual(rest.body, { orders: [], next_cursor: null });
});
