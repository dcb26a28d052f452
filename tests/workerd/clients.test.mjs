/** `PUT /integrations/v1/clients`: who somebody is, without an order. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { assertProblem, mint, order, post, postOrder, setup, useGateway } from './support/gateway.mjs';

const gateway = await useGateway();
let creds;
let key;

before(async () => {
  creds = await setup(gateway);
  key = await mint(gateway, creds);
});

const put = (body, choice) => post(gateway, choice?.key ?? key, 'clients', body, { method: 'PUT', ...choice });

test('a new client is a 201, the same again a 200, and what is left out stays', async () => {
  const first = await put({ external_id: 'c-1', email: 'Zoe@example.com', name: 'Zoë' });
  assert.equal(first.status, 201, first.text);
  const { id, created_at: createdAt, updated_at: updatedAt, ...rest } = first.body;
  assert.match(id, /^cli_[a-z2-7]+$/);
  assert.equal(createdAt, updatedAt);
  assert.deepEqual(rest, { external_id: 'c-1', email: 'Zoe@example.com', name: 'Zoë', phone: null, created_by: { kind: 'integration_key', id: key.key_id } });
  const again = await put({ external_id: 'c-1' });
  assert.equal(again.status, 200);
  assert.deepEqual(again.body, first.body);
  const more = await put({ external_id: 'c-1', phone: '+1 555' });
  assert.equal(more.status, 200);
  assert.deepEqual({ ...more.body, updated_at: updatedAt }, { ...first.body, phone: '+1 555' });
});

test('somebody is found by the e-mail address in any case, and then has the external id too', async () => {
  const first = await put({ email: 'max@example.com' });
  const second = await put({ external_id: 'c-2', email: 'MAX@example.com', name: 'Max' });
  assert.equal(second.status, 200, second.text);
  assert.equal(second.body.id, first.body.id);
  const ordered = await postOrder(gateway, key, order({ client: { external_id: 'c-2' } }));
  assert.equal(ordered.body.client.id, first.body.id);
});

test('ten at once make one client', async () => {
  const answers = await Promise.all(Array.from({ length: 10 }, () => put({ email: 'ten@example.com' })));
  assert.equal(new Set(answers.map((answer) => answer.body.id)).size, 1);
  assert.deepEqual(answers.map((answer) => answer.status).sort(), [...Array(9).fill(200), 201]);
});

test('a client must be told from others, and every field must be right', async () => {
  assertProblem(await put({ name: 'Nobody' }), 422, 'validation_failed', [['/external_id', 'required']]);
  assertProblem(await put({ email: 'no' }), 422, 'validation_failed', [['/email', 'invalid_email']]);
  assertProblem(await put({ external_id: 'c', age: 3 }), 422, 'validation_failed', [['/age', 'unknown_field']]);
  const writer = await mint(gateway, creds, { p_scopes: ['orders:write'] });
  assertProblem(await put({ external_id: 'c' }, { key: writer }), 403, 'insufficient_scope');
  assertProblem(await post(gateway, key, 'clients', { external_id: 'c' }), 405, 'method_not_allowed');
});

test('an Idempotency-Key gives the first answer again', async () => {
  const first = await put({ external_id: 'c-9' }, { idempotencyKey: 'client-1' });
  const again = await put({ external_id: 'c-9' }, { idempotencyKey: 'client-1' });
  assert.deepEqual([again.status, again.headers.get('idempotency-replayed')], [201, 'true']);
  assert.deepEqual(again.body, first.body);
});
