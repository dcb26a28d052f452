/**
 * Parked events: what is authentic and cannot be applied now is kept, answered 200, and applied
 * later: by the alarm, on resume, when its parent arrives, or by hand. Never dropped, never doubled.
 */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { base32, base32Bytes, gateOf } from './support/credentials.mjs';
import { createStore, must, rpc, send, setup, useGateway } from './support/gateway.mjs';
import { captured, changed, deliver, discard, log, mintShop, orders, parked, ping, resigned, recorded, retry } from './support/shop.mjs';
import { until } from './support/waiting.mjs';

const gateway = await useGateway({ own: true });
let creds;
before(async () => {
  creds = await setup(gateway);
});


/** A key of a shop in a store of its own. */
async function freshShop(args) {
  const store_id = await createStore(gateway, creds, 'Shop');
  return mintShop(gateway, { ...creds, store_id }, args);
}

/** An order of another number, and its deletion. */
const orderBody = (id, members) => changed('order.created', { id, ...members });
const deletion = (id) => JSON.stringify({ id });
const customerBody = (id) => changed('customer.created', { id, email: `c${id}@example.com` });

async function answered(expected, answer) {
  const { status, body, text } = await answer;
  assert.deepEqual([status, body?.outcome], [200, expected], text);
  return body;
}

const externalIds = async (key) => (await orders(gateway, creds, key.store_id)).map((order) => order.external_id);
const allApplied = (key, seconds = 30) => gateway.later(() => parked(gateway, creds, key), (events) => events.length === 0, seconds * 1_000);
const reasons = async (key) => (await parked(gateway, creds, key)).map((event) => event.reason);
const pause = (key) => must(gateway, creds.api_key, 'core.rpc_pause_integration_key', { p_key_id: key.key_id });
const resume = (key) => must(gateway, creds.api_key, 'core.rpc_resume_integration_key', { p_key_id: key.key_id });
const inGate = (key, sql, params) => gateway.sql('KeyGate', gateOf(key.key_id), sql, params);
const histories = async (key, table) => {
  const rows = await gateway.sql('StoreLedger', key.store_id, `SELECT history FROM ${table}`);
  return rows.flatMap((row) => JSON.parse(row.history)).map((entry) => entry.event);
};

/** First, while no other key has an alarm. */
test('over the limit and left alone, parked events are applied when the minute is over, by few alarms', async () => {
  const key = await freshShop({ p_rate_limit_per_minute: 2 });
  for (const [n, outcome] of ['accepted', 'accepted', 'parked', 'parked'].entries()) {
    await answered(outcome, deliver(gateway, key, 'order.created', orderBody(n + 1)));
  }
  const { KeyGate } = await gateway.cost(() => allApplied(key, 75));
  assert.ok(KeyGate.alarms <= 10, `${KeyGate.alarms} alarms`);
  assert.deepEqual(await externalIds(key), ['1', '2', '3', '4']);
  const entries = await log(gateway, creds, key);
  const third = entries.find((entry) => entry.external_id === '3' && entry.method === 'RETRY');
  const first = entries.find((entry) => entry.external_id === '1');
  assert.ok(Date.parse(third.received_at) - Date.parse(first.received_at) >= 60_000);
});

