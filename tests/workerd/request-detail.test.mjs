/** One request of the log: what was kept of it, and why nothing was. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { base32Bytes, gateOf } from './support/credentials.mjs';
import { mint, must, order, post, postOrder, send, setup, useGateway, times } from './support/gateway.mjs';
import { deliver, log, mintShop, parked, retry } from './support/shop.mjs';

const DAY = 86_400_000;
const KEPT_ANSWER = 65_536;

const gateway = await useGateway();
let creds;

before(async () => {
  creds = await setup(gateway);
});

/** The row that a request id names. */
const rowOf = (id) => Number(BigInt(`0x${base32Bytes(id.slice('req_'.length)).subarray(12, 19).toString('hex')}`));

/** What the gate answers about a request. */
const ask = async (key, id) =>
  (await gateway.command('KeyGate', gateOf(key.key_id), { get_request: { row: typeof id === 'number' ? id : rowOf(id) } })).reply;
const detail = async (key, id) => (await ask(key, id)).Ok.request.detail;
const idOf = (answer) => answer.headers.get('x-request-id');
const inGate = (key, sql, params) => gateway.sql('KeyGate', gateOf(key.key_id), sql, params);
const capturesOf = async (key) => {
  const [{ name }] = await inGate(key, "SELECT name FROM sqlite_master WHERE name GLOB 'capture_*'");
  return name;
};

test('a request is shown with its headers, its body and its answer, byte for byte', async () => {
  const key = await mint(gateway, creds);
  // Not the bytes that a JSON writer would make of it.
  const body = Buffer.from('{ "external_id":"Z-1",  "currency":"USD","lines":[{"name":"Zoë 🚪","quantity":1.0,"unit_price":"20"}],"total":20.00 }\n');
  const answer = await postOrder(gateway, key, body, { idempotencyKey: 'kept-1' });
  assert.equal(answer.status, 201, answer.text);
  const { request, kept, parked: event } = await detail(key, idOf(answer));
  const [listed] = await log(gateway, creds, key);
  assert.deepEqual({ ...request, received_at: new Date(request.received_at).toISOString() }, listed);
  assert.deepEqual(Buffer.from(kept.Ok.body, 'base64'), body);
  assert.equal(kept.Ok.answer, answer.text);
  assert.equal(event, null);
  const headers = Object.fromEntries(kept.Ok.headers);
  assert.deepEqual(Object.keys(headers).sort(), ['content-type', 'idempotency-key', 'user-agent', 'x-pck-signature']);
  assert.equal(headers['idempotency-key'], 'kept-1');
  assert.ok(!JSON.stringify(kept).includes(key.api_key), 'the credential is not kept');
});

test('what was turned down is shown with the problem that it was answered', async () => {
  const key = await mint(gateway, creds);
  const answer = await postOrder(gateway, key, order({ total: '1' }));
  const { request, kept } = await detail(key, idOf(answer));
  assert.deepEqual([request.status, request.error_code], [422, 'validation_failed']);
  assert.equal(kept.Ok.answer, answer.text);
  assert.equal(JSON.parse(kept.Ok.answer).errors[0].pointer, '/total');
});

test('a long answer is cut with a mark, in whole characters, and the body is not', async () => {
  const key = await mint(gateway, creds);
  const lines = Array.from({ length: 600 }, (_, n) => ({ name: `${'é'.repeat(40)} ${n}`, quantity: 1, unit_price: '1.00' }));
  const body = JSON.stringify(order({ lines, total: '600.00' }));
  const answer = await postOrder(gateway, key, body);
  assert.equal(answer.status, 201, answer.text);
  const { kept } = await detail(key, idOf(answer));
  const [start, mark] = kept.Ok.answer.split('\n');
  const [bytes, all] = [Buffer.byteLength(start), Buffer.byteLength(answer.text)];
  assert.ok(all > KEPT_ANSWER && bytes <= KEPT_ANSWER && bytes > KEPT_ANSWER - 4);
  assert.ok(answer.text.startsWith(start));
  assert.equal(mark, `… [cut: ${bytes} of ${all} bytes are kept]`);
  assert.equal(Buffer.from(kept.Ok.body, 'base64').toString(), body);
});

