/** Following the log of a key while requests come in. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { gateOf, newId } from './support/credentials.mjs';
import { mint, must, order, postOrder, send, setup, useGateway, times } from './support/gateway.mjs';
import { deliver, mintShop, parked, retry } from './support/shop.mjs';
import { askForTail, filter, openTail } from './support/tail.mjs';
import { until } from './support/waiting.mjs';

const gateway = await useGateway({ own: true });
let creds;

before(async () => {
  creds = await setup(gateway);
});

/** Milliseconds that a tail stays open. */
const LIFE = 600_000;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const listed = async (key) =>
  (await must(gateway, creds.api_key, 'core.rpc_list_integration_requests', { p_key_id: key.key_id })).requests;
const command = async (key, message) => (await gateway.command('KeyGate', gateOf(key.key_id), message)).reply;
const whoami = (key) =>
  send(gateway, { method: 'GET', path: '/integrations/v1/whoami', headers: { authorization: `Bearer ${key.api_key}` } });

test('a request is told at once, without waiting for an alarm, exactly as the log lists it', async () => {
  const key = await mint(gateway, creds);
  const tail = await openTail(gateway, key);
  const answers = [];
  const { KeyGate } = await gateway.cost(async () => {
    for (const body of [order(), order({ total: '1' })]) {
      answers.push(await postOrder(gateway, key, body));
      await tail.told(answers.length, 1);
    }
  });
  assert.equal(KeyGate.alarms, 0);
  // Data only: the page fetches the row.
  for (const { text } of tail.messages) assert.deepEqual(Object.keys(JSON.parse(text)), ['type', 'request']);
  assert.deepEqual(tail.messages.map(({ text }) => JSON.parse(text).type), ['request', 'request']);
  assert.deepEqual(tail.requests, (await listed(key)).reverse());
  assert.deepEqual(
    tail.requests.map((request) => [request.id, request.status]),
    answers.map((answer) => [answer.headers.get('x-request-id'), answer.status]),
  );
});

test('a tail is told what its filter lets through, and of its own key only', async () => {
  const [key, other] = [await mint(gateway, creds), await mint(gateway, creds)];
  const errors = await openTail(gateway, key, { filter: filter({ status_class: 4 }) });
  const one = await openTail(gateway, key, { filter: filter({ external_id: 'Größe "1"' }) });
  const all = await openTail(gateway, key);
  const elsewhere = await openTail(gateway, other);
  await postOrder(gateway, key, order({ external_id: 'Größe "1"' }));
  await postOrder(gateway, key);
  await postOrder(gateway, key, order(), { sign: null });
  await all.told(3);
  await Promise.all([errors, one, elsewhere].map((tail) => tail.caughtUp()));
  const statuses = (tail) => tail.requests.map((request) => request.status);
  assert.deepEqual([all, errors, one, elsewhere].map(statuses), [[201, 201, 401], [401], [201], []]);
});

test('a retry of a parked event and the row of counted refusals are told too', async () => {
  const key = await mintShop(gateway, creds);
  await gateway.fault({ class: 'StoreLedger', mode: 'throw' });
  await deliver(gateway, key, 'order.deleted', { id: 4711 });
  await gateway.fault();
  const [event] = await parked(gateway, creds, key);
  const tail = await openTail(gateway, key);
  await retry(gateway, creds, key, event);
  const [retried] = await tail.told(1);
  assert.equal(retried.method, 'RETRY');
  await times(33, () => deliver(gateway, key, 'order.created', '{}', { secret: 'wrong-secret' }));
  // 30 one by one; the rest, when the alarm writes it.
  await gateway.advance(10_000);
  const told = await tail.told(32);
  assert.deepEqual([told.at(-1).count, told.at(-1).outcome], [3, 'refused']);
  assert.equal(told.filter((request) => request.outcome === 'refused').length, 31);
});

test('a tail outlives the sleep of its object: pings do not wake it, a request and the end of a tail do', async () => {
  const [key, other] = [await mint(gateway, creds), await mint(gateway, creds)];
  await postOrder(gateway, key);
  const tail = await openTail(gateway, key, { filter: filter({ status: 201 }) });
  await postOrder(gateway, key);
  await tail.told(1);
  const ending = await openTail(gateway, other, { opened_at: gateway.now() - LIFE + 60_000 });
  await gateway.resetMeter();
  // The runtime puts an object to sleep after ten idle seconds of real time, and some to notice.
  for (let second = 0; second < 14; second++) {
    tail.send('ping');
    await pause(1_000);
  }
  const asleep = await gateway.meter();
  assert.deepEqual([asleep.KeyGate.wakes, asleep.KeyGate.socket_events], [0, 0]);
  assert.equal(tail.messages.filter(({ text }) => text === 'pong').length, 14);
  assert.deepEqual([tail.closed, ending.closed], [null, null]);
  await postOrder(gateway, key, order(), { sign: null });
  await postOrder(gateway, key);
  const told = await tail.told(2, 1);
  assert.equal((await gateway.meter()).KeyGate.wakes, 1, 'the object did sleep');
  assert.deepEqual(told.map((request) => request.status), [201, 201]);
  await gateway.advance(60_000);
  assert.deepEqual(await ending.ended(), { code: 4000, reason: 'expired' });
  assert.equal((await gateway.meter()).KeyGate.wakes, 2, 'the other object did sleep');
});

