/** Payments and refunds of the integration API: never more than is owed, never more than was paid. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { before, test } from 'node:test';
import { assertProblem, mint, order, post, postOrder, send, setup, useGateway } from './support/gateway.mjs';

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

async function read(id) {
  const answer = await send(gateway, { method: 'GET', path: `/v1/orders/${id}`, headers: { authorization: `Bearer ${creds.api_key}` } });
  assert.equal(answer.status, 200, answer.text);
  return answer.body;
}

const pay = (id, body, choice) => post(gateway, choice?.key ?? key, `orders/${id}/payments`, { external_id: randomUUID(), ...body }, choice);
const refund = (id, body, choice) => post(gateway, choice?.key ?? key, `payments/${id}/refunds`, { external_id: randomUUID(), ...body }, choice);

const codes = (answer) => answer.body.errors.map((error) => [error.pointer, error.code]);

test('a payment is answered with every field and moves a pending order on once all is paid', async () => {
  const { id } = await created();
  const part = await pay(id, { external_id: 'p-1', amount: '5', method: 'card', paid_at: '2026-11-20T10:00:00Z', currency: 'USD' });
  assert.equal(part.status, 201, part.text);
  const { id: paymentId, created_at: createdAt, ...rest } = part.body;
  assert.match(paymentId, /^pay_[a-z2-7]+$/);
  assert.ok(Math.abs(Date.parse(createdAt) - Date.now()) < 60_000);
  assert.deepEqual(rest, {
    order_id: id,
    external_id: 'p-1',
    method: 'card',
    amount: '5.00',
    currency: 'USD',
    status: 'completed',
    paid_at: '2026-11-20T10:00:00.000Z',
    refunded_total: '0.00',
    refunds: [],
    source: 'custom',
    key_id: key.key_id,
    created_by: { kind: 'integration_key', id: key.key_id },
  });
  let now = await read(id);
  assert.deepEqual([now.status, now.paid_total], ['pending', '5.00']);
  const others = await pay(id, { amount: 15 });
  assert.equal(others.status, 201, others.text);
  now = await read(id);
  assert.deepEqual([now.status, now.paid_total, now.payments.length], ['processing', '20.00', 2]);
});

test('no more is taken than is outstanding, nor less than something', async () => {
  const { id } = await created();
  assertProblem(await pay(id, { amount: '20.01' }), 422, 'validation_failed', [['/amount', 'exceeds_outstanding']]);
  for (const [amount, code] of [['0', 'not_positive'], ['-1', 'not_positive'], ['1.001', 'invalid_amount'], ['ten', 'invalid_amount'], [null, 'required']]) {
    assert.deepEqual(codes(await pay(id, { amount })), [['/amount', code]], String(amount));
  }
  assert.deepEqual(codes(await pay(id, { amount: '1', currency: 'EUR' })), [['/currency', 'currency_mismatch']]);
  assert.equal((await pay(id, { amount: '20.00' })).status, 201);
  assert.deepEqual(codes(await pay(id, { amount: '0.01' })), [['/amount', 'exceeds_outstanding']]);
});

test('twenty payments at once take no more than is owed', async () => {
  const { id } = await created();
  const answers = await Promise.all(Array.from({ length: 20 }, () => pay(id, { amount: '3.00' })));
  assert.equal(answers.filter((answer) => answer.status === 201).length, 6);
  assert.equal((await read(id)).paid_total, '18.00');
});

test('a payment is recorded once: by its external id, by its Idempotency-Key, and it needs one of them', async () => {
  const { id } = await created();
  const body = { external_id: 'twice', amount: '20.00' };
  const first = await pay(id, body);
  const again = await pay(id, { ...body, amount: 20 });
  assert.equal(again.status, 200, again.text);
  assert.deepEqual(again.body, first.body);
  const other = await pay(id, { ...body, amount: '19.00' });
  assertProblem(other, 409, 'external_id_conflict');
  assert.equal(other.body.conflicting_id, first.body.id);
  const neither = await pay(id, { external_id: undefined, amount: '1' });
  assert.deepEqual(codes(neither), [['/external_id', 'required']]);

  const second = await created();
  const keyed = { external_id: undefined, amount: '7.00' };
  const one = await pay(second.id, keyed, { idempotencyKey: 'pay-1' });
  assert.equal(one.status, 201, one.text);
  const two = await pay(second.id, keyed, { idempotencyKey: 'pay-1' });
  assert.equal(two.headers.get('idempotency-replayed'), 'true');
  assert.deepEqual(two.body, one.body);
  assert.equal((await read(second.id)).paid_total, '7.00');
});

test('what is cancelled takes no payment', async () => {
  const { id } = await created();
  await post(gateway, key, `orders/${id}/cancel`, { reason: 'x' });
  const answer = await pay(id, { amount: '1' });
  assertProblem(answer, 409, 'invalid_state');
  assert.deepEqual([answer.body.current_state, answer.body.wanted_state], ['cancelled', 'processing']);
});

test('partial refunds add up to what was paid and no further; then the order is refunded', async () => {
  const { id } = await created();
  const { body: payment } = await pay(id, { external_id: 'p-2', amount: '20.00' });
  const first = await refund(payment.id, { external_id: 'r-1', amount: '5.50', reason: 'One broke' });
  assert.equal(first.status, 201, first.text);
  const { id: refundId, created_at: _, ...rest } = first.body;
  assert.match(refundId, /^ref_[a-z2-7]+$/);
  assert.deepEqual(rest, {
    payment_id: payment.id,
    order_id: id,
    external_id: 'r-1',
    amount: '5.50',
    currency: 'USD',
    reason: 'One broke',
    status: 'completed',
    source: 'custom',
    key_id: key.key_id,
    created_by: { kind: 'integration_key', id: key.key_id },
  });
  let now = await read(id);
  assert.deepEqual([now.status, now.refunded_total, now.payments[0].refunded_total], ['processing', '5.50', '5.50']);
  assert.deepEqual(codes(await refund(payment.id, { amount: '14.51' })), [['/amount', 'exceeds_paid']]);
  const rest2 = await refund('external:p-2', {});
  assert.equal(rest2.status, 201, rest2.text);
  assert.equal(rest2.body.amount, '14.50', 'without an amount, all that is left');
  now = await read(id);
  assert.deepEqual([now.status, now.paid_total, now.refunded_total, now.refunds.length], ['refunded', '20.00', '20.00', 2]);
  const more = await refund(payment.id, { amount: '0.01' });
  assertProblem(more, 409, 'invalid_state');
  assert.deepEqual([more.body.current_state, more.body.wanted_state], ['refunded', 'refunded']);
  const repeated = await refund(payment.id, { external_id: 'r-1', amount: '5.5', reason: 'One broke' });
  assert.equal(repeated.status, 200, 'the same refund once more, though nothing is left');
  assert.equal(repeated.body.id, refundId);
  assertProblem(await refund(payment.id, { external_id: 'r-1', amount: '6' }), 409, 'external_id_conflict');
});

test('twenty refunds at once give back no more than was paid', async () => {
  const { id } = await created();
  const { body: payment } = await pay(id, { amount: '20.00' });
  const answers = await Promise.all(Array.from({ length: 20 }, () => refund(payment.id, { amount: '3.00' })));
  assert.equal(answers.filter((answer) => answer.status === 201).length, 6);
  assert.equal((await read(id)).refunded_total, '18.00');
});

test('each needs its own scope, and what it is about must exist', async () => {
  const { id } = await created();
  const { body: payment } = await pay(id, { amount: '20.00' });
  const payer = await mint(gateway, creds, { p_scopes: ['payments:write'] });
  assertProblem(await refund(payment.id, {}, { key: payer }), 403, 'insufficient_scope');
  const refunder = await mint(gateway, creds, { p_scopes: ['payments:refund'] });
  assertProblem(await pay(id, { amount: '1' }, { key: refunder }), 403, 'insufficient_scope');
  assertProblem(await refund('pay_a', {}), 404, 'not_found');
  assertProblem(await refund(id, {}), 404, 'not_found');
  assertProblem(await pay(payment.id, { amount: '1' }), 404, 'not_found');
  assertProblem(await pay('external:nobody', { amount: '1' }), 404, 'not_found');
  assert.equal((await refund(payment.id, {}, { key: refunder })).status, 201);
});

test('a payment costs two requests of objects, no query of D1, and a row for each of its facts', async () => {
  const { id } = await created();
  // The week and the day of the first request are open by now.
  await pay(id, { amount: '1.00' }, { idempotencyKey: randomUUID() });
  const cost = await gateway.cost(() => pay(id, { amount: '1.00' }, { idempotencyKey: randomUUID() }));
  assert.equal(cost.d1.rows_read + cost.d1.rows_written, 0);
  // The payment, its place among those of its order, its external id, the order, its change number,
  // the answer.
  assert.equal(cost.StoreLedger.rows_written, 6, JSON.stringify(cost));
});
