/** `POST /integrations/v1/orders`: every way to be turned down, in the order of the checks. */
import assert from 'node:assert/strict';
import http from 'node:http';
import { before, test } from 'node:test';
import { gateOf, keyId, secretKey } from './support/credentials.mjs';
import {
  assertProblem,
  assertQuota,
  mint,
  must,
  order,
  postOrder,
  postWebhook,
  send,
  setup,
  signBody,
  signedRequest,
  signWooCommerce,
  useGateway,
} from './support/gateway.mjs';

const PATH = '/integrations/v1/orders';
const MIB = 1 << 20;

const gateway = await useGateway();
let creds;
let key;

before(async () => {
  creds = await setup(gateway);
  key = await mint(gateway, creds);
});

/** Posts a signed order with other headers; `undefined` leaves one out. */
function postWith(headers, body = JSON.stringify(order()), choice = {}) {
  const request = signedRequest(choice.key ?? key, choice.path ?? PATH, Buffer.from(body), { ...choice, headers });
  for (const [name, value] of Object.entries(request.headers)) if (value === undefined) delete request.headers[name];
  return send(gateway, request);
}

test('a credential that is missing, malformed, made up or of another kind is a 401 invalid_api_key', async () => {
  const nobodys = secretKey(gateway, 'pck_int_');
  const credentials = {
    'no header': undefined,
    'an empty one': '',
    'no scheme': key.api_key,
    'another scheme': `Basic ${key.api_key}`,
    'no key': 'Bearer ',
    'a key cut short': `Bearer ${key.api_key.slice(0, -1)}`,
    'a key of another tag': `Bearer ${key.api_key.slice(0, -1)}${key.api_key.endsWith('0') ? '1' : '0'}`,
    'a well-formed key that nobody minted': `Bearer ${nobodys.text}`,
    'a key id': `Bearer ${key.key_id}`,
    'a key id that nobody minted': `Bearer ${keyId(gateway, nobodys.hash)}`,
    'an API key': `Bearer ${creds.api_key}`,
    'the signing secret': `Bearer ${key.signing_secret}`,
  };
  for (const [what, authorization] of Object.entries(credentials)) {
    const answer = await postWith({ authorization });
    assertProblem(answer, 401, 'invalid_api_key');
    assert.equal(answer.headers.get('ratelimit'), null, what);
  }
  assert.equal((await postWith({ authorization: `bEaReR ${key.api_key}` })).status, 201);
});

test('a revoked key is a 401 invalid_api_key, a paused one a 403 key_paused until it is resumed', async () => {
  const revoked = await mint(gateway, creds);
  await must(gateway, creds.api_key, 'core.rpc_revoke_integration_key', { p_key_id: revoked.key_id });
  assertProblem(await postOrder(gateway, revoked), 401, 'invalid_api_key');

  const paused = await mint(gateway, creds);
  await must(gateway, creds.api_key, 'core.rpc_pause_integration_key', { p_key_id: paused.key_id });
  assertProblem(await postOrder(gateway, paused), 403, 'key_paused');
  await must(gateway, creds.api_key, 'core.rpc_resume_integration_key', { p_key_id: paused.key_id });
  assert.equal((await postOrder(gateway, paused)).status, 201);
});

test('an expired key is a 401 api_key_expired', async () => {
  const expired = await mint(gateway, creds, { p_expires_in_days: 1 });
  assert.equal((await postOrder(gateway, expired)).status, 201);
  const yesterday = Date.now() - 86_400_000;
  // Written into the statement: a parameter would arrive as a float.
  const expire = `UPDATE record SET json = json_set(json, '$.record.expires_at', ${yesterday})`;
  await gateway.sql('KeyGate', gateOf(expired.key_id), expire);
  await gateway.evict();
  assertProblem(await postOrder(gateway, expired), 401, 'api_key_expired');
});

test('a key without the scope, or for another payload format, is a 403 that says which', async () => {
  const narrow = await mint(gateway, creds, { p_scopes: ['clients:write'] });
  const scope = await postOrder(gateway, narrow);
  assertProblem(scope, 403, 'insufficient_scope');
  assert.match(scope.body.detail, /orders:write/);
  assertQuota(scope, 6000);

  const native = await mint(gateway, creds, { p_source: 'woocommerce', p_payload_format: 'woocommerce' });
  const format = await postOrder(gateway, native);
  assertProblem(format, 403, 'wrong_payload_format');
  assert.match(format.body.detail, /webhook\/woocommerce/);
  assertQuota(format, 6000);
});

