/**
 * A WooCommerce shop: recorded from the real software, re-signed with a minted key's secret, and
 * played in every order. WooCommerce never retries and switches itself off at the seventh failure,
 * so whatever is authentic is answered exactly 200.
 */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { before, describe, test } from 'node:test';
import { insertIntegrationKey } from './support/credentials.mjs';
import { createStore, mint, must, order, postOrder, send, setup, signWooCommerce, useGateway } from './support/gateway.mjs';
import { captured, changed, deliver, log, mintShop, orders, parked, ping, play, recorded, resigned } from './support/shop.mjs';

const gateway = await useGateway();
let creds;
before(async () => {
  creds = await setup(gateway);
});

const RECORDED = recorded();
const PATH = '/integrations/v1/webhook/woocommerce';
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

/** A key of a shop in a store of its own. */
async function freshShop(args) {
  const store_id = await createStore(gateway, creds, 'Shop');
  return mintShop(gateway, { ...creds, store_id }, args);
}

/** What must be the same however the requests arrived: all but what is made here. */
function content(order) {
  const { id, key_id, created_by, created_at, updated_at, client, ...rest } = order;
  assert.deepEqual(created_by, { kind: 'integration_key', id: key_id });
  return { ...rest, client: client && { ...client, id: undefined } };
}

const storedClients = async (key) => {
  const rows = await gateway.sql('StoreLedger', key.store_id, 'SELECT details FROM clients');
  return rows.map((row) => row.details).sort();
};

const history = async (key, table) => {
  const rows = await gateway.sql('StoreLedger', key.store_id, `SELECT history FROM ${table}`);
  return rows.flatMap((row) => JSON.parse(row.history)).map((entry) => entry.event);
};

/** Everything of a list in an order that depends on nothing but the seed. */
function shuffled(list, seed) {
  const mixed = [...list];
  let state = seed;
  for (let last = mixed.length - 1; last > 0; last -= 1) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const at = state % (last + 1);
    [mixed[last], mixed[at]] = [mixed[at], mixed[last]];
  }
  return mixed;
}

