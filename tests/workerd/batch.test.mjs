/** `POST /integrations/v1/batch`: up to a hundred commands, each with its own outcome. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { assertProblem, mint, must, order, post, send, setup, useGateway, statuses } from './support/gateway.mjs';

const gateway = await useGateway();
let creds;
let key;

before(async () => {
  creds = await setup(gateway);
  key = await mint(gateway, creds);
});

const NDJSON = { 'content-type': 'application/x-ndjson' };

async function batch(commands, choice = {}) {
  const body = commands.map((command) => (typeof command === 'string' ? command : JSON.stringify(command))).join('\n');
  const answer = await post(gateway, choice.key ?? key, `batch${choice.query ?? ''}`, body, { ...choice, headers: { ...NDJSON, ...choice.headers } });
  const lines = answer.headers.get('content-type') === 'application/x-ndjson' ? answer.text.trim().split('\n').map((line) => JSON.parse(line)) : null;
  return { ...answer, lines };
}

const create = (fields) => ({ command: 'orders.create', body: order(fields) });
const requests = async (filter) => (await must(gateway, creds.api_key, 'core.rpc_list_integration_requests', { p_key_id: key.key_id, ...filter })).requests;

test('an order is made, paid, refunded and cancelled in one batch, in its order', async () => {
  const answer = await batch([
    create({ external_id: 'B-1' }),
    { command: 'payments.create', order: 'external:B-1', body: { external_id: 'BP-1', amount: '20.00' } },
    { command: 'refunds.create', payment: 'external:BP-1', body: { external_id: 'BR-1', amount: '5.00' } },
    { command: 'orders.cancel', order: 'external:B-1', body: { reason: 'Changed their mind' } },
    { command: 'clients.upsert', body: { email: 'b@example.com' } },
  ]);
  assert.equal(answer.status, 200, answer.text);
  assert.deepEqual(answer.lines.map((line) => [line.line, line.status, line.replayed]), [[1, 201, false], [2, 201, false], [3, 201, false], [4, 200, false], [5, 201, false]]);
  const [made, , , cancelled] = answer.lines;
  assert.equal(made.body.status, 'pending');
  assert.deepEqual([cancelled.body.status, cancelled.body.paid_total, cancelled.body.refunded_total], ['cancelled', '20.00', '5.00']);
  const read = await send(gateway, { method: 'GET', path: `/v1/orders/${made.body.id}`, headers: { authorization: `Bearer ${creds.api_key}` } });
  assert.deepEqual(read.body, cancelled.body);
});

test('each line has its own outcome, error, request id and log entry', async () => {
  const answer = await batch(['{"command"', create({ external_id: 'B-2' }), create({ external_id: 'B-3', total: '1.00' }), { command: 'orders.cancel', order: 'external:nobody', body: { reason: 'x' } }, '', { command: 'orders.delete', body: {} }]);
  assert.deepEqual(
    answer.lines.map((line) => [line.line, line.status, line.body.code]),
    [[1, 400, 'invalid_json'], [2, 201, undefined], [3, 422, 'validation_failed'], [4, 404, 'not_found'], [6, 422, 'validation_failed']],
  );
  for (const line of answer.lines) {
    assert.match(line.request_id, /^req_/);
    if (line.body.request_id) assert.equal(line.body.request_id, line.request_id);
  }
  const log = await requests({ p_limit: 6 });
  const batchRow = log.find((row) => row.id === answer.headers.get('x-request-id'));
  assert.equal(batchRow.detail, '5 commands, 4 of them turned down.');
  for (const line of answer.lines) {
    const row = log.find((entry) => entry.id === line.request_id);
    assert.equal(row.status, line.status);
    assert.ok(row.detail.startsWith(`Line ${line.line} of ${batchRow.id}.`), row.detail);
  }
  assert.equal((await requests({ p_external_id: 'B-2' }))[0].id, answer.lines[1].request_id);
});

test('a hundred lines cost two requests of objects; none or more than a hundred are turned down', async () => {
  const lines = Array.from({ length: 100 }, (_, n) => create({ external_id: `H-${n}` }));
  const cost = await gateway.cost(async () => {
    const answer = await batch(lines);
    assert.deepEqual(statuses(answer.lines), { 201: 100 });
  });
  assert.equal(cost.KeyGate.fetches + cost.StoreLedger.fetches, 2, JSON.stringify(cost));
  const again = await batch(lines);
  assert.deepEqual(statuses(again.lines), { 200: 100 });
  assertProblem(await batch([...lines, create()]), 422, 'validation_failed', [['', 'too_many']]);
  assertProblem(await batch(['', ' ']), 422, 'validation_failed', [['', 'required']]);
  assertProblem(await batch([create()], { headers: { 'content-type': 'application/json' } }), 415, 'unsupported_media_type');
});

test('each line takes one unit, and those beyond the limit are told so', async () => {
  const slow = await mint(gateway, creds, { p_rate_limit_per_minute: 3 });
  const answer = await batch([1, 2, 3, 4, 5].map((n) => create({ external_id: `L-${n}` })), { key: slow });
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.lines.map((line) => line.status), [201, 201, 201, 429, 429]);
  assert.equal(answer.lines[3].body.code, 'rate_limited');
  assertProblem(await batch([create()], { key: slow }), 429, 'rate_limited');
  await gateway.evict();
  assertProblem(await batch([create()], { key: slow }), 429, 'rate_limited');
});

test('a line has its own scope and its own Idempotency-Key', async () => {
  const writer = await mint(gateway, creds, { p_scopes: ['orders:write'] });
  const lines = [
    { ...create({ external_id: undefined }), idempotency_key: 'batch-1' },
    { command: 'clients.upsert', body: { external_id: 'c' } },
    create({ external_id: undefined }),
  ];
  const first = await batch(lines, { key: writer });
  assert.deepEqual(first.lines.map((line) => [line.status, line.replayed]), [[201, false], [403, false], [422, false]]);
  const again = await batch(lines, { key: writer });
  assert.deepEqual([again.lines[0].status, again.lines[0].replayed], [201, true]);
  assert.deepEqual(again.lines[0].body, first.lines[0].body);
  const reused = await batch([{ ...create({ external_id: undefined, total: '1.00' }), idempotency_key: 'batch-1' }], { key: writer });
  assert.equal(reused.lines[0].body.code, 'idempotency_key_reused', 'idempotency looks before the body does');
});

test('one wrong signature turns the whole batch down, and a ledger that fails is told per line', async () => {
  assertProblem(await batch([create()], { sign: () => ({ 'x-pck-signature': `sha256=${'0'.repeat(64)}` }) }), 401, 'signature_invalid');
  const lines = [create({ external_id: 'F-1' }), { command: 'orders.create', body: {} }, create({ external_id: 'F-2' })];
  const failed = await batch(lines, { headers: { 'x-tidegate-fault': 'ledger_error' } });
  assert.deepEqual(failed.lines.map((line) => [line.status, line.body.code]), [[503, 'store_unavailable'], [422, 'validation_failed'], [503, 'store_unavailable']]);
  const again = await batch(lines);
  assert.deepEqual(again.lines.map((line) => line.status), [201, 422, 201]);
});