describe('over the rate limit', () => {
  const LIMIT = 3;

  test('deliveries are answered 200, parked, and applied later without exceeding the limit', async () => {
    const key = await freshShop({ p_rate_limit_per_minute: LIMIT });
    const ids = Array.from({ length: 8 }, (_, n) => String(1001 + n));
    for (const [n, id] of ids.entries()) {
      await answered(n < LIMIT ? 'accepted' : 'parked', deliver(gateway, key, 'order.created', orderBody(Number(id))));
    }
    assert.deepEqual(await reasons(key), Array(5).fill('rate_limited'));
    // Whenever the alarm looks, it finds no budget.
    await gateway.advance(50_000);
    assert.deepEqual(await reasons(key), Array(5).fill('rate_limited'));
    assert.deepEqual(await externalIds(key), ids.slice(0, LIMIT));

    // What was admitted within the minute is known after an eviction too.
    await gateway.evict();
    await gateway.later(() => parked(gateway, creds, key), (events) => events.length <= 2, 12_000);
    assert.deepEqual(await externalIds(key), ids.slice(0, 2 * LIMIT), 'the oldest come first');
    const [{ name }] = await inGate(key, "SELECT name FROM sqlite_master WHERE name GLOB 'log_[0-9]*' ORDER BY name DESC");
    const admitted = await inGate(key, `SELECT id FROM ${name} WHERE units > 0 ORDER BY id`);
    const times = admitted.map((row) => Math.floor(row.id / 1024));
    times.forEach((at, n) => assert.ok(n < LIMIT || at - times[n - LIMIT] >= 60_000, `${LIMIT + 1} within a minute`));

    await allApplied(key, 62);
    assert.deepEqual(await externalIds(key), ids);
  });

  test('an event retried by hand has no more budget than the alarm', async () => {
    const key = await freshShop({ p_rate_limit_per_minute: 1 });
    await answered('accepted', deliver(gateway, key, 'order.created', orderBody(1)));
    await answered('parked', deliver(gateway, key, 'order.created', orderBody(2)));
    const [event] = await parked(gateway, creds, key);
    const { status, body } = await retry(gateway, creds, key, event);
    assert.deepEqual([status, body], [200, { settled: false, outcome: null, reason: 'rate_limited' }]);
    assert.deepEqual(await externalIds(key), ['1']);
  });

  test('waiting for budget does not keep the alarm busy', async () => {
    const key = await freshShop({ p_rate_limit_per_minute: 1 });
    for (let id = 1; id <= 30; id += 1) await deliver(gateway, key, 'order.created', orderBody(id));
    assert.equal((await parked(gateway, creds, key)).length, 29);
    // The other keys of this file wait as well, but each for seconds at a time.
    const cost = await gateway.cost(() => gateway.advance(6_000));
    assert.ok(cost.KeyGate.alarms <= 8, `${cost.KeyGate.alarms} alarms in six seconds`);
  });
});

describe('while a key is paused', () => {
  test('deliveries are answered 200, parked, and applied on resume', async () => {
    const key = await freshShop();
    await pause(key);
    for (const id of [1, 2, 3]) await answered('parked', deliver(gateway, key, 'order.created', orderBody(id)));
    await answered('parked', deliver(gateway, key, 'customer.created', customerBody(9)));
    const events = await parked(gateway, creds, key);
    assert.deepEqual(events.map((event) => [event.reason, event.next_attempt_at]), Array(4).fill(['key_paused', null]));
    assert.deepEqual(await externalIds(key), []);
    await resume(key);
    await allApplied(key);
    assert.deepEqual(await externalIds(key), ['1', '2', '3']);
    assert.deepEqual(await histories(key, 'clients').then((all) => all.includes('customer.created')), true);
  });

  test('nothing is retried, whatever it was parked for', async () => {
    const key = await freshShop();
    await answered('parked', deliver(gateway, key, 'order.created', orderBody(1), { headers: { 'x-tidegate-fault': 'ledger_error' } }));
    await pause(key);
    await gateway.advance(600_000);
    assert.equal((await parked(gateway, creds, key)).length, 1);
    assert.deepEqual(await externalIds(key), []);
    await resume(key);
    await allApplied(key);
    assert.deepEqual(await externalIds(key), ['1']);
  });

  test('parked events of more than one alarm\'s worth are all applied on resume', async () => {
    const key = await freshShop();
    await pause(key);
    const ids = Array.from({ length: 120 }, (_, n) => String(n + 1));
    await Promise.all(ids.map((id) => answered('parked', deliver(gateway, key, 'order.created', orderBody(Number(id))))));
    await resume(key);
    await allApplied(key);
    assert.deepEqual(await externalIds(key), ids);
  });
});

describe('without the scope', () => {
  const cases = {
    'an order without orders:write': [['clients:write'], 'order.created', () => orderBody(1)],
    'a customer without clients:write': [['orders:write'], 'customer.created', () => customerBody(9)],
    'a deletion without orders:write': [['payments:write'], 'order.deleted', () => deletion(1)],
  };
  for (const [what, [p_scopes, topic, body]] of Object.entries(cases)) {
    test(`${what} is answered 200 and parked, to be retried by hand only`, async () => {
      const key = await freshShop({ p_scopes });
      await answered('parked', deliver(gateway, key, topic, body()));
      const [event] = await parked(gateway, creds, key);
      assert.deepEqual([event.reason, event.next_attempt_at, event.attempts], ['insufficient_scope', null, 0]);
      const { status, body: settled } = await retry(gateway, creds, key, event);
      assert.deepEqual([status, settled], [200, { settled: false, outcome: null, reason: 'insufficient_scope' }]);
      assert.deepEqual(await externalIds(key), []);
    });
  }

  test('orders:write is enough for whatever payments and refunds an order carries', async () => {
    const key = await freshShop({ p_scopes: ['orders:write'] });
    await answered('accepted', deliver(gateway, key, 'order.updated', captured('order.updated.full_refund')));
    assert.equal((await orders(gateway, creds, key.store_id))[0].refunded_total, '204.29');
  });

  test('none is needed for a topic that has no effect', async () => {
    const key = await freshShop({ p_scopes: ['payments:write'] });
    await answered('ignored', deliver(gateway, key, 'product.updated', captured('product.updated')));
  });
});

