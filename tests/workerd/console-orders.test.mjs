/** /orders and an order's page: who may look, searching, filters, what the recorded shop's orders show. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { Visitor, escaped, login, loginAs } from './support/console.mjs';
import { base32Bytes, insertWorkspace } from './support/credentials.mjs';
import { createStore, mint, must, order, postOrder, setup, useGateway } from './support/gateway.mjs';
import { log, mintShop, orders as ordersOf, play, recorded } from './support/shop.mjs';

const HOSTILE = `<script>alert("1")</script>'&`;

const gateway = await useGateway();
let creds;
let globex;
let owner;
let member;
/** A store with the recorded shop, and its key. */
let shopStore;
let shop;

before(async () => {
  creds = await setup(gateway);
  globex = await insertWorkspace(gateway);
  shopStore = await createStore(gateway, creds, 'Woo shop');
  shop = await mintShop(gateway, { ...creds, store_id: shopStore });
  await play(gateway, shop, recorded());
  owner = await login(gateway, creds.owner_email, creds.owner_password);
  member = await loginAs(gateway, creds, 'member');
});

/** Posts an order through a key of its own. */
async function place(fields, store_id = creds.store_id) {
  const key = await mint(gateway, { ...creds, store_id });
  const answer = await postOrder(gateway, key, order(fields));
  assert.equal(answer.status, 201, answer.text);
  return answer.body;
}

/** The ids of the orders that a page lists, in its order. */
const listed = (page) => [...page.text.matchAll(/class="row-link" href="\/orders\/(ord_[a-z2-7]+)"/g)].map(([, id]) => id);

/** The page of orders under these filters, as the owner sees it. */
async function list(query = {}, visitor = owner) {
  const page = await visitor.get(`/orders?${new URLSearchParams(query)}`);
  assert.equal(page.status, 200, page.text);
  return page;
}

const found = async (query, visitor) => listed(await list(query, visitor));

/** What stands in markup, without its tags. */
const textOf = (markup) => markup.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ');

test('every role of the workspace sees its orders, and nobody else', async () => {
  const made = await place({ number: 'ROLE-1' });
  for (const role of ['owner', 'admin', 'member']) {
    const visitor = await loginAs(gateway, creds, role);
    assert.ok((await found({ store: creds.store_id }, visitor)).includes(made.id), role);
    const page = await visitor.get(`/orders/${made.id}`);
    assert.equal(page.status, 200, role);
    assert.match(page.text, /<h1>Order ROLE-1<\/h1>/);
  }
  const foreign = await loginAs(gateway, creds, 'owner', globex.workspace_id);
  assert.equal((await foreign.get(`/orders/${made.id}`)).status, 404);
  assert.equal((await foreign.get(`/orders?store=${creds.store_id}`)).status, 404);
  for (const query of [{}, { store: 'all' }, { q: 'ROLE-1' }, { q: made.id }]) {
    assert.deepEqual(await found(query, foreign), []);
  }
  const nobody = await new Visitor(gateway).get(`/orders/${made.id}`);
  assert.equal(nobody.status, 303);
  assert.match(nobody.location, /^\/login\?next=%2Forders%2F/);
});

test('what is no order of the workspace is not found', async () => {
  const made = await place();
  const [last] = made.id.slice(-1);
  const other = made.id.slice(0, -1) + (last === 'a' ? 'q' : 'a');
  for (const id of ['ord_', 'ord_x', 'x', '%3Cscript%3E', other, `${made.id}a`, made.id.toUpperCase(), `ord_${'a'.repeat(28)}`]) {
    const page = await owner.get(`/orders/${id}`);
    assert.equal(page.status, 404, id);
    assert.match(page.headers.get('content-type'), /^text\/html/);
  }
});

test('an order is found by its number, its external id, its own id, and its client', async () => {
  const made = await place({
    external_id: 'find-me-7', number: 'WEB-1007',
    client: { external_id: 'cust-77', email: 'zoe@searched.test', name: 'Zoë Findling' },
  });
  for (const q of ['WEB-1007', '#WEB-1007', ' web-1007 ', 'find-me-7', made.id, 'zoe@searched', 'zoë find', 'cust-77']) {
    assert.deepEqual(await found({ q, store: creds.store_id }), [made.id], q);
    assert.deepEqual(await found({ q }), [made.id], `${q}, without naming a store`);
  }
  assert.deepEqual(await found({ q: 'WEB-1007', store: shopStore }), []);
  assert.match((await list({ q: 'WEB-1007', store: shopStore })).text, /No order matches\.[^]*Search all stores/);
  assert.deepEqual(await found({ q: 'nobody-has-this' }), []);
});

