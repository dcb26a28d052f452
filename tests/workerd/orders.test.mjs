/** `POST /integrations/v1/orders`: what is accepted, and once. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { before, test } from 'node:test';
import { assertProblem, assertQuota, mint, order, postOrder, send, setup, useGateway } from './support/gateway.mjs';

const gateway = await useGateway();
let creds;
let key;

before(async () => {
  creds = await setup(gateway);
  key = await mint(gateway, creds);
});

/** How many orders the store holds under an external id. */
async function stored(externalId) {
  const path = `/v1/orders?external_id=${encodeURIComponent(externalId)}`;
  const page = await send(gateway, { method: 'GET', path, headers: { authorization: `Bearer ${creds.api_key}` } });
  assert.equal(page.status, 200, page.text);
  return page.body.orders.length;
}

/** The number of orders in the store. */
async function orderCount() {
  return (await gateway.sql('StoreLedger', creds.store_id, 'SELECT count(*) AS n FROM orders'))[0].n;
}

test('the least order is answered 201 with every field of an order', async () => {
  const sent = order({ external_id: 'A-1' });
  const answer = await postOrder(gateway, key, sent);
  assert.equal(answer.status, 201, answer.text);
  assert.equal(answer.headers.get('content-type'), 'application/json');
  assert.match(answer.headers.get('x-request-id'), /^req_[a-z2-7]{31}$/);
  assertQuota(answer, 6000);
  const { id, created_at: createdAt, ...rest } = answer.body;
  assert.match(id, /^ord_[a-z2-7]+$/);
  assert.ok(Math.abs(Date.parse(createdAt) - Date.now()) < 60_000);
  assert.deepEqual(rest, {
    external_id: 'A-1',
    number: null,
    status: 'pending',
    source: 'custom',
    key_id: key.key_id,
    created_by: { kind: 'integration_key', id: key.key_id },
    currency: 'USD',
    placed_at: createdAt,
    client: null,
    billing_address: null,
    shipping_address: null,
    lines: [
      {
        external_id: null,
        sku: null,
        name: 'Thing',
        quantity: 2,
        unit_price: '10.00',
        discount: '0.00',
        tax: '0.00',
        total: '20.00',
      },
    ],
    subtotal: '20.00',
    discount_total: '0.00',
    shipping_total: '0.00',
    fee_total: '0.00',
    tax_total: '0.00',
    total: '20.00',
    paid_total: '0.00',
    refunded_total: '0.00',
    payments: [],
    refunds: [],
    cancelled_at: null,
    cancel_reason: null,
    note: null,
    metadata: {},
    updated_at: createdAt,
  });
});

test('a whole order comes back as it was sent', async () => {
  const sent = {
    external_id: 'whole',
    number: '1002',
    status: 'processing',
    currency: 'EUR',
    placed_at: '2026-11-01T10:00:00+01:00',
    client: { external_id: 'c-1', email: 'zoe@example.com', name: 'Zoë 🚪', phone: '+1 555 0100' },
    billing_address: {
      name: 'Zoë',
      company: 'Acme',
      line1: '969 Market',
      line2: 'Floor 2',
      city: 'New York',
      region: 'NY',
      postal_code: '10001',
      country: 'US',
      phone: '1',
    },
    shipping_address: { line1: 'Rue 1', country: 'FR' },
    lines: [
      {
        external_id: '1',
        sku: 'BPC',
        name: 'Vial',
        quantity: 3,
        unit_price: 49.99,
        discount: '15.01',
        tax: '11.98',
        total: '134.96',
      },
      { name: 'By weight', quantity: '0.5', unit_price: '10.01' },
    ],
    subtotal: '154.98',
    discount_total: '20.01',
    shipping_total: '9.95',
    fee_total: '2.50',
    tax_total: '13.08',
    total: '160.50',
    note: 'Leave at the\ndoor',
    metadata: { gift: true, nested: { list: [1, null, 'x'] } },
  };
  const { status, body, text } = await postOrder(gateway, key, sent);
  assert.equal(status, 201, text);
  for (const field of [
    'external_id',
    'number',
    'status',
    'currency',
    'note',
    'metadata',
    'billing_address',
    'shipping_address',
  ])
    assert.deepEqual(body[field], sent[field], field);
  assert.equal(Date.parse(body.placed_at), Date.parse(sent.placed_at));
  const { id: clientId, ...client } = body.client;
  assert.match(clientId, /^cli_/);
  assert.deepEqual(client, sent.client);
  const totals = ['subtotal', 'discount_total', 'shipping_total', 'fee_total', 'tax_total', 'total'];
  for (const field of totals) assert.equal(body[field], sent[field], field);
  assert.deepEqual(
    body.lines.map((line) => [line.quantity, line.unit_price, line.discount, line.tax, line.total]),
    [
      [3, '49.99', '15.01', '11.98', '134.96'],
      [0.5, '10.01', '0.00', '0.00', '5.01'],
    ],
  );
});

test('the same external_id and content again is answered 200 with the same order', async () => {
  const sent = order();
  const first = await postOrder(gateway, key, sent);
  // Other spelling, same meaning: the command is what counts, not its bytes.
  const respelt = {
    lines: [{ unit_price: 10, quantity: '2.0', name: 'Thing' }],
    total: 20,
    currency: 'USD',
    external_id: sent.external_id,
  };
  for (const again of [sent, respelt]) {
    const second = await postOrder(gateway, key, again);
    assert.equal(second.status, 200, second.text);
    assert.deepEqual(second.body, first.body);
    assert.equal(second.headers.get('idempotency-replayed'), null);
  }
  assert.equal(await stored(sent.external_id), 1);
});

