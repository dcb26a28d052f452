/** The request log of a key and the tallies over it. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { before, test } from 'node:test';
import { gateOf } from './support/credentials.mjs';
import { assertProblem, mint, must, order, postOrder, rpc, send, setup, useGateway } from './support/gateway.mjs';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

const gateway = await useGateway({ own: true });
let creds;

before(async () => {
  creds = await setup(gateway);
});

const list = (key, args = {}) =>
  must(gateway, creds.api_key, 'core.rpc_list_integration_requests', { p_key_id: key.key_id, ...args });
const stats = (key) => must(gateway, creds.api_key, 'core.rpc_get_integration_key_stats', { p_key_id: key.key_id });
const whoami = (key) =>
  send(gateway, {
    method: 'GET',
    path: '/integrations/v1/whoami',
    headers: { authorization: `Bearer ${key.api_key}` },
  });

/** A key with one request of each kind in its log; returns the answers, newest first. */
async function busyKey() {
  const key = await mint(gateway, creds);
  const sent = order({ external_id: `A-${randomUUID()}` });
  const idempotencyKey = randomUUID();
  const answers = [
    await postOrder(gateway, key, sent, { idempotencyKey }),
    await postOrder(gateway, key, sent, { idempotencyKey }),
    await postOrder(gateway, key, sent),
    await postOrder(gateway, key, { ...sent, note: 'other' }),
    await postOrder(gateway, key, order({ total: '1' })),
    await postOrder(gateway, key, order(), { sign: null }),
    await whoami(key),
  ];
  return { key, sent, idempotencyKey, answers: answers.reverse() };
}

/**
 * Writes `count` log rows at a time each into the tables of their days, past the product; `at` is a
 * SQL expression of `i`, from 0, in milliseconds.
 */
async function writeLog(key, from, to, count) {
  const gate = gateOf(key.key_id);
  const [{ sql }] = await gateway.sql('KeyGate', gate, "SELECT sql FROM sqlite_master WHERE name GLOB 'log_[0-9]*'");
  for (let day = Math.floor(from / DAY); day <= Math.floor(to / DAY); day++) {
    await gateway.sql('KeyGate', gate, sql.replace(/CREATE TABLE \S+/, `CREATE TABLE IF NOT EXISTS log_${day}`));
    // The numbers of this day's rows, and one more at each end.
    const number = (at) => Math.floor(((at - from) * count) / (to - from));
    const first = Math.max(0, number(day * DAY) - 1);
    const last = Math.min(count - 1, number((day + 1) * DAY) + 1);
    await gateway.sql(
      'KeyGate',
      gate,
      `WITH RECURSIVE n (i) AS (SELECT ${first} UNION ALL SELECT i + 1 FROM n WHERE i < ${last}),
         times (i, at) AS (SELECT i, ${from} + (${to - from} * i) / ${count} FROM n)
       INSERT INTO log_${day} (id, attempt, units, count, method, path, status, latency_ms, outcome)
       SELECT at * 1024 + i % 1024, i, 1, 1, 'POST', '/integrations/v1/orders', CASE WHEN i % 4 THEN 201 ELSE 422 END, 3,
         CASE WHEN i % 4 THEN 'accepted' ELSE 'rejected' END
       FROM times WHERE at / ${DAY} = ${day}`,
    );
  }
}

test('every request of a key stands in its log, newest first, with what became of it', async () => {
  const { key, sent, idempotencyKey, answers } = await busyKey();
  const { requests, next_cursor: cursor } = await list(key);
  assert.equal(cursor, null);
  const orderId = answers.at(-1).body.id;
  const told = requests.map((row) => [row.method, row.status, row.outcome, row.error_code, row.internal_id]);
  assert.deepEqual(told, [
    ['GET', 200, 'accepted', null, null],
    ['POST', 401, 'refused', 'signature_missing', null],
    ['POST', 422, 'rejected', 'validation_failed', null],
    ['POST', 409, 'rejected', 'external_id_conflict', orderId],
    ['POST', 200, 'duplicate', null, orderId],
    ['POST', 201, 'replayed', null, orderId],
    ['POST', 201, 'accepted', null, orderId],
  ]);
  // A replayed 409 would carry the id of the first request; none is here.
  assert.deepEqual(
    requests.map((row) => row.id),
    answers.map((answer) => answer.headers.get('x-request-id')),
  );
  for (const row of requests) {
    assert.match(row.path, /^\/integrations\/v1\/(orders|whoami)$/);
    assert.ok(row.latency_ms >= 0 && row.latency_ms < 60_000);
    assert.ok(Math.abs(Date.parse(row.received_at) - Date.now()) < 60_000);
    assert.equal(row.count, 1);
  }
  const first = requests.at(-1);
  assert.deepEqual([first.external_id, first.idempotency_key], [sent.external_id, idempotencyKey]);
  assert.match(requests[2].detail, /total/);
  assert.equal(JSON.stringify(requests).includes(key.api_key), false);
});