test('an answer takes no further row, and counts among the bytes kept, also after an eviction', async () => {
  const key = await mint(gateway, creds);
  await postOrder(gateway, key);
  const { KeyGate } = await gateway.cost(() => postOrder(gateway, key));
  assert.equal(KeyGate.rows_written, 2);
  const table = await capturesOf(key);
  const [{ bytes }] = await inGate(key, `SELECT sum(length(headers) + length(body) + length(answer)) AS bytes FROM ${table}`);
  const [{ answers }] = await inGate(key, `SELECT sum(length(answer)) AS answers FROM ${table}`);
  assert.ok(answers > 500);
  // As if it had been two minutes ago: the first request after a minute writes it.
  const [log] = (await inGate(key, "SELECT name FROM sqlite_master WHERE name GLOB 'log_[0-9]*'")).map(({ name }) => name);
  for (const name of [table, log]) await inGate(key, `UPDATE ${name} SET id = id - ${120_000 * 1024}`);
  await gateway.evict();
  await postOrder(gateway, key);
  const [written] = await inGate(key, 'SELECT sum(log_bytes) AS log_bytes, sum(capture_bytes) AS capture_bytes FROM stats_day');
  assert.equal(written.capture_bytes, bytes);
  assert.ok(written.log_bytes > 200, `${written.log_bytes} bytes of two rows`);
});

test('where nothing was kept, the reason is told', async () => {
  const key = await mint(gateway, creds);
  const shy = await mint(gateway, creds, { p_capture_bodies: false });
  const whoami = await send(gateway, { method: 'GET', path: '/integrations/v1/whoami', headers: { authorization: `Bearer ${key.api_key}` } });
  const refused = await postOrder(gateway, key, order(), { sign: null });
  const reason = async (owner, answer) => (await detail(owner, idOf(answer))).kept.Err;
  assert.equal(await reason(key, whoami), 'no_body');
  assert.equal(await reason(key, refused), 'refusal');
  assert.equal(await reason(shy, await postOrder(gateway, shy)), 'capture_off');
  const old = await postOrder(gateway, key);
  await inGate(key, `DROP TABLE ${await capturesOf(key)}`);
  assert.equal(await reason(key, old), 'too_old');
});

test('a request with an empty body is kept with its answer', async () => {
  const key = await mint(gateway, creds, { p_require_signature: false });
  const answer = await postOrder(gateway, key, '', { sign: null });
  assert.equal(answer.status, 400);
  const { kept } = await detail(key, idOf(answer));
  assert.deepEqual([kept.Ok.body, kept.Ok.answer], ['', answer.text]);
});

test('a day that fills the cap by itself keeps no more, and goes on being logged', async () => {
  const key = await mint(gateway, creds);
  const first = await postOrder(gateway, key);
  const day = Number((await capturesOf(key)).slice('capture_'.length));
  await inGate(key, `INSERT INTO stats_day VALUES (${day * DAY}, '{}', 0, ${512 * 1024 * 1024 - 3_000})`);
  await inGate(key, `INSERT INTO stats_day VALUES (${(day - 1) * DAY}, '{}', 0, 1)`);
  await inGate(key, `CREATE TABLE capture_${day - 1} (id INTEGER PRIMARY KEY, headers TEXT NOT NULL, body BLOB NOT NULL, answer TEXT)`);
  await gateway.evict();
  const fits = await postOrder(gateway, key);
  const beyond = [await postOrder(gateway, key), await postOrder(gateway, key)];
  const client = await post(gateway, key, 'clients', { external_id: 'c'.repeat(200), name: 'C'.repeat(200) }, { method: 'PUT' });
  await gateway.evict();
  for (const answer of [first, fits]) assert.equal((await detail(key, idOf(answer))).kept.Ok?.answer, answer.text);
  const { request, kept } = await detail(key, idOf(beyond[1]));
  assert.deepEqual([request.status, kept], [201, { Err: 'day_full' }]);
  assert.deepEqual((await detail(key, idOf(client))).kept, { Err: 'day_full' });
  assert.equal((await log(gateway, creds, key)).length, 5);
  // Nor are older days dropped for less than the cap.
  const kinds = await inGate(key, "SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB 'capture_*' ORDER BY name");
  assert.deepEqual(kinds.map(({ name }) => name), [`capture_${day - 1}`, `capture_${day}`]);
});

