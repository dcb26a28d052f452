/** A StoreLedger that fails: API callers are told when to try again, and nothing is lost or doubled. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { before, test } from 'node:test';
import {
  assertProblem,
  assertQuota,
  mint,
  must,
  order,
  postOrder,
  send,
  setup,
  useGateway,
} from './support/gateway.mjs';

const gateway = await useGateway();
let creds;
let key;

before(async () => {
  creds = await setup(gateway);
  key = await mint(gateway, creds);
});

/** What the order's content is stored as, by number. */
async function stored(number) {
  const sql = "SELECT count(*) AS n FROM orders WHERE content ->> 'number' = ?";
  return (await gateway.sql('StoreLedger', creds.store_id, sql, [number]))[0].n;
}

function assertUnavailable(answer) {
  assertProblem(answer, 503, 'store_unavailable');
  assert.ok(Number(answer.headers.get('retry-after')) >= 1, 'retry-after');
  assertQuota(answer, 6000);
}

const ledger = (fault) => () => gateway.fault({ class: 'StoreLedger', ...fault });
const FAILURES = {
  'answers with an error': { headers: { 'x-tidegate-fault': 'ledger_error' } },
  'does not answer': { headers: { 'x-tidegate-fault': 'ledger_hang' } },
  throws: { put: ledger({ mode: 'throw' }) },
  'is reset': { put: ledger({ mode: 'abort' }) },
  'is overloaded': { put: ledger({ mode: 'throw', overloaded: true }) },
  'is overloaded, though it may be tried again': { put: ledger({ mode: 'throw', overloaded: true, retryable: true }) },
  'cannot be reached, again and again': { put: ledger({ mode: 'throw', retryable: true }) },
  hangs: { put: ledger({ mode: 'hang', ms: 20_000 }) },
  'has written, and its answer is lost': { put: ledger({ mode: 'throw', when: 'after' }), written: true },
  'has written, and is reset': { put: ledger({ mode: 'abort', when: 'after' }), written: true },
};

// The ledger's tables are made by its first order.
test('a ledger that has never been woken may fail as well', async () => {
  const sent = order();
  await gateway.fault({ class: 'StoreLedger', mode: 'throw', times: 1 });
  assertUnavailable(await postOrder(gateway, key, sent));
  assert.equal((await postOrder(gateway, key, sent)).status, 201);
});

for (const [how, { headers, put, written = false }] of Object.entries(FAILURES)) {
  test(`where the ledger ${how}: 503 with Retry-After, and the same request later takes effect once`, async () => {
    const number = randomUUID();
    const byKey = [order({ number, external_id: undefined }), { idempotencyKey: randomUUID() }];
    const byId = [order({ number }), {}];
    await put?.();
    const failed = await Promise.all(
      [byKey, byId].map(([body, choice]) => postOrder(gateway, key, body, { ...choice, headers })),
    );
    await gateway.fault();
    failed.forEach(assertUnavailable);
    assert.equal(await stored(number), written ? 2 : 0);

    const [first, second] = [await postOrder(gateway, key, ...byKey), await postOrder(gateway, key, ...byId)];
    assert.equal(first.status, 201, first.text);
    assert.equal(first.headers.get('idempotency-replayed'), written ? 'true' : null);
    assert.equal(second.status, written ? 200 : 201, second.text);
    assert.equal(await stored(number), 2);
  });
}

test('an object that could not be reached once is asked once more, and the caller notices nothing', async () => {
  for (const name of ['StoreLedger', 'KeyGate']) {
    const number = randomUUID();
    await gateway.fault({ class: name, mode: 'throw', retryable: true, times: 1 });
    assert.equal((await postOrder(gateway, key, order({ number }))).status, 201, name);
    assert.equal(await stored(number), 1);
  }
});

test('an overloaded object is never asked again', async () => {
  for (const [name, code] of [
    ['StoreLedger', 'store_unavailable'],
    ['KeyGate', 'unavailable'],
  ]) {
    await gateway.fault({ class: name, mode: 'throw', overloaded: true, retryable: true, times: 1 });
    const answer = await postOrder(gateway, key);
    await gateway.fault();
    assertProblem(answer, 503, code);
    assert.ok(Number(answer.headers.get('retry-after')) >= 1);
  }
});

test('a gate that fails is a 503 with Retry-After too', async () => {
  for (const mode of ['throw', 'abort']) {
    const sent = order();
    await gateway.fault({ class: 'KeyGate', mode, times: 1 });
    const answer = await postOrder(gateway, key, sent);
    assertProblem(answer, 503, 'unavailable');
    assert.ok(Number(answer.headers.get('retry-after')) >= 1);
    assert.equal((await postOrder(gateway, key, sent)).status, 201);
  }
});

test('reading orders from a failing ledger is a 503 with Retry-After', async () => {
  const made = await postOrder(gateway, key);
  const headers = { authorization: `Bearer ${creds.api_key}` };
  for (const path of ['/v1/orders', `/v1/orders/${made.body.id}`]) {
    await gateway.fault({ class: 'StoreLedger', mode: 'throw' });
    const answer = await send(gateway, { method: 'GET', path, headers });
    await gateway.fault();
    assertProblem(answer, 503, 'store_unavailable');
    assert.ok(Number(answer.headers.get('retry-after')) >= 1);
    assert.equal((await send(gateway, { method: 'GET', path, headers })).status, 200);
  }
});

test('the log says of each request that failed, and of its repetition, what became of it', async () => {
  const watched = await mint(gateway, creds);
  const sent = order();
  await postOrder(gateway, watched, sent, { headers: { 'x-tidegate-fault': 'ledger_error' } });
  const made = await postOrder(gateway, watched, sent);
  const args = { p_key_id: watched.key_id };
  const { requests } = await must(gateway, creds.api_key, 'core.rpc_list_integration_requests', args);
  const told = requests.map((row) => [row.status, row.outcome, row.error_code, row.internal_id, row.external_id]);
  assert.deepEqual(told, [
    [201, 'accepted', null, made.body.id, sent.external_id],
    [503, 'failed', 'store_unavailable', null, sent.external_id],
  ]);
});
