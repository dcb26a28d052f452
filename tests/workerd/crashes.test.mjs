/** What holds when objects are evicted and the runtime is killed. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { before, test } from 'node:test';
import { gateOf } from './support/credentials.mjs';
import {
  assertProblem,
  count,
  mint,
  order,
  postOrder,
  send,
  setup,
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

const inLedger = (sql) => gateway.sql('StoreLedger', creds.store_id, sql);

/** Ways in which an object loses its memory. */
const LOSSES = {
  'an eviction': () => gateway.evict(),
  'a restart of the runtime': () => gateway.restart(),
  'a kill of the runtime': async () => {
    await gateway.kill();
    await gateway.start();
  },
};

for (const [name, lose] of Object.entries(LOSSES)) {
  test(`a limit survives ${name}`, async () => {
    const key = await mint(gateway, creds, { p_rate_limit_per_minute: 20 });
    const refusedBefore = await times(3, () => postOrder(gateway, key, order(), { sign: null }));
    assert.deepEqual(statuses(refusedBefore), { 401: 3 });
    assert.deepEqual(statuses(await times(12, () => postOrder(gateway, key))), { 201: 12 });
    await lose();
    const answers = await times(20, () => postOrder(gateway, key));
    assert.deepEqual(statuses(answers), { 201: 8, 429: 12 });
    await lose();
    assert.deepEqual(statuses(await times(3, () => postOrder(gateway, key))), { 429: 3 });
  });

  test(`an answer under an Idempotency-Key survives ${name}`, async () => {
    const key = await mint(gateway, creds);
    const sent = order();
    const idempotencyKey = randomUUID();
    const first = await postOrder(gateway, key, sent, { idempotencyKey });
    await lose();
    const again = await postOrder(gateway, key, sent, { idempotencyKey });
    assert.deepEqual([again.status, again.text], [201, first.text]);
    assert.equal(again.headers.get('idempotency-replayed'), 'true');
  });
}