test('the log and the tallies are the same after an eviction, a restart and a kill', async () => {
  const { key } = await busyKey();
  const before = [await list(key), await stats(key)];
  assert.deepEqual(before[1].h24, { requests: 7, errors: 3 });
  assert.deepEqual([before[1].d7, before[1].d30], [before[1].h24, before[1].h24]);
  assert.equal(before[1].last_used_at, before[0].requests[0].received_at);
  for (const lose of [
    () => gateway.evict(),
    () => gateway.restart(),
    async () => {
      await gateway.kill();
      await gateway.start();
    },
  ]) {
    await lose();
    assert.deepEqual([await list(key), await stats(key)], before);
  }
});

test('pages follow each other without gap or repetition, also while requests come in', async () => {
  const { key, answers } = await busyKey();
  const seen = [];
  let cursor = null;
  do {
    const page = await list(key, { p_limit: 3, p_cursor: cursor });
    assert.ok(page.requests.length <= 3);
    seen.push(...page.requests.map((row) => row.id));
    cursor = page.next_cursor;
    await whoami(key);
  } while (cursor);
  assert.deepEqual(
    seen,
    answers.map((answer) => answer.headers.get('x-request-id')),
  );
});

test('each filter shows what fits it and nothing else', async () => {
  const { key, sent, idempotencyKey } = await busyKey();
  const fits = async (args) => (await list(key, args)).requests.map((row) => `${row.status} ${row.outcome}`);
  assert.deepEqual(await fits({ p_status: 201 }), ['201 replayed', '201 accepted']);
  assert.deepEqual(await fits({ p_outcome: 'rejected' }), ['422 rejected', '409 rejected']);
  assert.deepEqual(await fits({ p_error_code: 'validation_failed' }), ['422 rejected']);
  assert.deepEqual(await fits({ p_idempotency_key: idempotencyKey }), ['201 replayed', '201 accepted']);
  assert.deepEqual(await fits({ p_external_id: sent.external_id }), [
    '409 rejected',
    '200 duplicate',
    '201 replayed',
    '201 accepted',
  ]);
  assert.deepEqual(await fits({ p_status: 201, p_outcome: 'replayed' }), ['201 replayed']);
  assert.deepEqual(await fits({ p_status: 500 }), []);
  assert.deepEqual(await fits({ p_outcome: 'rejected', p_limit: 1 }), ['422 rejected']);
});