describe('when the StoreLedger fails, the event is answered 200, parked, retried, and applied once', () => {
  const inRequest = { 'an error': 'ledger_error', 'a panic': 'panic_store_ledger', 'no answer in time': 'ledger_hang' };
  for (const [what, fault] of Object.entries(inRequest)) {
    test(`${what} of its own`, async () => {
      const key = await freshShop();
      const began = Date.now();
      const { request_id } = await answered('parked', deliver(gateway, key, 'order.created', orderBody(1), { headers: { 'x-tidegate-fault': fault } }));
      // A deadline is a timer of the platform, which the clock does not move.
      assert.ok(Date.now() - began < 5_000, 'within its deadline of 3 s, or so');
      const entry = (await log(gateway, creds, key)).find(({ id }) => id === request_id);
      assert.deepEqual([entry.outcome, entry.detail], ['parked', 'store_unavailable']);
      await allApplied(key);
      assert.deepEqual(await externalIds(key), ['1']);
    });
  }

  const inObject = {
    'an exception': { mode: 'throw' },
    'an exception after it has written': { mode: 'throw', when: 'after' },
    'an object that is reset': { mode: 'abort' },
    'an object that is reset after it has written': { mode: 'abort', when: 'after' },
    'an object that is overloaded': { mode: 'throw', overloaded: true },
    'no answer in time after it has written': { mode: 'hang', when: 'after', ms: 5_000 },
  };
  for (const [what, fault] of Object.entries(inObject)) {
    test(what, async () => {
      const key = await freshShop();
      await answered('accepted', deliver(gateway, key, 'order.created', orderBody(1)));
      await gateway.fault({ class: 'StoreLedger', ...fault });
      try {
        await answered('parked', deliver(gateway, key, 'order.created', orderBody(2)));
        assert.deepEqual(await reasons(key), ['store_unavailable']);
      } finally {
        await gateway.fault();
      }
      await allApplied(key);
      assert.deepEqual(await externalIds(key), ['1', '2']);
    });
  }

  test('and what the runtime says may be retried is retried before it is parked', async () => {
    const key = await freshShop();
    await gateway.fault({ class: 'StoreLedger', mode: 'throw', retryable: true, times: 1 });
    await answered('accepted', deliver(gateway, key, 'order.created', orderBody(1)));
    assert.deepEqual(await externalIds(key), ['1']);
  });

  test('with longer and longer pauses', async () => {
    const key = await freshShop();
    await gateway.fault({ class: 'StoreLedger', mode: 'throw' });
    try {
      await answered('parked', deliver(gateway, key, 'order.created', orderBody(1)));
      const waits = [];
      for (const attempts of [0, 1]) {
        const [event] = await gateway.later(() => parked(gateway, creds, key), ([first]) => first.attempts >= attempts);
        waits.push(Date.parse(event.next_attempt_at) - gateway.now());
      }
      assert.ok(waits[0] <= 2_000 && waits[1] > 2_000 && waits[1] <= 4_000, String(waits));
    } finally {
      await gateway.fault();
    }
    await allApplied(key);
  });

  test('though everything arrives at once during the outage', async () => {
    const key = await freshShop();
    const ids = Array.from({ length: 40 }, (_, n) => String(n + 1));
    await gateway.fault({ class: 'StoreLedger', mode: 'throw' });
    try {
      await Promise.all(ids.map((id) => answered('parked', deliver(gateway, key, 'order.created', orderBody(Number(id))))));
    } finally {
      await gateway.fault();
    }
    await allApplied(key);
    assert.deepEqual(await externalIds(key), ids);
  });

  test('and what came after it and was newer stands', async () => {
    const key = await freshShop();
    const at = (time, status) => orderBody(1, { date_modified_gmt: time, status });
    await answered('parked', deliver(gateway, key, 'order.created', at('2026-11-22T12:00:00', 'processing'), { headers: { 'x-tidegate-fault': 'ledger_error' } }));
    await answered('accepted', deliver(gateway, key, 'order.updated', at('2026-11-22T12:00:01', 'completed')));
    await allApplied(key);
    const [order, ...others] = await orders(gateway, creds, key.store_id);
    assert.deepEqual([order.status, others], ['completed', []]);
    const [again] = (await log(gateway, creds, key)).filter((entry) => entry.method === 'RETRY');
    assert.deepEqual([again.outcome, again.count], ['stale', 0]);
  });
});

