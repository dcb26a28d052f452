/** How much a key is used, hour by hour, and which of a shop's webhooks fail. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { gateOf } from './support/credentials.mjs';
import { mint, must, order, postOrder, rpc, send, setup, useGateway, times } from './support/gateway.mjs';
import { deliver, mintShop, parked, ping, retry } from './support/shop.mjs';

const [MINUTE, HOUR, DAY] = [60_000, 3_600_000, 86_400_000];

const gateway = await useGateway({ own: true });
let creds;

before(async () => {
  creds = await setup(gateway);
});

const ask = async (key, message) => (await gateway.command('KeyGate', gateOf(key.key_id), message)).reply.Ok;
const usage = async (key) => (await ask(key, 'usage')).usage;
const series = async (key, window) => (await ask(key, { series: { window } })).series;
const stats = (key) => must(gateway, creds.api_key, 'core.rpc_get_integration_key_stats', { p_key_id: key.key_id });
const inGate = (key, sql, params) => gateway.sql('KeyGate', gateOf(key.key_id), sql, params);
const whoami = (key) =>
  send(gateway, { method: 'GET', path: '/integrations/v1/whoami', headers: { authorization: `Bearer ${key.api_key}` } });

const none = { requests: 0, errors: 0 };
const plus = (a, b) => ({ requests: a.requests + b.requests, errors: a.errors + b.errors });
const sum = (tallies) => tallies.reduce(plus, none);

/** Writes log rows at these times past the product, each an accepted request or, if so, a refused one. */
async function writeLog(key, rows) {
  const [{ sql }] = await inGate(key, "SELECT sql FROM sqlite_master WHERE name GLOB 'log_[0-9]*'");
  for (const { at, status = 201 } of rows) {
    const day = Math.floor(at / DAY);
    await inGate(key, sql.replace(/CREATE TABLE \S+/, `CREATE TABLE IF NOT EXISTS log_${day}`));
    await inGate(
      key,
      `INSERT INTO log_${day} (id, attempt, units, count, method, path, status, latency_ms, outcome)
       VALUES (?1, ?1, 1, 1, 'POST', '/integrations/v1/orders', ?2, 3, ?3)`,
      [at * 1024, status, status < 400 ? 'accepted' : 'rejected'],
    );
  }
}

test('a key that was never used has 24 empty hours', async () => {
  const key = await mint(gateway, creds);
  const found = await usage(key);
  assert.deepEqual(found, { h24: none, hours: Array(24).fill(none), last_used_at: null, parked: 0, kept: 0, failing: [] });
  for (const [window, count] of [['h24', 24], ['d7', 28], ['d30', 30]]) {
    const { buckets, total } = await series(key, window);
    assert.equal(buckets.length, count);
    assert.deepEqual([total, ...buckets.map(({ tally }) => tally)], Array(count + 1).fill(none));
  }
});

test('hours and buckets hold each request once, where it belongs', async () => {
  const key = await mint(gateway, creds);
  await whoami(key);
  const now = Date.now();
  const running = Math.floor(now / HOUR) * HOUR;
  const ago = [
    { at: running - HOUR },
    { at: running - HOUR + 59 * MINUTE, status: 422 },
    { at: running - 23 * HOUR },
    { at: running - 24 * HOUR + 30 * MINUTE },
    { at: now - 3 * DAY, status: 422 },
    { at: now - 6 * DAY },
    { at: now - 29 * DAY },
    { at: now - 40 * DAY },
  ];
  // In the order of their rows, as the product writes them.
  await writeLog(key, ago.sort((a, b) => a.at - b.at));
  await gateway.evict();
  const rows = [...ago, { at: now }];
  const within = (from, to) => {
    const fit = rows.filter(({ at }) => at >= from && at < to);
    return { requests: fit.length, errors: fit.filter(({ status }) => status === 422).length };
  };
  const before = await stats(key);
  for (const [window, step] of [['h24', HOUR], ['d7', 6 * HOUR], ['d30', DAY]]) {
    const { buckets, total } = await series(key, window);
    const last = Math.floor(now / step) * step;
    for (const [index, { start, tally }] of buckets.entries()) {
      assert.equal(start, last - (buckets.length - 1 - index) * step);
      assert.deepEqual(tally, within(start, start + step), `${window} at ${new Date(start).toISOString()}`);
    }
    assert.deepEqual(total, before[window], 'the total is that of the stats');
  }
  const { h24, hours, last_used_at: lastUsed } = await usage(key);
  assert.deepEqual(hours, (await series(key, 'h24')).buckets.map(({ tally }) => tally));
  assert.deepEqual(h24, before.h24);
  assert.equal(new Date(lastUsed).toISOString(), before.last_used_at);
});

