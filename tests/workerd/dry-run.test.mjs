/** `?dry_run=true`: everything is checked and answered, and nothing is done. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { assertProblem, mint, must, order, post, postOrder, send, setup, useGateway } from './support/gateway.mjs';

const gateway = await useGateway();
let creds;
let key;
let held;
let payment;

const TABLES = ['orders', 'clients', 'payments', 'refunds', 'identities'];

before(async () => {
  creds = await setup(gateway);
  key = await mint(gateway, creds);
  held = (await postOrder(gateway, key, order({ external_id: 'held' }), { idempotencyKey: 'held' })).body;
  payment = (await post(gateway, key, `orders/${held.id}/payments`, { external_id: 'p', amount: '10.00' })).body;
});

async function everything() {
  const tables = (await gateway.sql('StoreLedger', creds.store_id, "SELECT name FROM sqlite_master WHERE name GLOB 'idempotency_*' AND type = 'table'")).map((row) => row.name);
  const rows = {};
  for (const table of [...TABLES, ...tables]) rows[table] = await gateway.sql('StoreLedger', creds.store_id, `SELECT * FROM ${table}`);
  return rows;
}

const dry = (resource, body, choice) => post(gateway, key, `${resource}?dry_run=true`, body, choice);

test('each write answers what it would have answered, and leaves no trace but its log entry', async () => {
  const before = await everything();
  for (const [resource, body, status, check, choice] of [
    ['orders', order({ external_id: 'dry', client: { email: 'dry@example.com' } }), 201, (b) => b.external_id === 'dry' && b.client.id.startsWith('cli_')],
    [`orders/${held.id}/cancel`, { reason: 'x' }, 200, (b) => b.status === 'cancelled'],
    [`orders/${held.id}/payments`, { external_id: 'p2', amount: '10.00' }, 201, (b) => b.amount === '10.00'],
    [`payments/${payment.id}/refunds`, { external_id: 'r' }, 201, (b) => b.amount === '10.00'],
    ['clients', { external_id: 'c' }, 201, (b) => b.external_id === 'c', { method: 'PUT' }],
  ]) {
    const answer = await dry(resource, body, choice);
    assert.equal(answer.status, status, answer.text);
    assert.equal(answer.headers.get('dry-run'), 'true');
    assert.ok(check(answer.body), answer.text);
    const { requests: [logged] } = await must(gateway, creds.api_key, 'core.rpc_list_integration_requests', { p_key_id: key.key_id, p_limit: 1 });
    assert.deepEqual([logged.outcome, logged.status, logged.internal_id], ['dry_run', status, null]);
  }
  assert.deepEqual(await everything(), before);
});

test('a dry run that goes well logs no error', async () => {
  const lines = gateway.output.length;
  assert.equal((await dry('orders', order({ external_id: 'quiet' }))).status, 201);
  assert.equal((await dry('orders', order({ external_id: 'quiet' }))).status, 201);
  assert.deepEqual(gateway.output.slice(lines), []);
});

test('a dry run says what is wrong, like the write itself', async () => {
  assertProblem(await dry('orders', order({ total: '1.00' })), 422, 'validation_failed', [['/total', 'total_mismatch']]);
  assertProblem(await dry('orders', order({ external_id: 'held', total: '10.00', lines: [{ name: 'Other', quantity: 1, unit_price: '10.00' }] })), 409, 'external_id_conflict');
  assertProblem(await dry(`orders/${held.id}/payments`, { external_id: 'p3', amount: '10.01' }), 422, 'validation_failed', [['/amount', 'exceeds_outstanding']]);
  assertProblem(await dry('orders/external:nobody/cancel', { reason: 'x' }), 404, 'not_found');
});

test('a dry run neither reads nor writes an Idempotency-Key', async () => {
  const answer = await dry('orders', order({ external_id: 'fresh' }), { idempotencyKey: 'held' });
  assert.equal(answer.status, 201, 'another request under a used key');
  assert.equal(answer.headers.get('idempotency-replayed'), null);
  const sent = order({ external_id: 'later' });
  await dry('orders', sent, { idempotencyKey: 'unused' });
  const real = await postOrder(gateway, key, sent, { idempotencyKey: 'unused' });
  assert.deepEqual([real.status, real.headers.get('idempotency-replayed')], [201, null]);
});

test('a dry run of the very first order of a store leaves a store that works', async () => {
  const store = (await must(gateway, creds.api_key, 'core.rpc_create_store', { p_name: 'Fresh' })).store_id;
  const fresh = await mint(gateway, creds, { p_store_id: store });
  const first = await post(gateway, fresh, 'orders?dry_run=true', order({ external_id: '1' }));
  assert.equal(first.status, 201, first.text);
  const real = await postOrder(gateway, fresh, order({ external_id: '1' }), { idempotencyKey: 'k' });
  assert.equal(real.status, 201, real.text);
  const read = await send(gateway, { method: 'GET', path: `/v1/orders/${real.body.id}`, headers: { authorization: `Bearer ${creds.api_key}` } });
  assert.deepEqual(read.body, real.body);
});

test('a batch may be a dry run, a line of which sees nothing of the lines before', async () => {
  const lines = [
    { command: 'orders.create', body: order({ external_id: 'dry-batch' }) },
    { command: 'orders.cancel', order: 'external:dry-batch', body: { reason: 'x' } },
  ];
  const answer = await dry('batch', lines.map((line) => JSON.stringify(line)).join('\n'), { headers: { 'content-type': 'application/x-ndjson' } });
  assert.equal(answer.headers.get('dry-run'), 'true');
  assert.deepEqual(answer.text.trim().split('\n').map((line) => JSON.parse(line).status), [201, 404]);
});

test('only true and false are understood', async () => {
  assert.equal((await post(gateway, key, 'orders?dry_run=false', order())).status, 201);
  for (const query of ['dry_run=1', 'dry_run', 'dry_run=true&x=1', 'dryrun=true']) {
    assertProblem(await post(gateway, key, `orders?${query}`, order()), 400, 'invalid_query');
  }
});

test('a dry run takes one unit of the limit', async () => {
  const slow = await mint(gateway, creds, { p_rate_limit_per_minute: 1 });
  assert.equal((await post(gateway, slow, 'orders?dry_run=true', order())).status, 201);
  assertProblem(await post(gateway, slow, 'orders?dry_run=true', order()), 429, 'rate_limited');
});
