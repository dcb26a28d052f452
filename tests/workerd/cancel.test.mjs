/** `POST /integrations/v1/orders/{order}/cancel`: what may be cancelled, and how an order is named. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { assertProblem, createStore, mint, must, order, post, postOrder, send, setup, useGateway } from './support/gateway.mjs';

const gateway = await useGateway();
let creds;
let key;

before(async () => {
  creds = await setup(gateway);
  key = await mint(gateway, creds);
});

async function created(fields) {
  const answer = await postOrder(gateway, key, order(fields));
  assert.equal(answer.status, 201, answer.text);
  return answer.body;
}

const cancel = (id, body = { reason: 'Out of stock' }, choice) =>
  post(gateway, choice?.key ?? key, `orders/${id}/cancel`, body, choice);

test('an order is cancelled once, with its reason and time, and again with the same answer', async () => {
  const { id } = await created({ status: 'processing' });
  const first = await cancel(id);
  assert.equal(first.status, 200, first.text);
  assert.equal(first.body.status, 'cancelled');
  assert.equal(first.body.cancel_reason, 'Out of stock');
  assert.ok(Math.abs(Date.parse(first.body.cancelled_at) - Date.now()) < 60_000);
  const again = await cancel(id);
  assert.deepEqual(again.body, first.body);
  const read = await send(gateway, { method: 'GET', path: `/v1/orders/${id}`, headers: { authorization: `Bearer ${creds.api_key}` } });
  assert.deepEqual(read.body, first.body);
  const log = await must(gateway, creds.api_key, 'core.rpc_list_integration_requests', { p_key_id: key.key_id, p_limit: 2 });
  assert.deepEqual(log.requests.map((r) => [r.outcome, r.internal_id, r.path]), [
    ['duplicate', id, `/integrations/v1/orders/${id}/cancel`],
    ['accepted', id, `/integrations/v1/orders/${id}/cancel`],
  ]);
});

test('an order is named by its external id, percent-encoded, within the namespace of the key', async () => {
  const { id } = await created({ external_id: 'Größe 1/2' });
  const answer = await cancel(`external:${encodeURIComponent('Größe 1/2')}`);
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.body.id, id);
  const other = await mint(gateway, creds);
  await assertProblem(await cancel(`external:${encodeURIComponent('Größe 1/2')}`, undefined, { key: other }), 404, 'not_found');
  const byId = await created({});
  assert.equal((await cancel(byId.id, undefined, { key: other })).status, 200, 'our id names it for every key of the store');
});

test('a forbidden transition is a 409 with both states', async () => {
  for (const status of ['completed', 'refunded', 'cancelled']) {
    const { id } = await created({ status });
    const answer = await cancel(id);
    assertProblem(answer, 409, 'invalid_state');
    assert.equal(answer.body.current_state, status);
    assert.equal(answer.body.wanted_state, 'cancelled');
    assert.match(answer.body.detail, new RegExp(`is ${status}, and from ${status} it cannot become cancelled`));
  }
  const { id } = await created({});
  await cancel(id);
  assertProblem(await cancel(id, { reason: 'Another reason' }), 409, 'invalid_state');
});

test('orders of other stores, of nobody and of other kinds are not found', async () => {
  const store = await createStore(gateway, creds, 'Second');
  const elsewhere = await mint(gateway, creds, { p_store_id: store });
  const foreign = (await postOrder(gateway, elsewhere, order())).body.id;
  for (const id of [foreign, 'ord_aaaa', 'external:nobody', 'external:', 'A-1', 'pay_x', '%FF']) {
    assertProblem(await cancel(id), 404, 'not_found');
  }
});

test('a cancellation needs its scope and a reason, and nothing else', async () => {
  const { id } = await created({});
  const writer = await mint(gateway, creds, { p_scopes: ['orders:write'] });
  assertProblem(await cancel(id, undefined, { key: writer }), 403, 'insufficient_scope');
  assertProblem(await cancel(id, {}), 422, 'validation_failed', [['/reason', 'required']]);
  assertProblem(await cancel(id, { reason: 'x', refund: true }), 422, 'validation_failed', [['/refund', 'unknown_field']]);
  assertProblem(await cancel(id, 'reason=x', { headers: { 'content-type': 'application/x-www-form-urlencoded' } }), 415, 'unsupported_media_type');
});

test('the answer to a creation stays what it was after the order has changed', async () => {
  const sent = order();
  const first = await postOrder(gateway, key, sent, { idempotencyKey: 'creation-1' });
  await cancel(first.body.id);
  const replayed = await postOrder(gateway, key, sent, { idempotencyKey: 'creation-1' });
  assert.equal(replayed.status, 201);
  assert.equal(replayed.headers.get('idempotency-replayed'), 'true');
  assert.deepEqual(replayed.body, first.body);
  const now = await postOrder(gateway, key, sent);
  assert.equal(now.status, 200);
  assert.equal(now.body.status, 'cancelled');
});

test('a remembered 409 is given again, also when the state would allow it by now', async () => {
  const { id } = await created({ status: 'completed' });
  const first = await cancel(id, undefined, { idempotencyKey: 'cancel-1' });
  assertProblem(first, 409, 'invalid_state');
  const again = await cancel(id, undefined, { idempotencyKey: 'cancel-1' });
  assert.equal(again.headers.get('idempotency-replayed'), 'true');
  assert.deepEqual(again.body, first.body);
  assertProblem(await cancel(id, { reason: 'other' }, { idempotencyKey: 'cancel-1' }), 422, 'idempotency_key_reused');
});