describe('what cannot be mapped', () => {
  const cases = {
    'a status of a plugin': [{ status: 'awaiting-shipment' }, '/status'],
    'a currency that nobody knows': [{ currency: 'BTC' }, '/currency'],
    'a total that is no amount': [{ total: 'free' }, '/total'],
    'a total of half a cent': [{ total: '204.295' }, '/total'],
    'a time that is none': [{ date_paid_gmt: 'yesterday' }, '/date_paid_gmt'],
    'lines that are none': [{ line_items: 'none' }, '/line_items'],
  };
  for (const [what, [members, pointer]] of Object.entries(cases)) {
    test(`${what} is answered 200 and parked with where it is`, async () => {
      const key = await freshShop();
      const body = await answered('parked', deliver(gateway, key, 'order.created', orderBody(1, members)));
      const [event] = await parked(gateway, creds, key);
      assert.equal(event.event_id, body.request_id);
      assert.deepEqual([event.reason, event.next_attempt_at], ['unmappable', null]);
      assert.ok(event.detail.startsWith(`${pointer} `), event.detail);
      const [entry] = await log(gateway, creds, key);
      assert.deepEqual([entry.status, entry.outcome, entry.id], [200, 'parked', event.event_id]);
      assert.ok(entry.detail.includes(event.detail), entry.detail);
    });
  }

  test('is kept byte for byte, whatever it is', async () => {
    const key = await freshShop();
    const bodies = [Buffer.from([0, 1, 2, 255, 254]), Buffer.from('{"id":1'), captured('order.created.150_line_items').subarray(0, 40_000)];
    for (const body of bodies) await answered('parked', deliver(gateway, key, 'order.created', body));
    const events = await parked(gateway, creds, key);
    assert.deepEqual(events.map((event) => event.bytes), bodies.map((body) => body.length).reverse());
    const kept = await inGate(key, 'SELECT hex(body) AS hex FROM parked ORDER BY id');
    assert.deepEqual(kept.map((row) => row.hex.toLowerCase()), bodies.map((body) => body.toString('hex')));
  });

  test('stays when it is retried by hand, with the attempt counted', async () => {
    const key = await freshShop();
    await answered('parked', deliver(gateway, key, 'order.created', orderBody(1, { status: 'odd' })));
    const [event] = await parked(gateway, creds, key);
    const { body } = await retry(gateway, creds, key, event);
    assert.deepEqual(body, { settled: false, outcome: null, reason: 'unmappable' });
    const [still] = await parked(gateway, creds, key);
    assert.deepEqual([still.event_id, still.attempts, still.reason], [event.event_id, 1, 'unmappable']);
  });
});

