/** Forms and flat JSON, as Zapier and Make send them, on orders and clients. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { assertProblem, mint, post, setup, useGateway } from './support/gateway.mjs';

const gateway = await useGateway();
let creds;
let key;

before(async () => {
  creds = await setup(gateway);
  key = await mint(gateway, creds, { p_source: 'zapier' });
});

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

const fields = (id) => ({
  external_id: id,
  currency: 'USD',
  total: '21.50',
  shipping_total: '1.50',
  note: '',
  'client[email]': 'zoe@example.com',
  'client[phone]': '',
  'lines[0][name]': 'Thing & more',
  'lines[0][sku]': '',
  'lines[0][quantity]': '2',
  'lines[0][unit_price]': '5.00',
  'lines[1][name]': 'Other',
  'lines[1][quantity]': '1',
  'lines[1][unit_price]': '10',
  'metadata[zap]': '7',
});

test('a form, flat JSON and nested JSON make the same order', async () => {
  const form = await post(gateway, key, 'orders', new URLSearchParams(fields('Z-1')).toString(), { headers: FORM });
  assert.equal(form.status, 201, form.text);
  assert.deepEqual(form.body.lines.map((line) => [line.name, line.quantity, line.total]), [['Thing & more', 2, '10.00'], ['Other', 1, '10.00']]);
  assert.deepEqual([form.body.total, form.body.client.email, form.body.metadata], ['21.50', 'zoe@example.com', { zap: '7' }]);
  const flat = await post(gateway, key, 'orders', fields('Z-1'));
  assert.equal(flat.status, 200, 'the same command: ' + flat.text);
  const nested = await post(gateway, key, 'orders', {
    external_id: 'Z-1',
    currency: 'USD',
    total: '21.50',
    shipping_total: '1.50',
    client: { email: 'zoe@example.com' },
    lines: [{ name: 'Thing & more', quantity: 2, unit_price: '5.00' }, { name: 'Other', quantity: 1, unit_price: 10 }],
    metadata: { zap: '7' },
  });
  assert.equal(nested.status, 200, nested.text);
  assert.deepEqual(nested.body, form.body);
});

test('an error names the nested field', async () => {
  const bad = new URLSearchParams({ ...fields('Z-2'), 'lines[1][quantity]': 'two' }).toString();
  assertProblem(await post(gateway, key, 'orders', bad, { headers: FORM }), 422, 'validation_failed', [['/lines/1/quantity', 'invalid_quantity']]);
  const twice = `${new URLSearchParams(fields('Z-3'))}&total=1`;
  assertProblem(await post(gateway, key, 'orders', twice, { headers: FORM }), 422, 'validation_failed', [['/total', 'invalid_path']]);
  const gap = new URLSearchParams({ external_id: 'Z-4', currency: 'USD', total: '1', 'lines[1][name]': 'x' }).toString();
  const answer = await post(gateway, key, 'orders', gap, { headers: FORM });
  assertProblem(answer, 422, 'validation_failed', [['/lines', 'invalid_type']]);
});

test('a client may come as a form, a payment may not', async () => {
  const client = await post(gateway, key, 'clients', 'email=form%40example.com&name=Form', { method: 'PUT', headers: FORM });
  assert.deepEqual([client.status, client.body.name], [201, 'Form'], client.text);
  const answer = await post(gateway, key, 'orders/external:Z-1/payments', 'amount=1&external_id=p', { headers: FORM });
  assertProblem(answer, 415, 'unsupported_media_type');
});

test('a body that is no UTF-8 is turned down', async () => {
  const answer = await post(gateway, key, 'orders', Buffer.from([0x61, 0x3d, 0xff]), { headers: FORM });
  assertProblem(answer, 400, 'invalid_json');
});