test('usage is the same after an eviction, a restart and a kill', async () => {
  const key = await mint(gateway, creds);
  for (const sent of [order(), order({ total: '1' }), order()]) await postOrder(gateway, key, sent);
  await postOrder(gateway, key, order(), { sign: null });
  const all = async () => [await usage(key), await series(key, 'h24'), await series(key, 'd7'), await series(key, 'd30')];
  const before = await all();
  assert.deepEqual(before[0].h24, { requests: 4, errors: 2 });
  assert.deepEqual(sum(before[0].hours), before[0].h24);
  for (const lose of [
    () => gateway.evict(),
    () => gateway.restart(),
    async () => {
      await gateway.kill();
      await gateway.start();
    },
  ]) {
    await lose();
    assert.deepEqual(await all(), before);
  }
});

test('a key that has gone quiet shows an empty day, though its last minute was never written', async () => {
  const key = await mint(gateway, creds);
  await whoami(key);
  const [{ name }] = await inGate(key, "SELECT name FROM sqlite_master WHERE name GLOB 'log_[0-9]*'");
  await writeLog(key, [{ at: Date.now() - 3 * DAY, status: 422 }]);
  await inGate(key, `DELETE FROM ${name}`);
  await gateway.evict();
  const { h24, hours } = await usage(key);
  assert.deepEqual([h24, sum(hours)], [none, none]);
  const { h24: day, d7: week } = await stats(key);
  assert.deepEqual([day, week], [none, { requests: 1, errors: 1 }]);
  const { buckets } = await series(key, 'd7');
  assert.deepEqual(sum(buckets.map(({ tally }) => tally)), week);
});

test('usage and series read no more rows of a long log than of a short one', async () => {
  const key = await mint(gateway, creds);
  await whoami(key);
  const now = Date.now();
  await writeLog(key, Array.from({ length: 60 }, (_, n) => ({ at: now - (60 - n) * 12 * HOUR })));
  await gateway.evict();
  await usage(key);
  const [{ name }] = await inGate(key, "SELECT name FROM sqlite_master WHERE name GLOB 'log_[0-9]*' ORDER BY name DESC");
  await inGate(
    key,
    `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
     INSERT INTO ${name} (id, attempt, units, count, method, path, status, latency_ms, outcome)
     SELECT (SELECT max(id) FROM ${name}) - 100000 - i, -i, 1, 1, 'POST', '/', 422, 3, 'rejected' FROM n`,
  );
  const read = async (act) => (await gateway.cost(act)).KeyGate.rows_read;
  assert.ok((await read(() => usage(key))) <= 30);
  for (const window of ['h24', 'd7', 'd30']) assert.ok((await read(() => series(key, window))) <= 40, window);
});

test('the last use of a key whose log shows none is looked for once', async () => {
  const key = await mint(gateway, creds);
  for (let n = 0; n < 25; n++) await postOrder(gateway, key, order(), { sign: null });
  await gateway.evict();
  const read = async () => (await gateway.cost(() => usage(key))).KeyGate.rows_read;
  const first = await read();
  const second = await read();
  assert.ok(first >= 25 && second < 10, `${first}, then ${second} rows read`);
});

test('parked events are counted', async () => {
  const key = await mintShop(gateway, creds);
  for (const id of [1, 2, 3]) await deliver(gateway, key, 'order.deleted', { id: 90_000 + id });
  assert.equal((await usage(key)).parked, 3);
  const [event] = await parked(gateway, creds, key);
  await rpc(gateway, creds.api_key, 'core.rpc_discard_parked_event', { p_key_id: key.key_id, p_event_id: event.event_id });
  assert.equal((await usage(key)).parked, 2);
});

