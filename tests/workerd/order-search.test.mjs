/** Finding orders in a store, one order with its history, and the store in short. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { createStore, mint, order, postOrder, setup, useGateway } from './support/gateway.mjs';
import { base32Bytes } from './support/credentials.mjs';
import { captured, deliver, mintShop } from './support/shop.mjs';

const gateway = await useGateway();
let creds;
let key;
const ids = {};

before(async () => {
  creds = await setup(gateway);
  key = await mint(gateway, creds);
  const orders = {
    zoe: { external_id: 'Ext-15', number: '#1001', client: { external_id: 'cust-7', email: 'Zoe@Example.com', name: 'ZOË Müller' } },
    bob: { external_id: '15', number: 'WC-1002', client: { email: 'bob@shop.test', name: 'Bob 1001' } },
    bare: { external_id: 'B-1', status: 'completed' },
    named: { external_id: 'N-1', number: '15' },
  };
  for (const [name, fields] of Object.entries(orders)) {
    const answer = await postOrder(gateway, key, order(fields));
    assert.equal(answer.status, 201, answer.text);
    ids[answer.body.id] = name;
    orders[name] = answer.body.id;
  }
  ids.of = orders;
});

const ask = async (message, store = creds.store_id) => {
  const { reply, body } = await gateway.command('StoreLedger', store, message);
  return { reply: reply.message, body: body && JSON.parse(body) };
};
const list = async (filter, store = creds.store_id) => {
  const all = { limit: 50, before: null, source: null, status: null, external_id: null, placed_from: null, placed_to: null };
  return (await ask({ list_orders: { store_id: store, filter: { ...all, ...filter } } }, store)).body;
};
const found = async (search, filter = {}) => (await list({ search, ...filter })).orders.map(({ id }) => ids[id]);
const rowOf = (id) => Number(BigInt(`0x${base32Bytes(id.slice('ord_'.length)).subarray(10, 17).toString('hex')}`));

test('an order is found by its number, its ids and its client', async () => {
  for (const [text, names] of Object.entries({
    '1001': ['bob', 'zoe'],
    '#1001': ['zoe'],
    'wc-1002': ['bob'],
    'WC-100': [],
    'Ext-15': ['zoe'],
    'ext-15': [],
    ' zoe@EXAMPLE ': ['zoe'],
    'zoë mü': ['zoe'],
    'CUST-7': ['zoe'],
    'shop.test': ['bob'],
    'nobody': [],
  }))
    assert.deepEqual((await found(text)).sort(), names, text);
  for (const name of ['zoe', 'bare']) {
    assert.deepEqual(await found(ids.of[name]), [name]);
    assert.deepEqual(await found(ids.of[name].toUpperCase()), [name]);
  }
});

test('what is named by an id stands first, and once', async () => {
  // By its number the newest; by its external id an older one.
  assert.deepEqual(await found('15'), ['bob', 'named']);
  assert.deepEqual(await found('#15'), ['bob', 'named']);
  const pages = [];
  let before = null;
  do {
    const page = await list({ search: '15', limit: 1, before });
    pages.push(page.orders.map(({ id }) => ids[id]));
    before = page.next_cursor && Number(page.next_cursor);
  } while (before);
  assert.deepEqual(pages.flat(), ['bob', 'named']);
});

test('a search goes with the other filters, and none is as good as an empty one', async () => {
  assert.deepEqual(await found('B-1', { status: 'completed' }), ['bare']);
  assert.deepEqual(await found('B-1', { status: 'pending' }), []);
  assert.deepEqual(await found('zoe', { source: 'woocommerce' }), []);
  assert.deepEqual(await found('zoe', { external_id: 'Ext-15' }), ['zoe']);
  assert.deepEqual(await found('bob', { external_id: 'Ext-15' }), []);
  const all = ['named', 'bare', 'bob', 'zoe'];
  for (const search of [null, '', ' # ']) assert.deepEqual(await found(search), all);
});

test('an order of another store is not found by its id', async () => {
  const other = await createStore(gateway, creds, 'Other');
  assert.deepEqual((await list({ search: ids.of.zoe }, other)).orders, []);
});

test('an external id is found however old its order is; all else within 2,000 rows a page', async () => {
  const store_id = await createStore(gateway, creds, 'Long');
  const own = await mint(gateway, creds, { p_store_id: store_id });
  const old = await postOrder(gateway, own, order({ external_id: 'old-1', number: '77' }));
  const inLedger = (sql) => gateway.sql('StoreLedger', store_id, sql);
  await inLedger(
    `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)
     INSERT INTO orders (id, change, source, created_by, status, placed_at, created_at, updated_at, client_id, content,
       reported, command_hash, version, history)
     SELECT id + i, id + i, source, created_by, status, placed_at, created_at, updated_at, client_id,
       json_set(content, '$.external_id', 'copy-' || i, '$.number', 'copy'), reported, command_hash, version, history
     FROM orders, n`,
  );
  const cost = await gateway.cost(async () => {
    const page = await list({ search: 'old-1' }, store_id);
    assert.deepEqual(page.orders.map(({ id }) => id), [old.body.id]);
    assert.ok(page.next_cursor);
    assert.deepEqual(await list({ search: 'old-1', before: Number(page.next_cursor) }, store_id), { orders: [], next_cursor: null });
  });
  assert.ok(cost.StoreLedger.rows_read <= 2_520, `${cost.StoreLedger.rows_read} rows read`);
  const first = await list({ search: '77' }, store_id);
  assert.deepEqual(first.orders, []);
  const second = await list({ search: '77', before: Number(first.next_cursor) }, store_id);
  assert.deepEqual(second.orders.map(({ id }) => id), [old.body.id]);

  const since = (at) => ask({ summary: { store_id, since: at } }, store_id);
  const summary = await gateway.cost(async () => {
    const { orders, more, newest } = (await since(0)).body;
    assert.deepEqual([orders, more, newest.length], [2_000, true, 5]);
  });
  assert.ok(summary.StoreLedger.rows_read <= 4_020, `${summary.StoreLedger.rows_read} rows read`);
});

test('a store in short: how many orders since a time, and the newest five', async () => {
  const store_id = await createStore(gateway, creds, 'Short');
  const own = await mint(gateway, creds, { p_store_id: store_id });
  const summary = async (since) => (await ask({ summary: { store_id, since } }, store_id)).body;
  assert.deepEqual(await summary(0), { orders: 0, more: false, newest: [] });
  const made = [];
  for (let n = 0; n < 7; n++) {
    made.push((await postOrder(gateway, own)).body);
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
  const { orders, more, newest } = await summary(0);
  assert.deepEqual([orders, more], [7, false]);
  assert.deepEqual(newest, made.slice(2).reverse());
  assert.equal((await summary(Date.parse(made[4].created_at))).orders, 3);
  assert.equal((await summary(Date.now() + 1_000)).orders, 0);
});

test('an order is described with what happened to it, oldest first', async () => {
  const store_id = await createStore(gateway, creds, 'Shop');
  const shop = await mintShop(gateway, creds, { p_store_id: store_id });
  const body = JSON.parse(captured('order.created'));
  const first = await deliver(gateway, shop, 'order.created', body);
  const changed = { ...body, status: 'completed', date_modified_gmt: '2036-01-01T00:00:00' };
  const second = await deliver(gateway, shop, 'order.updated', changed);
  const third = await deliver(gateway, shop, 'order.deleted', { id: body.id });
  const [{ id }] = (await list({}, store_id)).orders;
  const { reply, body: described } = await ask({ describe_order: { store_id, row: rowOf(id) } }, store_id);
  assert.deepEqual([reply.done.status, reply.done.internal_id], [200, id]);
  assert.deepEqual(described.order, (await list({}, store_id)).orders[0]);
  assert.equal(described.order.status, 'completed');
  assert.deepEqual(
    described.history.map(({ event, request_id: request }) => [event, request]),
    [
      ['order.created', first.headers.get('x-request-id')],
      ['order.updated', second.headers.get('x-request-id')],
      ['order.deleted', third.headers.get('x-request-id')],
    ],
  );
  for (const { at, delivery } of described.history) {
    assert.ok(Math.abs(Date.parse(at) - Date.now()) < 60_000 && at.endsWith('Z'));
    assert.match(delivery, /^1\/[0-9a-f]+$/);
  }
  const missing = await ask({ describe_order: { store_id, row: 5 } }, store_id);
  assert.equal(missing.reply.rejected.rejection.code, 'not_found');
});