test('a span of time shows what was received from its start up to its end', async () => {
  const key = await mint(gateway, creds);
  for (let turn = 0; turn < 4; turn++) {
    await whoami(key);
    // Rows are told apart by the millisecond.
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const at = (await list(key)).requests.map((row) => row.received_at).reverse();
  const within = async (from, to) => {
    const { requests } = await list(key, { p_received_from: from, p_received_to: to });
    return requests.map((row) => row.received_at).reverse();
  };
  assert.deepEqual(await within(at[1], at[3]), [at[1], at[2]]);
  assert.deepEqual(await within(at[2], null), [at[2], at[3]]);
  assert.deepEqual(await within(null, at[1]), [at[0]]);
  assert.deepEqual(await within(at[3], at[3]), []);
});

test('an argument that is unknown or malformed is named', async () => {
  const key = await mint(gateway, creds);
  for (const [name, value, code] of [
    ['p_limit', 0, 'out_of_range'],
    ['p_limit', 201, 'out_of_range'],
    ['p_cursor', 'x', 'invalid_cursor'],
    ['p_status', 42, 'out_of_range'],
    ['p_outcome', 'fine', 'invalid_choice'],
    ['p_error_code', 'x', 'invalid_choice'],
    ['p_received_from', 'yesterday', 'invalid_timestamp'],
    ['p_state', 'x', 'unknown_field'],
  ]) {
    const args = { p_key_id: key.key_id, [name]: value };
    const answer = await rpc(gateway, creds.api_key, 'core.rpc_list_integration_requests', args);
    assertProblem(answer, 422, 'validation_failed', [[`/${name}`, code]]);
  }
});

test('a key that was never used has an empty log and tallies of 0', async () => {
  const key = await mint(gateway, creds);
  const none = { requests: 0, errors: 0 };
  assert.deepEqual(await stats(key), { h24: none, d7: none, d30: none, last_used_at: null });
  assert.deepEqual(await list(key), { requests: [], next_cursor: null });
});

test('tallies count the requests of the last 24 hours, 7 days and 30 days, exactly', async () => {
  const key = await mint(gateway, creds);
  await whoami(key);
  const now = Date.now();
  // One row each so long ago; i = 0, so each is an error.
  const ago = [2 * HOUR, 23 * HOUR, 25 * HOUR, 3 * DAY, 6 * DAY + 22 * HOUR, 7 * DAY + 2 * HOUR, 29 * DAY, 31 * DAY];
  for (const past of ago) await writeLog(key, now - past, now - past + 1, 1);
  await gateway.evict();
  const { h24, d7, d30 } = await stats(key);
  assert.deepEqual(
    { h24, d7, d30 },
    {
      h24: { requests: 3, errors: 2 },
      d7: { requests: 6, errors: 5 },
      d30: { requests: 8, errors: 7 },
    },
  );
  await gateway.evict();
  assert.deepEqual((await stats(key)).d30, d30, 'nothing is counted twice');
});

test('one page reaches over days, newest first, and a filtered one stops after 2,000 rows', async () => {
  const key = await mint(gateway, creds);
  await whoami(key);
  const now = Date.now();
  await writeLog(key, now - 5 * DAY, now - 2 * DAY, 3000);
  const page = await list(key, { p_limit: 200 });
  assert.equal(page.requests.length, 200);
  const ids = (await list(key, { p_limit: 200, p_cursor: page.next_cursor })).requests.map((row) => row.received_at);
  assert.ok(ids[0] <= page.requests.at(-1).received_at);
  const { KeyGate } = await gateway.cost(async () => {
    const none = await list(key, { p_status: 500 });
    assert.deepEqual(none.requests, []);
    assert.ok(none.next_cursor);
    const rest = await list(key, { p_status: 500, p_cursor: none.next_cursor });
    assert.deepEqual(rest, { requests: [], next_cursor: null });
  });
  assert.ok(KeyGate.rows_read <= 3_100, `${KeyGate.rows_read} rows read`);
});

/** Rows that a gate reads for a page of the log and for the tallies, awake and just woken. */
async function rowsRead(key) {
  await stats(key);
  const read = {};
  const measure = async (name, act) => (read[name] = (await gateway.cost(act)).KeyGate.rows_read);
  await measure('page', () => list(key));
  await measure('stats', () => stats(key));
  await gateway.evict();
  await measure('page, woken', () => list(key));
  await gateway.evict();
  await measure('stats, woken', () => stats(key));
  return read;
}

test('a page of the log and the tallies read no more rows of a log of 20,000 than of one of 100', async () => {
  const now = Date.now();
  const read = {};
  for (const rows of [100, 20_000]) {
    const key = await mint(gateway, creds);
    await whoami(key);
    await writeLog(key, now - 28 * DAY, now - 2 * HOUR, rows);
    await gateway.evict();
    const { d30 } = await stats(key);
    assert.deepEqual(d30, { requests: rows + 1, errors: rows / 4 });
    // The gate has just counted all rows at once. A runtime that is busy for seconds may close its
    // connections, which this call notices, and survives.
    await gateway.resetMeter();
    read[rows] = await rowsRead(key);
  }
  for (const [what, few] of Object.entries(read[100])) {
    const many = read[20_000][what];
    // A row for each of 25 hours and 31 days, of which a short log leaves some empty.
    assert.ok(many <= Math.max(few * 1.5, 56), `${what}: ${few} rows read of a log of 100, ${many} of one of 20,000`);
  }
});