describe('the recorded shop ends in the same state', () => {
  const deletedFirst = [
    ...RECORDED.filter(({ topic }) => topic?.endsWith('.deleted')),
    ...RECORDED.filter(({ topic }) => !topic?.endsWith('.deleted')),
  ];
  const plays = {
    'in order': RECORDED,
    'in reverse': [...RECORDED].reverse(),
    'three times over': [...RECORDED, ...RECORDED, ...RECORDED],
    'every request three times in a row': RECORDED.flatMap((request) => [request, request, request]),
    'with what was deleted first': deletedFirst,
    ...Object.fromEntries([1, 2, 3, 4, 5, 6].map((seed) => [`in shuffle ${seed}`, shuffled(RECORDED, seed)])),
  };

  /** What a play left behind. */
  async function outcome(key) {
    await gateway.later(() => parked(gateway, creds, key), (events) => events.length === 0);
    return {
      orders: (await orders(gateway, creds, key.store_id)).map(content),
      clients: await storedClients(key),
    };
  }

  function everyAnswerIs200(requests, answers) {
    for (const [index, { status, body, text }] of answers.entries()) {
      const { seq, scenario, signed } = requests[index];
      assert.equal(status, 200, `${seq} ${scenario}: ${text}`);
      assert.equal(body.outcome === 'ping', !signed, `${seq} ${scenario}: ${text}`);
    }
  }

  let expected;
  before(async () => {
    const key = await freshShop();
    await play(gateway, key, RECORDED);
    expected = await outcome(key);
  });

  test('which is the one that the shop was in', () => {
    const told = expected.orders.map(({ external_id, status, currency, total, paid_total, refunded_total, refunds, lines }) => ({
      external_id,
      status,
      money: `${total} ${currency}, paid ${paid_total}, refunded ${refunded_total}`,
      refunds: refunds.map((refund) => refund.amount).sort(),
      lines: lines.length,
    }));
    assert.deepEqual(told, [
      { external_id: '15', status: 'refunded', money: '204.29 USD, paid 204.29, refunded 204.29', refunds: ['149.86', '54.43'], lines: 3 },
      { external_id: '26', status: 'pending', money: '0.00 USD, paid 0.00, refunded 0.00', refunds: [], lines: 1 },
      { external_id: '31', status: 'processing', money: '228.54 USD, paid 0.00, refunded 0.00', refunds: [], lines: 1 },
      { external_id: '33', status: 'pending', money: '4246.00 USD, paid 0.00, refunded 0.00', refunds: [], lines: 150 },
    ]);
  });

  for (const [name, requests] of Object.entries(plays)) {
    test(`played ${name}, each request answered 200 and nothing left parked`, async () => {
      const key = await freshShop();
      everyAnswerIs200(requests, await play(gateway, key, requests));
      assert.deepEqual(await outcome(key), expected);
      assert.equal((await history(key, 'orders')).filter((event) => event === 'order.deleted').length, 1);
      assert.equal((await history(key, 'clients')).filter((event) => event === 'customer.deleted').length, 1);
    });
  }

  test('played all at once, each request answered 200 and nothing left parked', async () => {
    const key = await freshShop();
    const answers = await Promise.all(RECORDED.map((request) => send(gateway, resigned(key, request))));
    everyAnswerIs200(RECORDED, answers);
    assert.deepEqual(await outcome(key), expected);
  });

  test('with one log entry for each request and the outcome that it had', async () => {
    const key = await freshShop();
    await play(gateway, key, RECORDED);
    const entries = (await log(gateway, creds, key)).filter((entry) => entry.count > 0);
    const signed = entries.filter((entry) => entry.outcome !== 'ping').reverse();
    assert.equal(entries.reduce((sum, entry) => sum + entry.count, 0), RECORDED.length);
    const sent = RECORDED.filter((request) => request.signed);
    assert.deepEqual(signed.map((entry) => entry.topic), sent.map((request) => request.topic));
    const ignored = sent.filter(({ topic, scenario }) => /^(product|coupon|action)\./.test(topic) || /^(gone_before|blockcheckout_draft)/.test(scenario));
    assert.deepEqual(
      signed.filter((entry) => entry.outcome === 'ignored').map((entry) => entry.topic),
      ignored.map((request) => request.topic),
    );
    assert.deepEqual(new Set(signed.map((entry) => entry.outcome)), new Set(['accepted', 'duplicate', 'ignored']));
    assert.ok(entries.every((entry) => entry.status === 200 && entry.latency_ms >= 0));
  });

  test('when its own recorded signatures are sent, under its own pasted secret', async () => {
    const [secret] = RECORDED.map((request) => request.secret).filter((secret) => secret?.length > 8);
    const key = await freshShop({ p_signing_secret: secret });
    for (const { headers, body, seq } of RECORDED.filter((request) => !request.signed || request.secret === secret)) {
      const { status, text } = await send(gateway, { method: 'POST', path: `${PATH}/${key.key_id}`, headers, body });
      assert.equal(status, 200, `${seq}: ${text}`);
    }
    assert.deepEqual(await outcome(key), expected);
  });
});

test('the same order numbers of two shops on one store stay two orders', async () => {
  const one = await freshShop();
  const second = await mintShop(gateway, { ...creds, store_id: one.store_id });
  for (const key of [one, second, one, second]) assert.equal((await deliver(gateway, key, 'order.created', captured('order.created'))).status, 200);
  const found = await orders(gateway, creds, one.store_id);
  assert.deepEqual(found.map((order) => order.external_id), ['15', '15']);
  assert.deepEqual(new Set(found.map((order) => order.key_id)), new Set([one.key_id, second.key_id]));
});