test('over the limit is a 429 with Retry-After', async () => {
  const limited = await mint(gateway, creds, { p_rate_limit_per_minute: 1 });
  const first = await postOrder(gateway, limited);
  assert.equal(first.headers.get('ratelimit'), '"key";r=0;t=60');
  const second = await postOrder(gateway, limited);
  assertProblem(second, 429, 'rate_limited');
  assertQuota(second, 1);
  const wait = Number(second.headers.get('retry-after'));
  assert.ok(wait >= 1 && wait <= 60, `retry-after: ${wait}`);
});

test('whoever shows a live key is told its limit, also where the rate was never asked', async () => {
  const limited = await mint(gateway, creds, { p_rate_limit_per_minute: 5, p_expires_in_days: 1 });
  assert.equal((await postOrder(gateway, limited)).status, 201);
  const policy = async (answering, code) => {
    const answer = await answering;
    assert.equal(answer.body.code, code);
    assert.equal(answer.headers.get('ratelimit-policy'), '"key";q=5;w=60', code);
    assert.match(answer.headers.get('ratelimit') ?? '', /^"key";r=4;t=\d+$/, code);
  };
  await policy(postOrder(gateway, limited, order(), { sign: null }), 'signature_missing');
  await policy(
    postOrder(gateway, limited, order(), { sign: (_, body) => signBody('wrong', body) }),
    'signature_invalid',
  );
  await must(gateway, creds.api_key, 'core.rpc_pause_integration_key', { p_key_id: limited.key_id });
  await policy(postOrder(gateway, limited), 'key_paused');
});

test('an authentic webhook is told the limit of its key', async () => {
  const native = await mint(gateway, creds, {
    p_source: 'woocommerce',
    p_payload_format: 'woocommerce',
    p_rate_limit_per_minute: 5,
  });
  const headers = { 'x-wc-webhook-topic': 'product.updated', 'x-wc-webhook-source': 'https://shop.example/' };
  const authentic = await postWebhook(gateway, 'woocommerce', native, '{"id":1}', { sign: signWooCommerce, headers });
  assert.equal(authentic.status, 200, authentic.text);
  assertQuota(authentic, 5);
});

test('a body that is no JSON object is a 400 invalid_json', async () => {
  for (const body of ['', '{', 'null', '[]', '"x"', '1', '{"a":1}x', '\ufeff{}', '['.repeat(20_000)]) {
    const answer = await postWith({}, body);
    assertProblem(answer, 400, 'invalid_json');
    assertQuota(answer, 6000);
  }
  const latin1 = Buffer.from([0x7b, 0x22, 0xe9, 0x22, 0x3a, 0x31, 0x7d]);
  assertProblem(await postWith({}, latin1), 400, 'invalid_json');
});

test('only JSON and forms are read, with or without parameters', async () => {
  for (const type of [
    undefined,
    '',
    'text/plain',
    'multipart/form-data; boundary=x',
    'application/vnd.api+json',
    'json',
  ]) {
    const answer = await postWith({ 'content-type': type });
    assertProblem(answer, 415, 'unsupported_media_type');
    assertQuota(answer, 6000);
  }
  for (const type of ['application/json; charset=utf-8', 'Application/JSON', 'application/json ;x=1'])
    assert.equal((await postWith({ 'content-type': type })).status, 201, type);
});

test('every field that is wrong is named at once, by its JSON Pointer', async () => {
  const answer = await postOrder(gateway, key, {
    external_id: ' A',
    currency: 'usd',
    status: 'shipped',
    placed_at: 'yesterday',
    client: { email: 'zoe', nickname: 'Z' },
    billing_address: { country: 'USA' },
    lines: [{ name: '', quantity: 0 }, 'x'],
    total: true,
    'a/b~c': 1,
  });
  assertProblem(answer, 422, 'validation_failed', [
    ['/external_id', 'invalid_text'],
    ['/currency', 'invalid_currency'],
    ['/status', 'invalid_choice'],
    ['/placed_at', 'invalid_timestamp'],
    ['/client/email', 'invalid_email'],
    ['/client/nickname', 'unknown_field'],
    ['/billing_address/country', 'invalid_country'],
    ['/lines/0/name', 'required'],
    ['/lines/0/quantity', 'invalid_quantity'],
    ['/lines/1', 'invalid_type'],
    ['/total', 'invalid_type'],
    ['/a~1b~0c', 'unknown_field'],
  ]);
  assertQuota(answer, 6000);
});

test('one wrong field is named alone', async () => {
  const cases = [
    [{ total: undefined }, '/total', 'required'],
    [{ lines: [] }, '/lines', 'required'],
    [{ lines: Array(1001).fill({ name: 'T', quantity: 1, unit_price: 0 }) }, '/lines', 'too_many'],
    [{ external_id: 'A'.repeat(256) }, '/external_id', 'too_long'],
    [{ external_id: '' }, '/external_id', 'empty'],
    [{ external_id: 15 }, '/external_id', 'invalid_type'],
    [{ placed_at: '2199-01-01T00:00:00Z' }, '/placed_at', 'out_of_range'],
    [{ metadata: { k: 'x'.repeat(17_000) } }, '/metadata', 'too_long'],
    [{ subtotal: '1.00' }, '/subtotal', 'total_mismatch'],
    [{ note: 'a\u0000b' }, '/note', 'invalid_text'],
    [{ exernal_id: 'A-1' }, '/exernal_id', 'unknown_field'],
  ];
  for (const [fields, pointer, code] of cases)
    assertProblem(await postOrder(gateway, key, order(fields)), 422, 'validation_failed', [[pointer, code]]);
});