test('the same external_id with other content is a 409 that names the order, which stays as it was', async () => {
  const sent = order();
  const first = await postOrder(gateway, key, sent);
  const conflict = await postOrder(gateway, key, { ...sent, note: 'changed' });
  assertProblem(conflict, 409, 'external_id_conflict');
  assert.equal(conflict.body.conflicting_id, first.body.id);
  assertQuota(conflict, 6000);
  const again = await postOrder(gateway, key, sent);
  assert.deepEqual([again.status, again.body], [200, first.body]);
});

test('a request repeated under its Idempotency-Key gets the first answer again, byte for byte', async () => {
  const sent = order();
  const idempotencyKey = randomUUID();
  const first = await postOrder(gateway, key, sent, { idempotencyKey });
  assert.equal(first.status, 201);
  assert.equal(first.headers.get('idempotency-replayed'), null);
  for (const spelling of [idempotencyKey, `"${idempotencyKey}"`]) {
    const again = await postOrder(gateway, key, sent, { idempotencyKey: spelling });
    assert.deepEqual([again.status, again.text], [201, first.text]);
    assert.equal(again.headers.get('idempotency-replayed'), 'true');
    assertQuota(again, 6000);
  }
  assert.equal(await stored(sent.external_id), 1);
});

test('an Idempotency-Key used for another request is a 422, whatever is wrong with that request', async () => {
  const sent = order();
  const idempotencyKey = randomUUID();
  await postOrder(gateway, key, sent, { idempotencyKey });
  const before = await orderCount();
  for (const other of [order(), { ...sent, note: 'x' }, JSON.stringify(sent, null, 1), {}, 'not json'])
    assertProblem(await postOrder(gateway, key, other, { idempotencyKey }), 422, 'idempotency_key_reused');
  assert.equal(await orderCount(), before);
});

test('an order needs no external_id where it has an Idempotency-Key', async () => {
  const sent = order({ external_id: undefined });
  const idempotencyKey = randomUUID();
  const before = await orderCount();
  const first = await postOrder(gateway, key, sent, { idempotencyKey });
  assert.deepEqual([first.status, first.body.external_id], [201, null]);
  const again = await postOrder(gateway, key, sent, { idempotencyKey });
  assert.deepEqual([again.status, again.text], [201, first.text]);
  const other = await postOrder(gateway, key, sent, { idempotencyKey: randomUUID() });
  assert.equal(other.status, 201);
  assert.notEqual(other.body.id, first.body.id);
  assert.equal(await orderCount(), before + 2);
});

test('an order with neither external_id nor Idempotency-Key is a 422 that says so', async () => {
  const answer = await postOrder(gateway, key, order({ external_id: undefined }));
  assertProblem(answer, 422, 'validation_failed', [['/external_id', 'required']]);
  assert.match(answer.body.detail, /Idempotency-Key/);
});

test('a 409 is remembered: repeated, it is the same body, even once the cause is gone', async () => {
  const sent = order();
  await postOrder(gateway, key, sent);
  const idempotencyKey = randomUUID();
  const other = { ...sent, note: 'other' };
  const first = await postOrder(gateway, key, other, { idempotencyKey });
  assertProblem(first, 409, 'external_id_conflict');
  assert.equal(first.headers.get('idempotency-replayed'), null);
  const again = await postOrder(gateway, key, other, { idempotencyKey });
  assert.deepEqual([again.status, again.text], [409, first.text]);
  assert.equal(again.headers.get('idempotency-replayed'), 'true');
  assertProblem(again, 409, 'external_id_conflict');
});

test('an answer that may change is not remembered: after a 422 the mended request runs under the same key', async () => {
  const idempotencyKey = randomUUID();
  const sent = order();
  assertProblem(await postOrder(gateway, key, { ...sent, total: '1' }, { idempotencyKey }), 422, 'validation_failed', [
    ['/total', 'total_mismatch'],
  ]);
  const mended = await postOrder(gateway, key, sent, { idempotencyKey });
  assert.equal(mended.status, 201, mended.text);
});

test('whoami says what the key is, may do, and has left of its limit', async () => {
  const limited = await mint(gateway, creds, {
    p_name: 'Limited',
    p_rate_limit_per_minute: 3,
    p_scopes: ['orders:write'],
    p_expires_in_days: 30,
  });
  const path = '/integrations/v1/whoami';
  const headers = { authorization: `Bearer ${limited.api_key}` };
  const first = await send(gateway, { method: 'GET', path, headers });
  assert.equal(first.status, 200, first.text);
  const { created_at: createdAt, expires_at: expiresAt, preview, ...rest } = first.body;
  assert.equal(Date.parse(expiresAt) - Date.parse(createdAt), 30 * 86_400_000);
  assert.equal(preview, limited.api_key.slice(0, 12));
  assert.ok(rest.rate_limit.reset_seconds > 0 && rest.rate_limit.reset_seconds <= 60);
  delete rest.rate_limit.reset_seconds;
  assert.deepEqual(rest, {
    key_id: limited.key_id,
    name: 'Limited',
    workspace_id: creds.workspace_id,
    store_id: creds.store_id,
    source: 'custom',
    payload_format: 'peptideclients',
    scopes: ['orders:write'],
    require_signature: true,
    awaiting_secret: false,
    status: 'active',
    rate_limit: { per_minute: 3, remaining: 2 },
  });
  assertQuota(first, 3);
  assert.ok(!first.text.includes(limited.signing_secret) && !first.text.includes(limited.api_key));
  const head = await send(gateway, { method: 'HEAD', path, headers });
  assert.deepEqual([head.status, head.text], [200, '']);
  await send(gateway, { method: 'GET', path, headers });
  const fourth = await send(gateway, { method: 'GET', path, headers });
  assertProblem(fourth, 429, 'rate_limited');
});