describe('a key is identified', () => {
  const request = RECORDED.find(({ topic }) => topic === 'order.created');
  const ways = {
    'by its id in the path': (key) => resigned(key, request),
    'by its id in the path, whatever else stands in the query': (key) => resigned(key, request, `${PATH}/${key.key_id}?a=1&b=`),
    'by its id in the query': (key) => resigned(key, request, `${PATH}?key=${key.key_id}`),
    'by its id in the query, among others': (key) => resigned(key, request, `${PATH}?z=&key=${key.key_id}&a=1`),
    'by itself in the header': (key) => bearing(key, resigned(key, request, PATH)),
    'by itself in the header and its id in the path': (key) => bearing(key, resigned(key, request)),
    'by itself in the header and its id in the query': (key) => bearing(key, resigned(key, request, `${PATH}?key=${key.key_id}`)),
  };
  const bearing = (key, { headers, ...rest }) => ({ ...rest, headers: { ...headers, authorization: `Bearer ${key.api_key}` } });

  for (const [way, make] of Object.entries(ways)) {
    test(way, async () => {
      const key = await freshShop();
      const { status, body } = await send(gateway, make(key));
      assert.deepEqual([status, body.outcome], [200, 'accepted']);
      assert.equal((await orders(gateway, creds, key.store_id)).length, 1);
    });
  }

  test('by nothing that names two keys', async () => {
    const [key, other] = [await freshShop(), await freshShop()];
    for (const path of [`${PATH}/${other.key_id}`, `${PATH}?key=${other.key_id}`]) {
      const answer = await send(gateway, bearing(key, resigned(key, request, path)));
      assert.deepEqual([answer.status, answer.body.code], [401, 'invalid_api_key']);
    }
    assert.deepEqual(await orders(gateway, creds, other.store_id), []);
  });

  test('not without a credential, nor with one that was made up', async () => {
    const key = await freshShop();
    const last = key.key_id.at(-1) === 'a' ? 'q' : 'a';
    const forged = key.key_id.slice(0, -1) + last;
    for (const path of [PATH, `${PATH}?key=`, `${PATH}/${forged}`, `${PATH}?key=${forged}`, `${PATH}/x`]) {
      const answer = await send(gateway, resigned(key, request, path));
      assert.deepEqual([answer.status, answer.body.code], [401, 'invalid_api_key'], path);
    }
  });
});

describe('a setup ping', () => {
  test('is answered exactly 200 and changes nothing', async () => {
    const key = await freshShop();
    const gate = (await gateway.d1('SELECT gate FROM integration_keys WHERE key_id = ?1', [key.key_id]))[0].gate;
    const held = () => gateway.sql('KeyGate', gate, 'SELECT * FROM record');
    const rows = () => gateway.d1('SELECT * FROM integration_keys WHERE key_id = ?1', [key.key_id]);
    const before = [await held(), await rows()];
    const cost = await gateway.cost(async () => {
      const { status, body } = await ping(gateway, `${PATH}/${key.key_id}`);
      assert.deepEqual([status, body], [200, { outcome: 'ping' }]);
    });
    assert.deepEqual([await held(), await rows()], before);
    assert.equal(cost.StoreLedger.fetches, 0);
    assert.equal(cost.d1.queries, 0);
    assert.deepEqual(await parked(gateway, creds, key), []);
    assert.deepEqual((await log(gateway, creds, key)).map((entry) => entry.outcome), ['ping']);
  });

  test('takes nothing from the limit', async () => {
    const key = await freshShop({ p_rate_limit_per_minute: 1 });
    for (let n = 0; n < 5; n += 1) assert.equal((await ping(gateway, `${PATH}/${key.key_id}`)).status, 200);
    const { body } = await deliver(gateway, key, 'order.created', captured('order.created'));
    assert.equal(body.outcome, 'accepted');
  });

  test('is answered 200 however the key is named, and while it is paused', async () => {
    const key = await freshShop();
    const ways = () => [
      ping(gateway, `${PATH}?key=${key.key_id}&a=1`),
      ping(gateway, PATH, { authorization: `Bearer ${key.api_key}` }),
      ping(gateway, `${PATH}/${key.key_id}`, { 'content-type': `${FORM['content-type']}; charset=UTF-8` }),
    ];
    for (const answer of await Promise.all(ways())) assert.equal(answer.status, 200);
    await must(gateway, creds.api_key, 'core.rpc_pause_integration_key', { p_key_id: key.key_id });
    for (const answer of await Promise.all(ways())) assert.equal(answer.status, 200);
  });

  test('is logged one by one only up to a cap, and then by number', async () => {
    const key = await freshShop();
    for (let n = 0; n < 100; n += 1) assert.equal((await ping(gateway, `${PATH}/${key.key_id}`)).status, 200);
    const entries = await log(gateway, creds, key);
    assert.equal(entries.reduce((sum, entry) => sum + entry.count, 0), 100);
    // 31 rows a minute, and the pings may have met the end of one.
    assert.ok(entries.length <= 62, `${entries.length} rows`);
  });

  test('is no way round the signature', async () => {
    const key = await freshShop();
    const order = captured('order.created');
    const attempts = {
      'an order as a form': [{ ...FORM, 'x-wc-webhook-topic': 'order.created' }, order],
      'a form with more in it': [FORM, 'webhook_id=1&order=2'],
      'the form as JSON': [{ 'content-type': 'application/json' }, 'webhook_id=1'],
    };
    for (const [what, [headers, body]] of Object.entries(attempts)) {
      const answer = await send(gateway, { method: 'POST', path: `${PATH}/${key.key_id}`, headers, body });
      assert.deepEqual([answer.status, answer.body.code], [401, 'signature_missing'], what);
    }
    assert.deepEqual(await orders(gateway, creds, key.store_id), []);
  });
});