describe('another shop address than the first', () => {
  const from = (address) => ({ headers: { 'x-wc-webhook-source': address } });

  test('is answered 200 and parked; the operator may let it in', async () => {
    const key = await freshShop();
    await answered('accepted', deliver(gateway, key, 'order.created', orderBody(1), from('https://shop.example.test/')));
    await answered('parked', deliver(gateway, key, 'order.created', orderBody(2), from('https://copy.example.test/')));
    await answered('accepted', deliver(gateway, key, 'order.created', orderBody(3), from('https://shop.example.test/')));
    assert.deepEqual(await externalIds(key), ['1', '3']);
    const [event] = await parked(gateway, creds, key);
    assert.deepEqual([event.reason, event.next_attempt_at], ['source_changed', null]);
    const { body } = await retry(gateway, creds, key, event);
    assert.deepEqual(body, { settled: true, outcome: 'accepted', reason: null });
    assert.deepEqual(await externalIds(key), ['1', '2', '3']);
    await answered('parked', deliver(gateway, key, 'order.created', orderBody(4), from('https://copy.example.test/')));
  });

  test('is told after an eviction too', async () => {
    const key = await freshShop();
    await answered('accepted', deliver(gateway, key, 'order.created', orderBody(1), from('https://shop.example.test/')));
    await gateway.evict();
    await answered('parked', deliver(gateway, key, 'order.created', orderBody(2), from('https://copy.example.test/')));
  });

  test('counts only from the first signed delivery: nobody else can pin it', async () => {
    const key = await freshShop();
    const path = `/integrations/v1/webhook/woocommerce/${key.key_id}`;
    await ping(gateway, path, { 'x-wc-webhook-source': 'https://evil.example.test/' });
    const forged = await deliver(gateway, key, 'order.created', orderBody(1), { secret: 'guessed it', ...from('https://evil.example.test/') });
    assert.equal(forged.status, 401);
    await answered('accepted', deliver(gateway, key, 'order.created', orderBody(1), from('https://shop.example.test/')));
  });

  test('is not pinned by what comes without one', async () => {
    const key = await freshShop();
    const request = resigned(key, recorded().find(({ topic }) => topic === 'order.created'));
    delete request.headers['x-wc-webhook-source'];
    await answered('accepted', send(gateway, request));
    await answered('accepted', deliver(gateway, key, 'order.created', orderBody(2), from('https://shop.example.test/')));
    await answered('parked', deliver(gateway, key, 'order.created', orderBody(3), from('https://copy.example.test/')));
  });
});

describe('an event whose parent is not known yet', () => {
  const deletedOnce = async (key, table = 'orders', event = 'order.deleted') =>
    assert.equal((await histories(key, table)).filter((entry) => entry === event).length, 1);

  for (const [topic, table, parentTopic, parent] of [
    ['order.deleted', 'orders', 'order.created', orderBody],
    ['customer.deleted', 'clients', 'customer.created', customerBody],
  ]) {
    test(`${topic} waits for it and is applied when it arrives`, async () => {
      const key = await freshShop();
      await answered('parked', deliver(gateway, key, topic, deletion(7)));
      const [event] = await parked(gateway, creds, key);
      assert.deepEqual([event.reason, event.topic, event.next_attempt_at], ['parent_unknown', topic, null]);
      assert.match(event.detail, / 7 has not arrived yet/);
      await answered('accepted', deliver(gateway, key, parentTopic, parent(8)));
      assert.equal((await parked(gateway, creds, key)).length, 1, 'another arrival does not let it go');
      await answered('accepted', deliver(gateway, key, parentTopic, parent(7)));
      await allApplied(key);
      await deletedOnce(key, table, topic);
    });
  }

  test('waits through an eviction', async () => {
    const key = await freshShop();
    await answered('parked', deliver(gateway, key, 'order.deleted', deletion(7)));
    await gateway.evict();
    await answered('accepted', deliver(gateway, key, 'order.created', orderBody(7)));
    await allApplied(key);
    await deletedOnce(key);
  });

  test('waits on after it was retried by hand in vain', async () => {
    const key = await freshShop();
    await answered('parked', deliver(gateway, key, 'order.deleted', deletion(7)));
    const [event] = await parked(gateway, creds, key);
    const { body } = await retry(gateway, creds, key, event);
    assert.deepEqual(body, { settled: false, outcome: null, reason: 'parent_unknown' });
    await answered('accepted', deliver(gateway, key, 'order.created', orderBody(7)));
    await allApplied(key);
    await deletedOnce(key);
  });

  test('is let go by a parent that was parked itself', async () => {
    const key = await freshShop();
    await answered('parked', deliver(gateway, key, 'order.deleted', deletion(7)));
    await answered('parked', deliver(gateway, key, 'order.created', orderBody(7), { headers: { 'x-tidegate-fault': 'ledger_error' } }));
    await allApplied(key);
    await deletedOnce(key);
  });

  for (const [first, arrange] of Object.entries({
    'the key was paused': async (key) => {
      await pause(key);
      await answered('parked', deliver(gateway, key, 'order.deleted', deletion(7)));
      await resume(key);
    },
    'the StoreLedger failed': async (key) => {
      await answered('parked', deliver(gateway, key, 'order.deleted', deletion(7), { headers: { 'x-tidegate-fault': 'ledger_error' } }));
    },
  })) {
    test(`is let go by its parent though at first it was parked because ${first}`, async () => {
      const key = await freshShop();
      await arrange(key);
      await gateway.later(() => reasons(key), ([reason]) => reason === 'parent_unknown');
      await answered('accepted', deliver(gateway, key, 'order.created', orderBody(7)));
      await allApplied(key, 10);
      await deletedOnce(key);
    });
  }

  test('is never left behind by a parent that arrives at the same moment', async () => {
    const key = await freshShop();
    const ids = Array.from({ length: 60 }, (_, n) => n + 1);
    await Promise.all(
      ids.flatMap((id) => [
        deliver(gateway, key, 'order.deleted', deletion(id)),
        deliver(gateway, key, 'order.created', orderBody(id)),
      ]),
    );
    await allApplied(key, 15);
    assert.equal((await histories(key, 'orders')).filter((event) => event === 'order.deleted').length, ids.length);
  });
});

