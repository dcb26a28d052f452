/** A key id is public: what shows no more than that is limited by address before it reaches the key. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { assertProblem, mint, send, setup, signWooCommerce, useGateway } from './support/gateway.mjs';

const LIMIT = 5;
const BODY = '{"id":1}';

const gateway = await useGateway({ rateLimits: { WEBHOOK_LIMITER: LIMIT } });
let key;

before(async () => {
  key = await mint(gateway, await setup(gateway), {
    p_source: 'woocommerce',
    p_payload_format: 'woocommerce',
    p_scopes: ['orders:write'],
  });
});

function deliver(headers) {
  return send(gateway, {
    method: 'POST',
    path: `/integrations/v1/webhook/woocommerce/${key.key_id}`,
    headers: { 'content-type': 'application/json', 'x-wc-webhook-topic': 'product.updated', ...headers },
    body: BODY,
  });
}

test('a flood of requests with only a key id stops before the key, and the key itself still gets in', async () => {
  await gateway.nextMinute();
  const flood = await gateway.cost(async () => {
    const answers = [];
    for (let sent = 0; sent < LIMIT + 3; sent++) answers.push(await deliver({}));
    answers.slice(0, LIMIT).forEach((answer) => assertProblem(answer, 401, 'signature_missing'));
    for (const answer of answers.slice(LIMIT)) {
      assertProblem(answer, 429, 'rate_limited');
      assert.ok(Number(answer.headers.get('retry-after')) > 0);
    }
  });
  assert.equal(flood.KeyGate.fetches, LIMIT);
  assert.equal(flood.d1.queries, 0);
  const signed = signWooCommerce(key.signing_secret, BODY);
  const byKey = await deliver({ ...signed, authorization: `Bearer ${key.api_key}` });
  assert.equal(byKey.status, 200, byKey.text);
});