test('a search without a store asks every store and says which each order is of', async () => {
  const second = await createStore(gateway, creds, 'Second store');
  const client = { email: 'both@stores.test' };
  const made = [await place({ client }), await place({ client }, second), await place({ client })];
  const page = await list({ q: 'both@stores' });
  assert.deepEqual(listed(page), made.map(({ id }) => id).reverse(), 'newest first');
  assert.equal(page.text.match(/data-label="Store">Second store</g).length, 1);
  assert.equal(page.text.match(/data-label="Store">Main store</g).length, 2);
  // One store does not show what is the same in every row.
  assert.ok(!(await list({ store: second })).text.includes('data-label="Store"'));
  // An archived store's orders stay readable.
  for (const key of await keysOf(second)) await must(gateway, creds.api_key, 'core.rpc_revoke_integration_key', { p_key_id: key });
  assert.equal((await owner.post(`/settings/stores/${second}/archive`)).status, 303);
  assert.deepEqual(await found({ q: 'both@stores', store: second }), [made[1].id]);
  assert.match((await list()).text, /Second store \(archived\)/);
});

const keysOf = async (store) =>
  (await gateway.d1("SELECT key_id FROM integration_keys WHERE store_id = ?1 AND status <> 'revoked'", [store])).map((row) => row.key_id);

test('filters narrow the list, live in its links, and a page goes on where the last ended', async () => {
  const store = await createStore(gateway, creds, 'Long list');
  const key = await mint(gateway, { ...creds, store_id: store });
  const made = [];
  for (let n = 0; n < 53; n += 1) {
    const status = n % 2 ? 'completed' : 'pending';
    const placed_at = `2026-01-${String(1 + (n % 28)).padStart(2, '0')}T12:00:00Z`;
    made.unshift((await postOrder(gateway, key, order({ status, placed_at }))).body);
  }
  const ids = (orders) => orders.map(({ id }) => id);
  const first = await list({ store });
  assert.deepEqual(listed(first), ids(made.slice(0, 50)));
  const older = /href="([^"]+)" rel="next"/.exec(first.text)[1].replaceAll('&amp;', '&');
  assert.deepEqual(listed(await owner.get(older)), ids(made.slice(50)));

  const completed = made.filter((each) => each.status === 'completed');
  assert.deepEqual(await found({ store, status: 'completed' }), ids(completed));
  const early = made.filter((each) => each.placed_at < '2026-01-03');
  assert.deepEqual(await found({ store, from: '2026-01-01T00:00', to: '2026-01-03T00:00' }), ids(early));
  assert.deepEqual(await found({ store, source: 'shopify' }), []);
  assert.deepEqual(await found({ store, source: 'custom', status: 'pending', to: '2026-01-03T00:00' }), ids(early.filter((each) => each.status === 'pending')));
});

test('a filtered page that stops early says how far it looked and goes on from there', async () => {
  const store = await createStore(gateway, creds, 'Deep');
  await place({ status: 'pending' }, store);
  await fill(store, 4_500);
  const [{ id: oldest }] = await gateway.sql(
    'StoreLedger', store,
    `UPDATE orders SET status = 'failed', content = json_set(content, '$.status', 'failed')
     WHERE id = (SELECT min(id) FROM orders) RETURNING id`,
  );
  const first = await list({ store, status: 'failed' });
  assert.deepEqual(listed(first), []);
  assert.match(first.text, /Searched back to <time/);
  const seen = [];
  let page = first;
  for (let pages = 0; pages < 4; pages += 1) {
    const next = /href="([^"]+)" rel="next"/.exec(page.text)?.[1];
    if (!next) break;
    page = await owner.get(next.replaceAll('&amp;', '&'));
    seen.push(...listed(page));
  }
  assert.deepEqual(seen.map(rowOf), [oldest]);
});

/** The row that an order's id holds: its last 7 bytes. */
const rowOf = (id) => Number(`0x${base32Bytes(id.slice('ord_'.length)).subarray(10, 17).toString('hex')}`);

/** Copies the newest order of a store `count` times, each a millisecond before the last. */
async function fill(store, count) {
  await gateway.sql(
    'StoreLedger', store,
    `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})
     INSERT INTO orders (id, change, source, created_by, status, placed_at, created_at, updated_at, client_id, content,
       reported, command_hash, version, history)
     SELECT id - i * 1024, id - i * 1024, source, created_by, status, placed_at, created_at, updated_at, client_id, content, reported,
       command_hash, version, history
     FROM n, (SELECT * FROM orders ORDER BY id DESC LIMIT 1)`,
  );
}

test('the first page reads no more rows of a store with 5,000 orders than of one with 100', async () => {
  const rows = async (count) => {
    const store = await createStore(gateway, creds, `With ${count}`);
    await place({}, store);
    await fill(store, count - 1);
    await owner.get(`/orders?store=${store}`);
    const cost = await gateway.cost(() => list({ store }));
    assert.equal(cost.StoreLedger.fetches, 1);
    return cost.StoreLedger.rows_read + cost.d1.rows_read;
  };
  const [few, many] = [await rows(100), await rows(5_000)];
  assert.ok(few > 0 && many <= few * 1.5, `${many} rows against ${few}`);
});