describe('a wrong signature is 401, and only the operator is told why', () => {
  const BODY = captured('order.created');
  const hmac = (secret, body, encoding = 'base64') => createHmac('sha256', secret).update(body).digest(encoding);
  const compact = Buffer.from(JSON.stringify(JSON.parse(BODY)));
  const pretty = Buffer.from(JSON.stringify(JSON.parse(BODY), null, 2));

  const causes = {
    'hex instead of base64': [/hex instead of base64/, (secret) => [hmac(secret, BODY, 'hex'), BODY]],
    'a line break that was signed and not sent': [/line break/, (secret) => [hmac(secret, Buffer.concat([BODY, Buffer.from('\n')])), BODY]],
    'a line break that was sent and not signed': [/line break/, (secret) => [hmac(secret, BODY), Buffer.concat([BODY, Buffer.from('\n')])]],
    'a body that was indented on its way': [/re-serialised/, (secret) => [hmac(secret, compact), pretty]],
    // WooCommerce writes \/ and \uXXXX; whatever reads and writes the body between here and there does not.
    'a body that was read and written again on its way': [/re-serialised/, (secret) => [hmac(secret, BODY), compact]],
    'another secret': [/not signed with this key's secret/, () => [hmac('some other secret', BODY), BODY]],
    'no base64 at all': [/not signed with this key's secret/, () => ['not a signature', BODY]],
  };

  async function told(key, signature, body) {
    const headers = { 'content-type': 'application/json', 'x-wc-webhook-topic': 'order.created', 'x-wc-webhook-signature': signature };
    const answer = await send(gateway, { method: 'POST', path: `${PATH}/${key.key_id}`, headers, body });
    assert.deepEqual([answer.status, answer.body.code], [401, 'signature_invalid']);
    const [entry] = await log(gateway, creds, key);
    assert.deepEqual([entry.status, entry.error_code, entry.outcome], [401, 'signature_invalid', 'refused']);
    assert.equal(entry.id, answer.body.request_id);
    return { answer, entry };
  }

  for (const [cause, [expected, make]] of Object.entries(causes)) {
    test(cause, async () => {
      const key = await freshShop();
      const { answer, entry } = await told(key, ...make(key.signing_secret));
      assert.match(entry.detail, expected);
      assert.doesNotMatch(answer.text, /base64|line break|serialised|replaced|digest|secret that/i);
      assert.deepEqual(await orders(gateway, creds, key.store_id), []);
    });
  }

  test('a secret that was replaced a while ago', async () => {
    const key = await freshShop();
    await must(gateway, creds.api_key, 'core.rpc_set_signing_secret', { p_key_id: key.key_id, p_signing_secret: 'the new secret', p_overlap_hours: 1 });
    await gateway.advance(3_600_000);
    const { answer, entry } = await told(key, hmac(key.signing_secret, BODY), BODY);
    assert.match(entry.detail, /a secret that has been replaced/);
    assert.doesNotMatch(answer.text, /replaced/);
  });

  test('a secret that was replaced just now, without an overlap', async () => {
    const key = await freshShop();
    await must(gateway, creds.api_key, 'core.rpc_set_signing_secret', { p_key_id: key.key_id, p_signing_secret: 'the new secret', p_overlap_hours: 0 });
    const { entry } = await told(key, hmac(key.signing_secret, BODY), BODY);
    assert.match(entry.detail, /a secret that has been replaced/);
  });

  test('none at all', async () => {
    const key = await freshShop();
    const headers = { 'content-type': 'application/json', 'x-wc-webhook-topic': 'order.created' };
    const answer = await send(gateway, { method: 'POST', path: `${PATH}/${key.key_id}`, headers, body: BODY });
    assert.deepEqual([answer.status, answer.body.code], [401, 'signature_missing']);
  });

  test('one of another dialect does not count', async () => {
    const key = await freshShop();
    const headers = {
      'content-type': 'application/json',
      'x-wc-webhook-topic': 'order.created',
      'x-pck-signature': `sha256=${hmac(key.signing_secret, BODY, 'hex')}`,
    };
    const answer = await send(gateway, { method: 'POST', path: `${PATH}/${key.key_id}`, headers, body: BODY });
    assert.deepEqual([answer.status, answer.body.code], [401, 'signature_missing']);
  });

  test('they can neither flood the log nor spend the limit', async () => {
    const key = await freshShop({ p_rate_limit_per_minute: 1 });
    for (let n = 0; n < 100; n += 1) {
      const answer = await deliver(gateway, key, 'order.created', BODY, { secret: 'guessed' });
      assert.equal(answer.status, 401);
    }
    assert.equal((await deliver(gateway, key, 'order.created', BODY)).body.outcome, 'accepted');
    const entries = (await log(gateway, creds, key)).filter((entry) => entry.outcome === 'refused');
    assert.equal(entries.reduce((sum, entry) => sum + entry.count, 0), 100);
    assert.ok(entries.length <= 62, `${entries.length} rows`);
  });
});

describe('secrets as WooCommerce takes them', () => {
  // VECTORS.md, from WC_Webhook::generate_signature: the body is {"id":1}.
  const vectors = [
    ['a&b<c>d"e\'f', 'foZqn443eM0Qybd/duMHEYvbix+l74FOgX4hnUJ+Jpw='],
    ['a&amp;b&lt;c&gt;d&quot;e&#039;f', 'foZqn443eM0Qybd/duMHEYvbix+l74FOgX4hnUJ+Jpw='],
    ['pässwörd 🔑', 'VfMSMGZFUhOhD6Ozaz2bVtiJtllpxhuloav728JEXU4='],
    [' lead trail ', 'btQIDubKVRpEn7EAjZJQAKVMy4uKd3SCrrDSs+hkZZ8='],
  ];
  for (const [secret, signature] of vectors) {
    test(JSON.stringify(secret), async () => {
      const key = await freshShop({ p_signing_secret: secret });
      const headers = { 'content-type': 'application/json', 'x-wc-webhook-topic': 'product.deleted', 'x-wc-webhook-signature': signature };
      const request = { method: 'POST', path: `${PATH}/${key.key_id}`, headers };
      assert.equal((await send(gateway, { ...request, body: '{"id":1}' })).status, 200);
      assert.equal((await send(gateway, { ...request, body: '{"id":2}' })).status, 401);
    });
  }
});

describe('the topic is not signed', () => {
  test('so a deletion replayed under another topic destroys nothing', async () => {
    const key = await freshShop();
    await play(gateway, key, RECORDED);
    const before = [(await orders(gateway, creds, key.store_id)).map(content), await storedClients(key)];
    for (const name of ['customer.deleted', 'order.deleted']) {
      for (const topic of ['order.deleted', 'customer.deleted', 'product.deleted', 'order.restored', 'order.updated', 'customer.updated', 'order.permanently_deleted']) {
        assert.equal((await deliver(gateway, key, topic, captured(name))).status, 200, `${name} as ${topic}`);
      }
    }
    assert.deepEqual([(await orders(gateway, creds, key.store_id)).map(content), await storedClients(key)], before);
  });

  test('so an order replayed as a customer, or the reverse, becomes neither', async () => {
    const key = await freshShop();
    await deliver(gateway, key, 'customer.created', captured('order.created'));
    await deliver(gateway, key, 'order.created', captured('customer.created'));
    assert.deepEqual(await orders(gateway, creds, key.store_id), []);
    assert.deepEqual((await parked(gateway, creds, key)).map((event) => event.reason), ['unmappable', 'unmappable']);
  });

  test('and a delivery without one is recorded and ignored', async () => {
    const key = await freshShop();
    const { status, body } = await deliver(gateway, key, '', captured('order.created'));
    assert.deepEqual([status, body.outcome], [200, 'ignored']);
  });
});

test('an event that is older than what is stored has no effect', async () => {
  const key = await freshShop();
  const at = (time, members) => changed('order.created', { date_modified_gmt: time, ...members });
  await deliver(gateway, key, 'order.updated', at('2026-11-22T12:00:01', { status: 'completed' }));
  const older = await deliver(gateway, key, 'order.created', at('2026-11-22T12:00:00', { status: 'processing' }));
  assert.deepEqual([older.status, older.body.outcome], [200, 'stale']);
  const [stored] = await orders(gateway, creds, key.store_id);
  assert.equal(stored.status, 'completed');
});

test('of two events of one second the one with more refunds stands, then the one further on', async () => {
  const key = await freshShop();
  const partial = { refunds: [{ id: 16, reason: '', total: '-10.00' }] };
  const variants = [
    changed('order.created', { status: 'cancelled' }),
    changed('order.created', { status: 'processing', ...partial }),
    changed('order.created', { status: 'completed' }),
  ];
  for (const bodies of [variants, [...variants].reverse()]) {
    for (const body of bodies) assert.equal((await deliver(gateway, key, 'order.updated', body)).status, 200);
    const [stored] = await orders(gateway, creds, key.store_id);
    assert.deepEqual([stored.status, stored.refunded_total], ['processing', '10.00']);
  }
});

test('a revoked key answers 401 to everything, pings included', async () => {
  const key = await freshShop();
  assert.equal((await deliver(gateway, key, 'order.created', captured('order.created'))).status, 200);
  await must(gateway, creds.api_key, 'core.rpc_revoke_integration_key', { p_key_id: key.key_id });
  for (const answer of [await deliver(gateway, key, 'order.updated', captured('order.restored')), await ping(gateway, `${PATH}/${key.key_id}`)]) {
    assert.deepEqual([answer.status, answer.body.code], [401, 'invalid_api_key']);
  }
  await gateway.evict();
  assert.equal((await deliver(gateway, key, 'order.updated', captured('order.restored'))).status, 401);
});

test('an expired key answers 401 to everything, pings included', async () => {
  const day = 86_400_000;
  const key = await insertIntegrationKey(gateway, creds, {
    source: 'woocommerce',
    payload_format: 'woocommerce',
    require_signature: 1,
    created_at: gateway.now() - 2 * day,
    expires_at: gateway.now() - day,
  });
  key.signing_secret = 'whatever it was';
  for (const answer of [await deliver(gateway, key, 'order.created', captured('order.created')), await ping(gateway, `${PATH}/${key.key_id}`)]) {
    assert.deepEqual([answer.status, answer.body.code], [401, 'api_key_expired']);
  }
});

test('a key of another payload format is refused on this path, and a shop\'s key on the others', async () => {
  const custom = await mint(gateway, creds);
  const wrong = { code: 'wrong_payload_format', status: 403 };
  const answers = {
    delivery: await deliver(gateway, custom, 'order.created', captured('order.created')),
    ping: await ping(gateway, `${PATH}/${custom.key_id}`),
  };
  const key = await freshShop();
  answers.order = await postOrder(gateway, key, order());
  for (const [what, { status, body }] of Object.entries(answers)) {
    assert.deepEqual({ code: body.code, status }, wrong, what);
    assert.match(body.detail, what === 'order' ? /webhook\/woocommerce/ : /integrations\/v1\/orders/);
  }
});

test('a full key in the query is refused with an explanation, and reaches no object', async () => {
  const key = await freshShop();
  const cost = await gateway.cost(async () => {
    for (const query of [`key=${key.api_key}`, `a=1&key=${key.api_key}`, `secret=${key.api_key}`]) {
      for (const answer of [
        await send(gateway, resigned(key, RECORDED[12], `${PATH}?${query}`)),
        await send(gateway, resigned(key, RECORDED[12], `${PATH}/${key.key_id}?${query}`)),
        await ping(gateway, `${PATH}?${query}`),
        await send(gateway, { method: 'POST', path: `/integrations/v1/orders?${query}`, body: '{}' }),
      ]) {
        assert.deepEqual([answer.status, answer.body.code], [400, 'key_in_query']);
        assert.match(answer.body.detail, /revoke/);
        assert.ok(!answer.text.includes(key.api_key));
      }
    }
  });
  assert.deepEqual([cost.KeyGate.fetches, cost.StoreLedger.fetches, cost.d1.queries], [0, 0, 0]);
});

describe('never a redirect', () => {
  test('a path that is not exactly right is 404', async () => {
    const key = await freshShop();
    const paths = [
      `${PATH}/${key.key_id}/`,
      `${PATH}/?key=${key.key_id}`,
      `/${PATH}/${key.key_id}`,
      `/integrations/v1/webhook//woocommerce/${key.key_id}`,
      `/integrations/v1/webhook/WooCommerce/${key.key_id}`,
      `/integrations/v1/Webhook/woocommerce/${key.key_id}`,
      `/integrations/v1/webhook/magento/${key.key_id}`,
      `/integrations/v1/webhook/zapier/${key.key_id}`,
      `/integrations/v1/webhook/?key=${key.key_id}`,
      `/integrations/v2/webhook/woocommerce/${key.key_id}`,
    ];
    for (const path of paths) {
      for (const answer of [await send(gateway, resigned(key, RECORDED[12], path)), await ping(gateway, path)]) {
        assert.deepEqual([answer.status, answer.body.code], [404, 'not_found'], path);
        assert.equal(answer.headers.get('location'), null);
      }
    }
  });

  test('another method is 405 and says which one it takes', async () => {
    const key = await freshShop();
    for (const method of ['GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      const answer = await send(gateway, { method, path: `${PATH}/${key.key_id}` });
      assert.deepEqual([answer.status, answer.headers.get('allow')], [405, 'POST'], method);
    }
  });
});

test('a body of a mebibyte is taken, one byte more is 413', async () => {
  const key = await freshShop();
  const fitting = (bytes) => {
    const body = JSON.parse(captured('order.created'));
    body.customer_note = '';
    body.customer_note = 'x'.repeat(bytes - Buffer.byteLength(JSON.stringify(body)));
    return JSON.stringify(body);
  };
  assert.equal((await deliver(gateway, key, 'order.created', fitting(1 << 20))).status, 200);
  assert.equal((await deliver(gateway, key, 'order.created', fitting((1 << 20) + 1))).status, 413);
});