describe('the operator', () => {
  test('sees every parked event, newest first, in pages', async () => {
    const key = await freshShop();
    for (const id of [1, 2, 3, 4, 5]) await deliver(gateway, key, 'order.deleted', deletion(id));
    const page = (p_cursor) => must(gateway, creds.api_key, 'core.rpc_list_parked_events', { p_key_id: key.key_id, p_limit: 2, p_cursor });
    const first = await page(null);
    const [event] = first.events;
    assert.deepEqual(Object.keys(event).sort(), ['attempts', 'bytes', 'detail', 'event_id', 'next_attempt_at', 'reason', 'received_at', 'topic']);
    assert.deepEqual(
      { ...event, event_id: '', received_at: '' },
      { event_id: '', received_at: '', attempts: 0, bytes: 8, detail: 'order 5 has not arrived yet', next_attempt_at: null, reason: 'parent_unknown', topic: 'order.deleted' },
    );
    assert.ok(Math.abs(Date.parse(event.received_at) - gateway.now()) < 60_000);
    const second = await page(first.next_cursor);
    const third = await page(second.next_cursor);
    const all = [first, second, third].flatMap(({ events }) => events.map(({ detail }) => detail.split(' ')[1]));
    assert.deepEqual(all, ['5', '4', '3', '2', '1']);
    assert.equal(third.next_cursor, null);
  });

  test('retries one by hand, which settles it and is logged', async () => {
    const key = await freshShop();
    await pause(key);
    await answered('parked', deliver(gateway, key, 'order.created', orderBody(1)));
    const [event] = await parked(gateway, creds, key);
    assert.deepEqual((await retry(gateway, creds, key, event)).body, { settled: false, outcome: null, reason: 'key_paused' });
    await resume(key);
    await allApplied(key);
    const again = (await log(gateway, creds, key)).filter((entry) => entry.method === 'RETRY' && entry.outcome === 'accepted');
    assert.equal(again.length, 1);
    assert.deepEqual([again[0].count, again[0].external_id], [0, '1']);
    assert.ok(again[0].detail.includes(event.event_id), again[0].detail);
    assert.match(again[0].internal_id, /^ord_/);
  });

  test('discards one, which is audited and takes nothing else', async () => {
    const key = await freshShop();
    for (const id of [1, 2]) await deliver(gateway, key, 'order.deleted', deletion(id));
    const [event, other] = await parked(gateway, creds, key);
    const { status, body } = await discard(gateway, creds, key, event);
    assert.deepEqual([status, body], [200, { discarded: true }]);
    assert.deepEqual((await parked(gateway, creds, key)).map(({ event_id }) => event_id), [other.event_id]);
    const rows = await gateway.d1("SELECT * FROM audit_log WHERE subject = ?1 AND action = 'parked_event.discarded'", [key.key_id]);
    assert.equal(rows.length, 1);
    assert.deepEqual([rows[0].workspace_id, rows[0].user_id, rows[0].api_key_id], [creds.workspace_id, creds.user_id, creds.api_key_id]);
    assert.deepEqual(JSON.parse(rows[0].detail), { event: event.event_id });
    for (const act of [discard, retry]) {
      const gone = await act(gateway, creds, key, event);
      assert.deepEqual([gone.status, gone.body.code], [404, 'not_found']);
    }
    // It stays discarded though its parent arrives.
    await answered('accepted', deliver(gateway, key, 'order.created', orderBody(2)));
    assert.ok(!(await histories(key, 'orders')).includes('order.deleted'));
  });

  test('cannot discard what is being retried, nor retry it twice at once', async () => {
    const key = await freshShop();
    await answered('parked', deliver(gateway, key, 'order.created', orderBody(1), { headers: { 'x-wc-webhook-source': 'https://a.example.test/', 'x-tidegate-fault': 'ledger_error' } }));
    const [event] = await parked(gateway, creds, key);
    await gateway.fault({ class: 'StoreLedger', mode: 'hang', ms: 1_500, times: 1 });
    const retried = retry(gateway, creds, key, event);
    await until(() => inGate(key, 'SELECT retrying FROM parked'), ([row]) => row?.retrying === 1);
    for (const act of [discard, retry]) {
      const refused = await act(gateway, creds, key, event);
      assert.deepEqual([refused.status, refused.body.code], [409, 'invalid_state']);
    }
    assert.deepEqual((await retried).body, { settled: true, outcome: 'accepted', reason: null });
    assert.deepEqual(await externalIds(key), ['1']);
  });

  test('cannot reach an event by the id of another key\'s', async () => {
    const [key, other] = [await freshShop(), await freshShop()];
    await deliver(gateway, key, 'order.deleted', deletion(1));
    const [event] = await parked(gateway, creds, key);
    const bytes = base32Bytes(event.event_id.slice('req_'.length));
    const foreign = `req_${base32(Buffer.concat([Buffer.from(gateOf(other.key_id), 'hex'), bytes.subarray(12, 19)]))}`;
    for (const act of [discard, retry]) {
      for (const [of, id] of [[key, foreign], [other, event.event_id], [other, foreign]]) {
        const refused = await act(gateway, creds, of, { event_id: id });
        assert.deepEqual([refused.status, refused.body.code], [404, 'not_found']);
      }
    }
    assert.equal((await parked(gateway, creds, key)).length, 1);
  });

  test('finds the parked events of a revoked key, which can only be discarded', async () => {
    const key = await freshShop();
    await answered('parked', deliver(gateway, key, 'order.created', orderBody(1), { headers: { 'x-tidegate-fault': 'ledger_error' } }));
    await must(gateway, creds.api_key, 'core.rpc_revoke_integration_key', { p_key_id: key.key_id });
    await gateway.advance(600_000);
    const [event] = await parked(gateway, creds, key);
    const refused = await retry(gateway, creds, key, event);
    assert.deepEqual([refused.status, refused.body.code], [409, 'invalid_state']);
    assert.deepEqual(await externalIds(key), []);
    assert.deepEqual((await discard(gateway, creds, key, event)).body, { discarded: true });
    assert.deepEqual(await parked(gateway, creds, key), []);
  });
});