test("the recorded shop's orders show lines, amounts, payments, refunds and history", async () => {
  const all = await ordersOf(gateway, creds, shopStore);
  const refunded = all.find((each) => each.refunds.length > 0 && each.payments.length > 0);
  assert.ok(refunded, 'the recording has an order that was paid and refunded');
  const page = await owner.get(`/orders/${refunded.id}`);
  assert.equal(page.status, 200);
  const text = textOf(page.text);
  for (const line of refunded.lines) {
    assert.ok(page.text.includes(escaped(line.name)), line.name);
    if (line.sku) assert.ok(page.text.includes(escaped(line.sku)), line.sku);
    for (const part of ['unit_price', 'tax', 'total']) {
      assert.ok(text.includes(` ${grouped(line[part])} ${refunded.currency}`), `${part} ${line[part]}`);
    }
    if (Number(line.discount)) assert.ok(text.includes(`less ${grouped(line.discount)} ${refunded.currency}`), line.discount);
  }
  for (const part of ['total', 'paid_total', 'refunded_total', 'subtotal']) {
    assert.ok(text.includes(` ${grouped(refunded[part])} ${refunded.currency}`), `${part} ${refunded[part]}`);
  }
  for (const each of [...refunded.payments, ...refunded.refunds]) {
    assert.ok(text.includes(`${grouped(each.amount)} ${refunded.currency}`));
    if (each.external_id) assert.ok(page.text.includes(each.external_id));
  }
  assert.match(page.text, /imported · WooCommerce/);
  assert.ok(page.text.includes(escaped(refunded.client.email)));
  assert.ok(page.text.includes(escaped(refunded.billing_address.line1)));

  // Its history is that of its accepted deliveries, each leading to the request in the key's log.
  const accepted = (await log(gateway, creds, shop, { p_external_id: refunded.external_id }))
    .filter((entry) => entry.internal_id === refunded.id && entry.outcome === 'accepted')
    .map((entry) => entry.id);
  assert.ok(accepted.length > 1);
  const linked = [...page.text.matchAll(/href="\/settings\/connectors\/(key_[a-z2-7]+)\/requests\/(req_[a-z2-7]+)"/g)];
  assert.deepEqual(linked.map(([, key]) => key), accepted.map(() => shop.key_id));
  assert.deepEqual(linked.map(([, , id]) => id), accepted, 'newest first');

  // A member sees the requests' ids, and nothing of keys.
  const restricted = await member.get(`/orders/${refunded.id}`);
  assert.equal(restricted.status, 200);
  for (const id of accepted) assert.ok(restricted.text.includes(id));
  assert.ok(!restricted.text.includes(shop.key_id) && !/\/requests\//.test(restricted.text));
});

/** Digits as the console groups them. */
const grouped = (amount) => amount.replace(/\B(?<!\.\d*)(?=(\d{3})+(?!\d))/g, ',');

test('what a sender writes is text wherever it stands', async () => {
  const address = { name: HOSTILE, company: HOSTILE, line1: HOSTILE, line2: HOSTILE, city: HOSTILE, region: HOSTILE, postal_code: HOSTILE };
  const made = await place({
    external_id: HOSTILE, number: HOSTILE, note: HOSTILE, metadata: { [HOSTILE]: HOSTILE },
    client: { external_id: HOSTILE, email: 'hostile@example.com', name: HOSTILE, phone: HOSTILE },
    billing_address: address, shipping_address: address,
    lines: [{ name: HOSTILE, sku: HOSTILE, quantity: 2, unit_price: '10.00' }],
  });
  for (const [path, least] of [
    [`/orders/${made.id}`, 20],
    [`/orders?store=${creds.store_id}`, 2],
    [`/orders?q=${encodeURIComponent(HOSTILE)}`, 3],
    ['/?part=attention', 2],
  ]) {
    const page = await owner.get(path);
    assert.equal(page.status, 200, path);
    assert.ok(!page.text.includes('<script>alert'), path);
    const shown = page.text.split(escaped(HOSTILE)).length - 1;
    assert.ok(shown >= least, `${path} shows it ${shown} times`);
  }
});

test('a store that does not answer leaves the others readable', async () => {
  const made = await place({ client: { email: 'silent@example.com' } });
  await gateway.fault({ class: 'StoreLedger', mode: 'throw', times: 1 });
  const page = await list({ q: 'silent@example.com' });
  assert.match(page.text, /did not answer in time/);
  await gateway.fault();
  assert.deepEqual(await found({ q: 'silent@example.com' }), [made.id]);
});

test('an empty store teaches how to send the first order, a member whom to ask', async () => {
  const store = await createStore(gateway, creds, 'Empty');
  const main = async (visitor) => /<main[^]*<\/main>/.exec((await list({ store }, visitor)).text)[0];
  assert.match(await main(owner), /No order yet[^]*href="\/settings\/connectors\/new"/);
  assert.match(await main(member), /No order yet[^]*Ask an owner or admin/);
  assert.doesNotMatch(await main(member), /connectors/);
});