test('what a page says is ignored', async () => {
  const key = await mint(gateway, creds);
  const tail = await openTail(gateway, key);
  tail.send('{"type":"request"}');
  tail.send('x'.repeat(10_000));
  await postOrder(gateway, key);
  assert.equal((await tail.told(1)).length, 1);
  assert.equal(tail.closed, null);
});

test('after an eviction and a kill nothing is left over, and a new tail works', async () => {
  const key = await mint(gateway, creds);
  const first = await openTail(gateway, key);
  await gateway.evict();
  await first.ended();
  assert.equal((await postOrder(gateway, key)).status, 201);
  const tail = await openTail(gateway, key);
  await gateway.kill();
  await gateway.start();
  await tail.ended();
  assert.equal((await postOrder(gateway, key)).status, 201);
  const again = await openTail(gateway, key);
  assert.deepEqual(await command(key, { close_tails: { session: null } }), {
    Ok: { tails_closed: { closed: 1 } },
  });
  assert.equal((await again.ended()).code, 4001);
});

test('a tail is closed ten minutes after it was opened, and others are not', async () => {
  const key = await mint(gateway, creds);
  const first = await openTail(gateway, key);
  await gateway.advance(60_000);
  const second = await openTail(gateway, key);
  await gateway.advance(LIFE - 61_000);
  assert.deepEqual([first.closed, second.closed], [null, null]);
  await gateway.advance(1_000);
  assert.deepEqual(await first.ended(), { code: 4000, reason: 'expired' });
  assert.equal(second.closed, null);
  await postOrder(gateway, key);
  await second.told(1);
  await gateway.advance(60_000);
  assert.deepEqual(await second.ended(), { code: 4000, reason: 'expired' });
  assert.deepEqual([first, second].map((tail) => tail.requests.length), [0, 1]);
});

test('whoever signs out, or may not see the log any more, is closed out, and nobody else', async () => {
  const key = await mint(gateway, creds);
  const ada = newId('usr_');
  const tails = {
    'ada, at home': await openTail(gateway, key, { session: 'home', user_id: ada }),
    'ada, at work': await openTail(gateway, key, { session: 'work', user_id: ada }),
    'bob': await openTail(gateway, key, { session: 'bob' }),
  };
  const open = () => Object.keys(tails).filter((name) => tails[name].closed === null);
  const close = async (session) => (await command(key, { close_tails: { session } })).Ok.tails_closed.closed;
  assert.equal(await close('home'), 1);
  assert.deepEqual(await tails['ada, at home'].ended(), { code: 4001, reason: 'signed out' });
  assert.deepEqual(open(), ['ada, at work', 'bob']);
  assert.equal(await close('nobody'), 0);
  assert.equal(await close('work'), 1);
  await tails['ada, at work'].ended();
  assert.deepEqual(open(), ['bob']);
  await postOrder(gateway, key);
  await tails.bob.told(1);
  assert.equal(tails['ada, at home'].requests.length + tails['ada, at work'].requests.length, 0);
});

test('a key has twenty tails at most; one that is closed makes room', async () => {
  const key = await mint(gateway, creds);
  const tails = [];
  for (let n = 0; n < 20; n++) tails.push(await openTail(gateway, key));
  await assert.rejects(openTail(gateway, key), { status: 429 });
  tails[7].close();
  await tails[7].ended();
  const another = await until(() => openTail(gateway, key).catch(() => null));
  await postOrder(gateway, key);
  await another.told(1);
  await Promise.all(tails.filter((_, n) => n !== 7).map((tail) => tail.told(1)));
});

test('a tail without a ticket, or with one of another version, is not opened', async () => {
  const key = await mint(gateway, creds);
  for (const ticket of [{}, { session: 's' }]) {
    const { status, send: open } = await askForTail(gateway, key, ticket, {});
    assert.deepEqual([status, open], [500, undefined]);
  }
});

test('an order costs the same rows whether somebody follows the log or not', async () => {
  const key = await mint(gateway, creds);
  const post = () => postOrder(gateway, key, order(), { idempotencyKey: newId('k') });
  await post();
  await openTail(gateway, key);
  const cost = async () => {
    await whoami(key);
    const { KeyGate, StoreLedger, d1 } = await gateway.cost(post);
    return {
      calls: [KeyGate.fetches, StoreLedger.fetches, d1.calls],
      written: [KeyGate.rows_written, StoreLedger.rows_written],
      alarms: KeyGate.set_alarms,
    };
  };
  const expected = { calls: [1, 1, 0], written: [2, 4], alarms: 0 };
  assert.deepEqual(await cost(), expected);
  await command(key, { close_tails: { session: null } });
  assert.deepEqual(await cost(), expected);
});