test('an Idempotency-Key that is none is a 400', async () => {
  for (const idempotencyKey of ['""', '"a', 'a b', '"a"b"', 'a'.repeat(256), 'caf\u00e9']) {
    const answer = await postWith({ 'idempotency-key': idempotencyKey });
    assertProblem(answer, 400, 'invalid_idempotency_key');
    assertQuota(answer, 6000);
  }
  assert.equal((await postWith({ 'idempotency-key': 'a'.repeat(255) })).status, 201);
});

test('a query parameter is refused, and a secret key in one with an explanation', async () => {
  const unknown = await postWith({}, undefined, { path: `${PATH}?dry_run=1` });
  assertProblem(unknown, 400, 'invalid_query');
  for (const path of [`${PATH}?key=${key.api_key}`, `${PATH}?a=1&key=${key.api_key}`]) {
    for (const authorization of [`Bearer ${key.api_key}`, undefined]) {
      const answer = await postWith({ authorization }, undefined, { path });
      assertProblem(answer, 400, 'key_in_query');
      assert.match(answer.body.detail, /Authorization: Bearer/);
      assert.ok(!answer.text.includes(key.api_key));
    }
  }
});

test('a body of 1 MiB is read, one byte more is a 413', async () => {
  // Valid JSON of exactly so many bytes.
  const sized = (bytes) => {
    const text = JSON.stringify(order());
    return `${text.slice(0, -1)}${' '.repeat(bytes - text.length)}}`;
  };
  const largest = await postWith({}, sized(MIB));
  assert.equal(largest.status, 201, largest.text);
  for (let turn = 0; turn < 10; turn++) {
    const answer = await exchange(sized(MIB + 1), { chunked: turn % 2 === 1 });
    assertProblem(answer, 413, 'payload_too_large');
  }
  const chunked = await exchange(sized(MIB), { chunked: true });
  assert.equal(chunked.status, 201, chunked.text);
});

test('a body far beyond the limit is answered 413 all the same, with and without its length', async () => {
  for (const mebibytes of [2, 4, 8, 16])
    for (const chunked of [false, true])
      assertProblem(await exchange(Buffer.alloc(mebibytes * MIB, ' '), { chunked }), 413, 'payload_too_large');
});

test('other methods are a 405 with Allow, other paths a 404', async () => {
  for (const method of ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
    const answer = await send(gateway, { method, path: PATH, headers: { authorization: `Bearer ${key.api_key}` } });
    assert.equal(answer.status, 405, method);
    assert.equal(answer.headers.get('allow'), 'POST');
    assert.match(answer.headers.get('x-request-id'), /^req_/);
    if (method !== 'HEAD') assertProblem(answer, 405, 'method_not_allowed');
  }
  for (const path of [
    '/integrations',
    '/integrations/v1',
    `${PATH}/`,
    `${PATH}/x`,
    '/integrations/v2/orders',
    '//integrations/v1/orders',
  ])
    assertProblem(await postWith({}, undefined, { path }), 404, 'not_found');
});

test('no answer can be cached or sniffed', async () => {
  for (const answer of [await postOrder(gateway, key), await postWith({ authorization: undefined })]) {
    assert.equal(answer.headers.get('cache-control'), 'no-store');
    assert.equal(answer.headers.get('x-content-type-options'), 'nosniff');
  }
});

/**
 * Posts a signed body on a connection of its own and reads the answer, also while the body is still
 * being sent. (fetch would report a connection that the server closes before it has the whole body.)
 */
function exchange(body, { chunked }) {
  const headers = {
    authorization: `Bearer ${key.api_key}`,
    'content-type': 'application/json',
    ...signBody(key.signing_secret, body),
    ...(chunked ? { 'transfer-encoding': 'chunked' } : { 'content-length': Buffer.byteLength(body) }),
  };
  return new Promise((resolve, reject) => {
    const request = http.request(gateway.url + PATH, { method: 'POST', agent: false, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk) => (text += chunk));
      response.on('error', reject);
      response.on('end', () => {
        const answer = { status: response.statusCode, headers: new Headers(response.headers), text };
        resolve({ ...answer, body: JSON.parse(text) });
      });
    });
    request.on('error', reject);
    request.end(body);
  });
}
