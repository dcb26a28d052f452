/** What holds while requests come at the same time. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { before, test } from 'node:test';
import { gateOf } from './support/credentials.mjs';
import {
  assertProblem,
  count,
  mint,
  order,
  postOrder,
  send,
  setup,
  useGateway,
  statuses,
  times,
} from './support/gateway.mjs';

const gateway = await useGateway();
let creds;

before(async () => {
  creds = await setup(gateway);
});

/** The orders that a store holds under an external id. */
async function listed(externalId) {
  const path = `/v1/orders?external_id=${externalId}`;
  const page = await send(gateway, { method: 'GET', path, headers: { authorization: `Bearer ${creds.api_key}` } });
  return page.body.orders;
}

async function orderCount() {
  return (await gateway.sql('StoreLedger', creds.store_id, 'SELECT count(*) AS n FROM orders'))[0].n;
}

/** Moves the admissions of a key a minute into the past, oldest first; its gate rebuilds from them. */
async function ageAdmissions(key, admissions) {
  const gate = gateOf(key.key_id);
  const [{ name }] = await gateway.sql(
    'KeyGate',
    gate,
    "SELECT name FROM sqlite_master WHERE name GLOB 'log_*' ORDER BY name DESC",
  );
  await gateway.sql(
    'KeyGate',
    gate,
    `UPDATE ${name} SET id = id - 60001 * 1024
     WHERE id IN (SELECT id FROM ${name} WHERE units = 1 ORDER BY id LIMIT ${admissions})`,
  );
  await gateway.evict();
}

for (const external of [true, false]) {
  const kind = external ? 'with' : 'without';
  test(`100 twins of one Idempotency-Key ${kind} an external_id make one order and get one answer`, async () => {
    const key = await mint(gateway, creds);
    const sent = order({ number: randomUUID(), ...(external ? {} : { external_id: undefined }) });
    const idempotencyKey = randomUUID();
    const before = await orderCount().catch(() => 0);
    const answers = await times(100, () => postOrder(gateway, key, sent, { idempotencyKey }));
    assert.deepEqual(statuses(answers), { 201: 100 });
    assert.equal(new Set(answers.map((answer) => answer.text)).size, 1);
    const firsts = answers.filter((answer) => answer.headers.get('idempotency-replayed') !== 'true');
    assert.equal(firsts.length, 1);
    assert.equal(await orderCount(), before + 1);
  });
}

test('100 twins of one external_id make one order, and all are told which', async () => {
  const key = await mint(gateway, creds);
  const sent = order();
  const answers = await times(100, () => postOrder(gateway, key, sent));
  assert.deepEqual(statuses(answers), { 200: 99, 201: 1 });
  assert.equal(new Set(answers.map((answer) => answer.text)).size, 1);
  assert.equal((await listed(sent.external_id)).length, 1);
});

test('of 100 rivals for one external_id with content of their own, one wins and 99 are told so', async () => {
  const key = await mint(gateway, creds);
  const sent = order();
  const answers = await times(100, (n) => postOrder(gateway, key, { ...sent, note: `rival ${n}` }));
  assert.deepEqual(statuses(answers), { 201: 1, 409: 99 });
  const { id } = answers.find((answer) => answer.status === 201).body;
  for (const answer of answers.filter((answer) => answer.status === 409)) {
    assertProblem(answer, 409, 'external_id_conflict');
    assert.equal(answer.body.conflicting_id, id);
  }
  assert.deepEqual(
    (await listed(sent.external_id)).map((order) => order.id),
    [id],
  );
});

test('rivals for one Idempotency-Key: one runs, the others are told that it is taken', async () => {
  const key = await mint(gateway, creds);
  const idempotencyKey = randomUUID();
  const answers = await times(20, () => postOrder(gateway, key, order(), { idempotencyKey }));
  assert.deepEqual(statuses(answers), { 201: 1, 422: 19 });
  assert.deepEqual(count(answers.map((answer) => answer.body.code)), { idempotency_key_reused: 19, undefined: 1 });
});