test('failures in a row are counted for each topic of a shop, as the shop counts them', async () => {
  const key = await mintShop(gateway, creds);
  const failing = async () => Object.fromEntries((await usage(key)).failing.map(({ topic, failures }) => [topic, failures]));
  const fail = (topic) => deliver(gateway, key, topic, { id: 1 }, { secret: 'wrong-secret' });
  const succeed = (topic) => deliver(gateway, key, topic, { id: 77 });
  await succeed('product.created');
  assert.deepEqual(await failing(), {});
  for (const topic of ['order.created', 'order.created', 'order.updated']) await fail(topic);
  assert.deepEqual(await failing(), { 'order.created': 2, 'order.updated': 1 });
  // A ping is no delivery, and what succeeds ends the row of its own topic only.
  await ping(gateway, `/integrations/v1/webhook/woocommerce/${key.key_id}`);
  await succeed('order.updated');
  assert.deepEqual(await failing(), { 'order.created': 2 });
  await fail('order.created');
  await fail('order.updated');
  assert.deepEqual(await failing(), { 'order.created': 3, 'order.updated': 1 });
  await gateway.evict();
  assert.deepEqual(await failing(), { 'order.created': 3, 'order.updated': 1 });
  // The topic nearest to being switched off stands first.
  assert.equal((await usage(key)).failing[0].topic, 'order.created');
});

test('a parked delivery is a success of its topic, and its retries are none of the sender', async () => {
  const key = await mintShop(gateway, creds);
  await deliver(gateway, key, 'order.deleted', { id: 5_555 }, { secret: 'wrong-secret' });
  const answer = await deliver(gateway, key, 'order.deleted', { id: 5_555 });
  assert.equal(answer.body.outcome, 'parked');
  await deliver(gateway, key, 'order.deleted', { id: 5_555 }, { secret: 'wrong-secret' });
  const [event] = await parked(gateway, creds, key);
  await retry(gateway, creds, key, event);
  assert.deepEqual((await usage(key)).failing, [{ topic: 'order.deleted', failures: 1 }]);
});

test('failures that are only counted are among them', async () => {
  const key = await mintShop(gateway, creds);
  await times(35, () => deliver(gateway, key, 'order.created', { id: 1 }, { secret: 'wrong-secret' }));
  assert.deepEqual((await usage(key)).failing, [{ topic: 'order.created', failures: 35 }]);
});

test('errors of a key that is no shop are no failing webhooks', async () => {
  const key = await mint(gateway, creds);
  await postOrder(gateway, key, order({ total: '1' }));
  assert.deepEqual((await usage(key)).failing, []);
});

test('a page may have 1,000 rows and no more, and may be of a class of statuses', async () => {
  const key = await mint(gateway, creds);
  await whoami(key);
  const now = Date.now();
  await writeLog(key, Array.from({ length: 20 }, (_, n) => ({ at: now - (20 - n) * MINUTE, status: [201, 422, 503, 200][n % 4] })));
  const list = async (filter) => {
    const all = { limit: 50, before: null, from: null, to: null, status: null, outcome: null, error_code: null, external_id: null, idempotency_key: null };
    return (await ask(key, { list_requests: { filter: { ...all, ...filter } } })).requests;
  };
  const classOf = async (status_class) => (await list({ status_class })).requests.map(({ status }) => status);
  assert.deepEqual(await classOf(4), Array(5).fill(422));
  assert.deepEqual(await classOf(5), Array(5).fill(503));
  assert.equal((await classOf(2)).length, 11);
  const [{ name }] = await inGate(key, "SELECT name FROM sqlite_master WHERE name GLOB 'log_[0-9]*' ORDER BY name DESC");
  await inGate(
    key,
    `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500)
     INSERT INTO ${name} (id, attempt, units, count, method, path, status, latency_ms, outcome)
     SELECT (SELECT max(id) FROM ${name}) - 1000 - i, -i, 1, 1, 'POST', '/', 201, 3, 'accepted' FROM n`,
  );
  for (const limit of [1_000, 5_000]) {
    const page = await list({ limit });
    assert.equal(page.requests.length, 1_000);
    assert.ok(page.next);
  }
});