describe('nothing is lost', () => {
  /** Brings a key's alarm to where it waits for the StoreLedger; returns the end of it. */
  async function retrying(key) {
    const alarm = gateway.advance(2_000).catch(() => {});
    await until(() => inGate(key, 'SELECT retrying FROM parked'), ([row]) => row?.retrying === 1);
    return { alarm };
  }

  test('when the objects are evicted', async () => {
    const key = await freshShop();
    await pause(key);
    for (const id of [1, 2, 3]) await answered('parked', deliver(gateway, key, 'order.created', orderBody(id)));
    const before = await parked(gateway, creds, key);
    await gateway.evict();
    assert.deepEqual(await parked(gateway, creds, key), before);
    await resume(key);
    await gateway.evict();
    await allApplied(key);
    assert.deepEqual(await externalIds(key), ['1', '2', '3']);
  });

  test('when an object is evicted in the middle of a retry', async () => {
    const key = await freshShop();
    await gateway.fault({ class: 'StoreLedger', mode: 'throw' });
    await answered('parked', deliver(gateway, key, 'order.created', orderBody(1)));
    await gateway.fault({ class: 'StoreLedger', mode: 'hang', ms: 2_500 });
    const { alarm } = await retrying(key);
    await gateway.evict();
    await gateway.fault();
    await alarm;
    await allApplied(key);
    assert.deepEqual(await externalIds(key), ['1']);
  });

  test('when the runtime is killed between parking and retry', async () => {
    const key = await freshShop();
    await gateway.fault({ class: 'StoreLedger', mode: 'throw' });
    const ids = ['1', '2', '3', '4', '5'];
    for (const id of ids) await answered('parked', deliver(gateway, key, 'order.created', orderBody(Number(id))));
    await gateway.kill();
    await gateway.start();
    await allApplied(key);
    assert.deepEqual(await externalIds(key), ids);
  });

  test('when the runtime is killed in the middle of a retry', async () => {
    const key = await freshShop();
    await gateway.fault({ class: 'StoreLedger', mode: 'throw' });
    await answered('parked', deliver(gateway, key, 'order.created', orderBody(1)));
    await gateway.fault({ class: 'StoreLedger', mode: 'hang', when: 'after', ms: 2_500 });
    const { alarm } = await retrying(key);
    await gateway.kill();
    await alarm;
    await gateway.start();
    await allApplied(key);
    assert.deepEqual(await externalIds(key), ['1']);
  });

  test('when the runtime is killed while deliveries come in: each that was answered is there', async () => {
    const key = await freshShop({ p_rate_limit_per_minute: 6000 });
    await gateway.fault({ class: 'StoreLedger', mode: 'throw' });
    const acknowledged = new Set();
    let next = 0;
    let killed = false;
    const lane = async () => {
      while (!killed) {
        const id = (next += 1);
        try {
          const { status } = await deliver(gateway, key, 'order.created', orderBody(id));
          if (status === 200) acknowledged.add(String(id));
        } catch {
          return;
        }
      }
    };
    const lanes = Array.from({ length: 8 }, lane);
    // Deliveries go on for as long as it takes to have many of them.
    await until(async () => acknowledged.size, (count) => count >= 100);
    killed = true;
    await gateway.kill();
    await Promise.all(lanes);
    await gateway.start();
    await allApplied(key, 60);
    const found = await externalIds(key);
    assert.ok(acknowledged.size > 0);
    assert.deepEqual([...acknowledged].filter((id) => !found.includes(id)), []);
    assert.equal(new Set(found).size, found.length);
  });

  test('when the reserve is full: that is answered 503, for the sender to see', async () => {
    const key = await freshShop();
    await pause(key);
    await answered('parked', deliver(gateway, key, 'order.created', orderBody(1)));
    await inGate(key, 'UPDATE parked_bytes SET bytes = bytes + 1073741824');
    const { status, headers, body } = await deliver(gateway, key, 'order.created', orderBody(2));
    assert.deepEqual([status, body.code], [503, 'reserve_full']);
    assert.ok(Number(headers.get('retry-after')) > 0);
    await inGate(key, 'UPDATE parked_bytes SET bytes = bytes - 1073741824');
    await resume(key);
    await allApplied(key);
    assert.deepEqual(await externalIds(key), ['1']);
    assert.deepEqual(await inGate(key, 'SELECT bytes FROM parked_bytes'), [{ bytes: 0 }], 'what is settled takes no room');
  });

  test('ten thousand kept events make no other event dearer', async () => {
    const key = await freshShop();
    await pause(key);
    const park = async (id) => {
      await gateway.evict();
      const cost = await gateway.cost(() => answered('parked', deliver(gateway, key, 'order.created', orderBody(id))));
      return cost.KeyGate.rows_read;
    };
    await park(1);
    const before = await park(2);
    await inGate(key, `INSERT INTO parked (id, reason, detail, topic, parent, attempts, next_at, retrying, ingest, body, token)
      SELECT value, 'awaiting_details', NULL, NULL, NULL, 0, NULL, 0, '{}', zeroblob(300), value
      FROM (WITH RECURSIVE n (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 10000) SELECT value FROM n)`);
    const after = await park(3);
    assert.ok(after <= before * 1.5, `${before} rows read, then ${after}`);
  });
});

test('the RPCs of parked events name what is wrong with their arguments', async () => {
  const key = await freshShop();
  const event = `req_${base32(Buffer.alloc(19))}`;
  for (const [name, args, pointer] of [
    ['core.rpc_list_parked_events', {}, '/p_key_id'],
    ['core.rpc_list_parked_events', { p_key_id: key.key_id, p_limit: 201 }, '/p_limit'],
    ['core.rpc_list_parked_events', { p_key_id: key.key_id, p_cursor: 'x' }, '/p_cursor'],
    ['core.rpc_retry_parked_event', { p_key_id: key.key_id }, '/p_event_id'],
    ['core.rpc_retry_parked_event', { p_key_id: key.key_id, p_event_id: 'req_x' }, '/p_event_id'],
    ['core.rpc_discard_parked_event', { p_event_id: event }, '/p_key_id'],
    ['core.rpc_discard_parked_event', { p_key_id: key.key_id, p_event_id: 7 }, '/p_event_id'],
  ]) {
    const { status, body } = await rpc(gateway, creds.api_key, name, args);
    assert.deepEqual([status, body.code, body.errors?.map((error) => error.pointer)], [422, 'validation_failed', [pointer]], `${name} ${JSON.stringify(args)}`);
  }
});