test('a refusal that is only counted is shown as the row that stands for the rest', async () => {
  const key = await mint(gateway, creds);
  const answers = await times(33, () => postOrder(gateway, key, order(), { sign: null }));
  const rows = await log(gateway, creds, key);
  const rest = rows.find((row) => row.count > 1);
  assert.ok(answers.some((answer) => idOf(answer) === rest.id));
  const { request, kept } = await detail(key, rest.id);
  assert.deepEqual([request.count, kept], [3, { Err: 'refusal' }]);
});

test('a parked event is shown with its request while it is parked, and its retry names no body', async () => {
  const key = await mintShop(gateway, creds);
  const answer = await deliver(gateway, key, 'order.deleted', { id: 12_001 });
  assert.equal(answer.body.outcome, 'parked');
  const [event] = await parked(gateway, creds, key);
  const shown = await detail(key, idOf(answer));
  assert.deepEqual([shown.parked.reason, shown.parked.attempts, shown.parked.bytes], ['parent_unknown', 0, 12]);
  assert.equal(Buffer.from(shown.kept.Ok.body, 'base64').toString(), '{"id":12001}');
  const named = Object.fromEntries(shown.kept.Ok.headers);
  assert.equal(named['x-wc-webhook-topic'], 'order.deleted');
  await retry(gateway, creds, key, event);
  assert.equal((await detail(key, idOf(answer))).parked.attempts, 1);
  const [retried] = await log(gateway, creds, key);
  assert.deepEqual((await detail(key, retried.id)).kept, { Err: 'retry' });
  await must(gateway, creds.api_key, 'core.rpc_discard_parked_event', { p_key_id: key.key_id, p_event_id: event.event_id });
  assert.equal((await detail(key, idOf(answer))).parked, null);
});

test('a row that the log does not have is not found', async () => {
  const key = await mint(gateway, creds);
  await postOrder(gateway, key);
  for (const row of [0, 2 ** 53 - 1, -1, Date.now() * 1024]) {
    const { Err } = await ask(key, row);
    assert.equal(Err.code, 'not_found');
  }
});

/** Takes the tables of today back to how they were made before answers were kept. */
async function beforeAnswers(key) {
  const table = await capturesOf(key);
  const day = Number(table.slice('capture_'.length));
  const made = await inGate(key, 'SELECT type, sql FROM sqlite_master WHERE name LIKE ?', [`entries_${day}%`]);
  const sql = (type) => made.find((entry) => entry.type === type).sql;
  await inGate(key, `DROP VIEW entries_${day}`);
  await inGate(key, `ALTER TABLE ${table} DROP COLUMN answer`);
  await inGate(key, sql('view').replace(', body, answer', ', body'));
  await inGate(key, sql('trigger').replace(', NEW.answer', ''));
  return { table, day };
}

test('a day begun before answers were kept is read, and goes on with them', async () => {
  const key = await mint(gateway, creds);
  const first = await postOrder(gateway, key);
  const { table, day } = await beforeAnswers(key);
  await gateway.evict();
  const { kept } = await detail(key, idOf(first));
  assert.deepEqual([JSON.parse(Buffer.from(kept.Ok.body, 'base64')).currency, kept.Ok.answer], ['USD', null]);
  const second = await postOrder(gateway, key);
  assert.equal((await detail(key, idOf(second))).kept.Ok.answer, second.text);
  assert.equal((await detail(key, idOf(first))).kept.Ok.answer, null);
  // And a day that is over stays as it was made.
  await inGate(key, `CREATE TABLE capture_${day - 1} (id INTEGER PRIMARY KEY, headers TEXT NOT NULL, body BLOB NOT NULL)`);
  const [{ sql }] = await inGate(key, 'SELECT sql FROM sqlite_master WHERE name = ?', [`log_${day}`]);
  await inGate(key, sql.replace(`log_${day}`, `log_${day - 1}`));
  const row = rowOf(idOf(first)) - DAY * 1024;
  await inGate(key, `INSERT INTO log_${day - 1} (id, attempt, units, count, method, path, status, latency_ms, outcome, topic, idempotency_key, external_id, internal_id, error_code, detail) SELECT ${row}, attempt, units, count, method, path, status, latency_ms, outcome, topic, idempotency_key, external_id, internal_id, error_code, detail FROM log_${day} LIMIT 1`);
  await inGate(key, `INSERT INTO capture_${day - 1} SELECT ${row}, headers, body FROM ${table} LIMIT 1`);
  const old = await detail(key, row);
  assert.deepEqual([old.kept.Ok.answer, old.request.status], [null, 201]);
  assert.ok(old.kept.Ok.body.length > 0);
});