test('of 2N requests at once under a limit of N, exactly N pass, and the others take nothing from it', async () => {
  const limit = 50;
  const key = await mint(gateway, creds, { p_rate_limit_per_minute: limit });
  const before = await orderCount();
  const answers = await times(2 * limit, () => postOrder(gateway, key));
  assert.deepEqual(statuses(answers), { 201: limit, 429: limit });
  assert.equal(await orderCount(), before + limit);
  for (const refused of answers.filter((answer) => answer.status === 429)) {
    assertProblem(refused, 429, 'rate_limited');
    const wait = Number(refused.headers.get('retry-after'));
    assert.ok(wait >= 1 && wait <= 60, `retry-after: ${wait}`);
    assert.match(refused.headers.get('ratelimit'), /^"key";r=0;t=\d+$/);
  }
  const left = answers.filter((answer) => answer.status === 201).map((answer) => answer.headers.get('ratelimit'));
  const expected = Array.from({ length: limit }, (_, n) => `${n}`);
  assert.deepEqual(left.map((header) => header.match(/r=(\d+)/)[1]).sort(), expected.sort());

  // Seven of the N grow older than a minute; the N that were refused stay within it.
  await ageAdmissions(key, 7);
  const more = await times(limit, () => postOrder(gateway, key));
  assert.deepEqual(statuses(more), { 201: 7, 429: limit - 7 });
});

test('keys have limits of their own, though they share a store', async () => {
  const [one, two] = await times(2, () => mint(gateway, creds, { p_rate_limit_per_minute: 10 }));
  const [ofOne, ofTwo] = await times(2, (n) => times(20, () => postOrder(gateway, n ? two : one)));
  assert.deepEqual(
    [statuses(ofOne), statuses(ofTwo)],
    [
      { 201: 10, 429: 10 },
      { 201: 10, 429: 10 },
    ],
  );
});

test('a request that the Worker repeats is counted once', async () => {
  const key = await mint(gateway, creds, { p_rate_limit_per_minute: 10 });
  const sent = order();
  const idempotencyKey = randomUUID();
  // The gate does all its work; its answer is lost on the way, and the runtime says 'retryable'.
  await gateway.fault({ class: 'KeyGate', mode: 'throw', when: 'after', retryable: true, times: 1 });
  const answer = await postOrder(gateway, key, sent, { idempotencyKey });
  await gateway.fault();
  assert.equal(answer.status, 201, answer.text);
  const headers = { authorization: `Bearer ${key.api_key}` };
  const whoami = await send(gateway, { method: 'GET', path: '/integrations/v1/whoami', headers });
  assert.equal(whoami.body.rate_limit.remaining, 8);
  assert.equal((await listed(sent.external_id)).length, 1);
});

test('two shops with the same order numbers on two keys of one store stay two shops', async () => {
  const [one, two] = await times(2, (n) => mint(gateway, creds, { p_name: `Shop ${n + 1}` }));
  const numbers = Array.from({ length: 20 }, (_, n) => `${1001 + n}`);
  const send = (key, shop) =>
    numbers.map((number) =>
      postOrder(gateway, key, order({ external_id: number, note: shop }), { idempotencyKey: number }),
    );
  const [ofOne, ofTwo] = await Promise.all([Promise.all(send(one, 'one')), Promise.all(send(two, 'two'))]);
  assert.deepEqual([statuses(ofOne), statuses(ofTwo)], [{ 201: 20 }, { 201: 20 }]);
  for (const [index, number] of numbers.entries()) {
    const found = (await listed(number)).map((order) => [order.id, order.note, order.key_id]).sort();
    const expected = [
      [ofOne[index].body.id, 'one', one.key_id],
      [ofTwo[index].body.id, 'two', two.key_id],
    ].sort();
    assert.deepEqual(found, expected);
  }
  // Each shop's own repetition finds its own order.
  const again = await postOrder(gateway, two, order({ external_id: '1001', note: 'two' }));
  assert.deepEqual([again.status, again.body.id], [200, ofTwo[0].body.id]);
});

test('two shops may know the same client under one e-mail address, each for itself', async () => {
  const [one, two] = await times(2, () => mint(gateway, creds));
  const client = { email: 'zoe@example.com', name: 'Zoë' };
  const [first, second, third] = [
    await postOrder(gateway, one, order({ client })),
    await postOrder(gateway, two, order({ client })),
    await postOrder(gateway, one, order({ client: { email: 'ZOE@example.com' } })),
  ];
  assert.notEqual(first.body.client.id, second.body.client.id);
  assert.equal(first.body.client.id, third.body.client.id);
});