test('kill -9 under load, again and again, loses no acknowledged order and doubles none', async () => {
  const keys = [await mint(gateway, creds), await mint(gateway, creds)];
  const [{ n: before }] = await inLedger('SELECT count(*) AS n FROM orders');
  const [lanes, kills, killEvery] = [16, 6, 120];
  const total = (kills + 1) * killEvery;
  // Every other order has no external_id: nothing but its Idempotency-Key keeps it from doubling.
  const requests = Array.from({ length: total }, (_, n) => ({
    body: order({ number: `K-${n}`, external_id: n % 2 ? `K-${n}` : undefined }),
    idempotencyKey: randomUUID(),
    key: keys[n % keys.length],
  }));
  const acknowledged = new Map();
  let next = 0;
  let repeated = 0;
  let down = null;

  const lane = async () => {
    while (next < requests.length) {
      const { key, body, idempotencyKey } = requests[next++];
      for (;;) {
        await down;
        // Cut off, or turned down for now: sent again, as a client must, under the same key.
        const answer = await postOrder(gateway, key, body, { idempotencyKey }).catch(() => null);
        if (answer && answer.status < 500) {
          assert.equal(answer.status, 201, answer.text);
          acknowledged.set(body.number, answer.body.id);
          break;
        }
        repeated += 1;
        if (!down) await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
  };
  const killer = async () => {
    for (let kill = 1; kill <= kills; kill++) {
      await until(() => acknowledged.size >= kill * killEvery, Boolean, 60);
      let up;
      down = new Promise((resolve) => (up = resolve));
      await gateway.kill();
      await gateway.start();
      down = null;
      up();
    }
  };
  await Promise.all([killer(), ...Array.from({ length: lanes }, lane)]);

  assert.ok(repeated >= kills, `${repeated} requests were cut off by ${kills} kills`);
  assert.equal(acknowledged.size, total);
  const rows = await inLedger("SELECT content ->> 'number' AS number, id FROM orders WHERE number GLOB 'K-*'");
  assert.equal(rows.length, total, 'as many orders as distinct ones were sent');
  assert.equal(new Set(rows.map((row) => row.number)).size, total, 'none twice');
  const [{ n: after }] = await inLedger('SELECT count(*) AS n FROM orders');
  assert.equal(after, before + total);
  const [{ n: identities }] = await inLedger(
    "SELECT count(*) AS n FROM identities WHERE kind = 'order' AND value GLOB 'K-*'",
  );
  assert.equal(identities, total / 2);
  // What was acknowledged is what is there, by the id that the client was told.
  const headers = { authorization: `Bearer ${creds.api_key}` };
  for (const [number, id] of [...acknowledged].filter((_, n) => n % 10 === 0)) {
    const found = await send(gateway, { method: 'GET', path: `/v1/orders/${id}`, headers });
    assert.equal(found.body.number, number, found.text);
  }
});

test('a minted key works where its gate could not be told, by way of D1', async () => {
  for (const fault of [{ mode: 'throw' }, { mode: 'abort' }, { mode: 'throw', overloaded: true }]) {
    await gateway.fault({ class: 'KeyGate', times: 1, ...fault });
    const key = await mint(gateway, creds);
    await gateway.fault();
    await gateway.resetMeter();
    assert.equal((await postOrder(gateway, key)).status, 201);
    assert.equal((await gateway.meter()).d1.queries, 1);
    await gateway.evict();
    await gateway.resetMeter();
    assert.equal((await postOrder(gateway, key)).status, 201);
    assert.equal((await gateway.meter()).d1.queries, 0, 'from then on the gate knows its key itself');
  }
});

test('a minted key works at once and without D1 where its gate was told', async () => {
  const key = await mint(gateway, creds);
  await gateway.evict();
  await gateway.fault({ class: 'D1', mode: 'throw' });
  const { d1 } = await gateway.cost(async () => assert.equal((await postOrder(gateway, key)).status, 201));
  await gateway.fault();
  assert.equal(d1.calls, 0);
});

test('20 first requests at once of a gate that knows nothing make one query', async () => {
  await gateway.fault({ class: 'KeyGate', mode: 'throw', times: 1 });
  const key = await mint(gateway, creds);
  // A slow D1, so that they all wait for it.
  await gateway.fault({ class: 'D1', mode: 'hang', ms: 300 });
  const { d1, KeyGate } = await gateway.cost(async () => {
    assert.deepEqual(statuses(await times(20, () => postOrder(gateway, key))), { 201: 20 });
  });
  await gateway.fault();
  assert.deepEqual([d1.queries, KeyGate.wakes], [1, 1]);
});

test('a key that D1 does not know is asked for again each time: not found is never remembered', async () => {
  const key = await mint(gateway, creds);
  const [row] = await gateway.d1('SELECT * FROM integration_keys WHERE key_id = ?', [key.key_id]);
  await gateway.fault({ class: 'KeyGate', mode: 'throw', times: 1 });
  const late = await mint(gateway, creds);
  await gateway.fault();
  const [lateRow] = await gateway.d1('SELECT * FROM integration_keys WHERE key_id = ?', [late.key_id]);
  await gateway.d1('DROP TRIGGER integration_keys_are_not_deleted');
  await gateway.d1('DELETE FROM integration_keys WHERE key_id = ?', [late.key_id]);
  assertProblem(await postOrder(gateway, late), 401, 'invalid_api_key');
  assertProblem(await postOrder(gateway, late), 401, 'invalid_api_key');
  const columns = Object.keys(row);
  await gateway.d1(
    `INSERT INTO integration_keys (${columns}) VALUES (${columns.map(() => '?')})`,
    columns.map((column) => lateRow[column]),
  );
  assert.equal((await postOrder(gateway, late)).status, 201);
});

test('where D1 fails while a gate wakes, the caller may try again, and then it works', async () => {
  await gateway.fault({ class: 'KeyGate', mode: 'throw', times: 1 });
  const key = await mint(gateway, creds);
  await gateway.fault();
  await gateway.fault({ class: 'D1', mode: 'throw' });
  const answers = await times(5, () => postOrder(gateway, key));
  await gateway.fault();
  for (const answer of answers) {
    assertProblem(answer, 503, 'unavailable');
    assert.ok(Number(answer.headers.get('retry-after')) >= 1);
    assert.ok(!answer.text.includes('D1'), 'nothing of the inside is told');
  }
  assert.equal((await postOrder(gateway, key)).status, 201);
});

test('the log keeps each acknowledged request across a kill', async () => {
  const key = await mint(gateway, creds);
  const answers = await times(10, () => postOrder(gateway, key));
  await gateway.kill();
  await gateway.start();
  const tables = await gateway.sql(
    'KeyGate',
    gateOf(key.key_id),
    "SELECT name FROM sqlite_master WHERE name GLOB 'log_*'",
  );
  let logged = [];
  for (const { name } of tables)
    logged = logged.concat(await gateway.sql('KeyGate', gateOf(key.key_id), `SELECT internal_id FROM ${name}`));
  assert.deepEqual(logged.map((row) => row.internal_id).sort(), answers.map((answer) => answer.body.id).sort());
});
