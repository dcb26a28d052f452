/**
 * What the senders with formats of their own deliver, from the signed request to the order that is
 * read back: each example, each story in any order of arrival, and what may not be applied.
 */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { count, createStore, must, setup, useGateway } from './support/gateway.mjs';
import { deliver, fixture, fixtures, mintSender, parsed, wixClaims, wixOrder } from './support/senders.mjs';
import { log, orders, parked, retry } from './support/shop.mjs';

const gateway = await useGateway();
let creds;
before(async () => {
  creds = await setup(gateway);
});

/** A key of a sender, in a store of its own. */
async function freshKey(sender, args) {
  const store_id = await createStore(gateway, creds, sender);
  return { ...(await mintSender(gateway, { ...creds, store_id }, sender, args)), store_id };
}

/** Delivers; returns the outcome of what must have been answered exactly 200. */
async function outcome(key, body, choice) {
  const answer = await deliver(gateway, key, body, choice);
  assert.deepEqual([answer.status, Object.keys(answer.body ?? {})], [200, ['outcome', 'request_id']], answer.text);
  return answer.body.outcome;
}

const waiting = async (key) => (await parked(gateway, creds, key)).map(({ reason, detail }) => (detail ? `${reason}: ${detail}` : reason));
const allApplied = (key) => gateway.later(() => parked(gateway, creds, key), (events) => events.length === 0);

/** An order as it is read back: what it is, what was paid of it and given back, and who ordered. */
function lines({ external_id, status, total, currency, paid_total, refunded_total, payments, refunds, client }) {
  const paid = payments.map((one) => `payment ${one.external_id} ${one.amount} ${one.status} by ${one.method}, refunded ${one.refunded_total}`);
  const back = refunds.map((one) => `refund ${one.external_id} ${one.amount} ${one.status} for ${one.reason}`);
  const who = client && [`by ${client.external_id}, ${client.name}, ${client.email}, ${client.phone}`];
  return [`${external_id} ${status} ${total} ${currency}, paid ${paid_total}, refunded ${refunded_total}`, ...paid.sort(), ...back.sort(), ...(who ?? [])];
}

const readBack = async (key) => (await orders(gateway, creds, key.store_id)).map(lines);

/** The clients of a store. No API lists them yet. */
async function clients(key) {
  const rows = await gateway.sql('StoreLedger', key.store_id, 'SELECT details FROM clients ORDER BY id').catch(() => []);
  return rows.map(({ details }) => JSON.parse(details)).map(({ external_id, name, email, phone }) => `${external_id}, ${name}, ${email}, ${phone}`);
}

/** JSON in which a text `@123@` is a number of these digits, whatever their number. */
const json = (value) => JSON.stringify(value).replace(/"@(\d+)@"/g, '$1');

const IGNORED = { outcomes: ['ignored', 'ignored'] };
/** A client that an event of its own brought. */
const client = (text) => ({ outcomes: ['accepted', 'duplicate'], clients: [text] });
const order = (...expected) => ({ outcomes: ['accepted', 'duplicate'], order: expected });
/** What waits; kept twice where nothing tells one delivery from the next. */
const waits = (reason) => ({ outcomes: ['parked', 'parked'], waiting: [reason, reason] });
const thin = (what) => ({ outcomes: ['parked', 'duplicate'], waiting: [`awaiting_details: ${what}`] });

const BOB = 'by 207119551, Bob Norman, bob.norman@mail.example.com';
const BROKE = 'refund 509562969 209.00 completed for it broke during shipping';
const CUS = 'cus_00000000000000';
const PI = 'pi_000000000000000000000000';
const JANE = 'by f61f30cd-7474-47b7-95a2-339c0fcacbd3, Jane Doe, janedoe@gmail.com, +1234567890';
const WIX = ['265c7d98-a7c3-48c4-89cd-bbdc00921eab completed 215.66 USD, paid 215.66, refunded 0.00', 'payment null 215.66 completed by null, refunded 0.00', JANE];
const WEBFLOW = [
  'dfa-3f1 processing 61.22 USD, paid 60.99, refunded 0.00',
  'payment ch_1DdPYQKMjGA7k9mI2AKiBY6u 60.99 completed by stripe, refunded 0.00',
  'by null, Customerio Namen, renning+customer@webflow.com, null',
];

/** What each example does, by its file: its outcome, and that of the same delivery again. */
const EXAMPLES = {
  shopify: {
    customers_create: client('207119551, Bob Norman, bob.norman@mail.example.com, +16136120707'),
    'orders_cancelled.partially_refunded': order('450789469 cancelled 598.94 USD, paid 408.65, refunded 209.00', 'payment null 408.65 completed by bogus, refunded 0.00', BROKE, `${BOB}, +557734881234`),
    'orders_cancelled.refunded': order('450789469 cancelled 598.94 USD, paid 598.94, refunded 10.00', 'payment null 598.94 completed by bogus, refunded 0.00', 'refund 929361465 10.00 completed for Order canceled', `${BOB}, +557734881234`),
    'orders_create.paid': order('1073459972 completed 199.00 USD, paid 199.00, refunded 0.00', 'payment null 199.00 completed by null, refunded 0.00', 'by 1073339470, null, foo@example.com, null'),
    'orders_create.paid_discount': order('1073459981 processing 181.09 USD, paid 181.09, refunded 0.00', 'payment null 181.09 completed by null, refunded 0.00', 'by 1073339475, John Smith, jane@example.com, +18885551234'),
    'orders_create.paid_tax': order('1073459976 processing 238.47 EUR, paid 238.47, refunded 0.00', 'payment null 238.47 completed by null, refunded 0.00'),
    'orders_create.partially_paid': order('1073459980 on_hold 199.00 USD, paid 50.00, refunded 0.00', 'payment null 50.00 completed by null, refunded 0.00', 'by 1073339474, John Smith, jane@example.com, 555-555-5555'),
    'orders_create.pending': order('1073459983 pending 199.00 USD, paid 0.00, refunded 0.00', `${BOB}, +16136120707`),
    'orders_updated.partially_refunded': order('450789469 processing 598.94 USD, paid 408.65, refunded 209.00', 'payment null 408.65 completed by bogus, refunded 0.00', BROKE, `${BOB}, +557734881234`),
    refunds_create: waits('parent_unknown: order 450789469 has not arrived yet'),
  },
  stripe_checkout: {
    'charge.dispute.created': IGNORED,
    'charge.refund.updated': waits('parent_unknown: payment ch_000000000000000000000000 has not arrived yet'),
    'charge.refunded': waits('parent_unknown: payment ch_000000000000000000000000 has not arrived yet'),
    'charge.succeeded': waits(`parent_unknown: payment ${PI} has not arrived yet`),
    'checkout.session.completed.basil_jpy': order('cs_test_a1QFLXZqOWxmolFgTrTbRywllLMKKCXtFVqWqlmjYNvd5A3sF4UztRNdAA processing 800 JPY, paid 800, refunded 0', 'payment pi_3Rp92HE2YllEOQrt10Khp5XV 800 completed by card, refunded 0', 'by cus_SkQpGfARLDMyiS, test, customer@example.com, null'),
    'checkout.session.completed': order(`cs_test_${'0'.repeat(58)} processing 30.00 USD, paid 30.00, refunded 0.00`, `payment ${PI} 30.00 completed by card, refunded 0.00`, `by ${CUS}, null, stripe@example.com, null`),
    'checkout.session.completed.payment_mode': order('cs_00000000000000 processing 250.00 USD, paid 250.00, refunded 0.00', 'payment pi_00000000000000 250.00 completed by card, refunded 0.00', `by ${CUS}, null, example@example.com, null`),
    'customer.created': client(`${CUS}, undefined, undefined, undefined`),
    'customer.updated': client(`${CUS}, undefined, undefined, undefined`),
    'invoice.paid': IGNORED,
    'payment_intent.payment_failed': waits(`parent_unknown: payment ${PI} has not arrived yet`),
    'payment_intent.succeeded': waits(`parent_unknown: payment ${PI} has not arrived yet`),
    'resource.event': IGNORED,
    ...Object.fromEntries(['charge', 'checkout.session', 'customer', 'payment_intent', 'refund'].map((name) => [`resource.${name}`, waits('unmappable: /type is missing or empty')])),
  },
  square: {
    'customer.created': client('QPTXM8PQNX3Q726ZYHPMNP46XC, Jenkins Smorly, jenkins+smorly@squareup.com, +12126668929'),
    'customer.deleted': waits('parent_unknown: client QPTXM8PQNX3Q726ZYHPMNP46XC has not arrived yet'),
    'customer.updated': client('A0AP25A6SCVTH8JES9BX01GXM4, Jenkins Smorly, jenkins+smorly@squareup.com, +13477947111'),
    ...Object.fromEntries(['created', 'fulfillment.updated', 'updated'].map((name) => [`order.${name}`, thin('order eA3vssLHKJrv9H0IdJCM3gNqfdcZY')])),
    ...Object.fromEntries(['created', 'updated'].map((name) => [`payment.${name}`, waits('parent_unknown: order 03O3USaPaAaFnI6kkwB1JxGgBsUZY has not arrived yet')])),
    ...Object.fromEntries(['created', 'updated'].map((name) => [`refund.${name}`, waits('parent_unknown: payment KkAkhdMsgzn59SM8A89WgKwekxLZY has not arrived yet')])),
  },
  bigcommerce: {
    ...Object.fromEntries(['created', 'deleted', 'updated'].map((name) => [`store_customer_${name}`, thin('client 32')])),
    ...Object.fromEntries(['archived', 'created', 'refund_created', 'statusUpdated', 'updated'].map((name) => [`store_order_${name}`, thin('order 250')])),
  },
  squarespace: { 'order.create': thin('order 5f3c39ce69e11e796f19990e'), 'order.update': thin('order 5f3c39ce69e11e796f19990e') },
  wix: {
    'checkout_template_updated.inner_event': IGNORED,
    'order_approved.generated.jwt': order(...WIX),
    'order_object.get_order': order(...WIX),
  },
  webflow: {
    ecomm_inventory_changed: IGNORED,
    ecomm_new_order: order(...WEBFLOW),
    ecomm_order_changed: order(...WEBFLOW),
    form_submission: IGNORED,
    user_account_added: IGNORED,
  },
};

/** No deliveries: answers of an API, a key, and forgeries, which vendor-libraries.test.mjs sends. */
const NO_DELIVERY = /^rest_|public_key\.pem$|alg_none|hs256_confusion/;

/** The body of an example, its topic as the log has it, and what is said besides. */
function example(sender, name) {
  if (sender === 'shopify') {
    const topic = name.split('.')[0].replace('_', '/');
    return { body: fixture(sender, `${name}.json`), topic, choice: { topic, webhookId: name } };
  }
  if (sender === 'wix') {
    if (name === 'order_object.get_order') return { body: wixOrder('created', parsed(sender, name).order), topic: 'wix.ecom.v1.order_created' };
    if (name.startsWith('checkout')) {
      const topic = 'wix.ecom.v1.checkout_template_updated';
      return { body: wixClaims(topic, parsed(sender, name)), topic };
    }
    const claims = fixture(sender, `${name}.txt`).toString().split('.')[1];
    return { body: JSON.parse(Buffer.from(claims, 'base64url')), topic: 'wix.ecom.v1.order_approved' };
  }
  const { type, topic, scope, triggerType } = parsed(sender, name);
  // Objects of an API are no events and have no topic.
  const named = name.startsWith('resource.') && name !== 'resource.event' ? null : (type ?? topic ?? scope ?? triggerType);
  return { body: fixture(sender, `${name}.json`), topic: named, choice: { id: name } };
}

describe('each example', () => {
  for (const [sender, expected] of Object.entries(EXAMPLES)) {
    test(`of ${sender} is answered 200, logged, and does what it says, once`, async () => {
      const names = fixtures(sender).filter((name) => !NO_DELIVERY.test(name));
      assert.deepEqual(names.map((name) => name.replace(/\.(json|txt)$/, '')).sort(), Object.keys(expected).sort());
      for (const [name, does] of Object.entries(expected)) {
        // Examples come from different accounts, and a key takes one.
        const key = await freshKey(sender);
        const { body, topic, choice } = example(sender, name);
        const outcomes = [await outcome(key, body, choice), await outcome(key, body, choice)];
        assert.deepEqual(outcomes, does.outcomes, name);
        const logged = (await log(gateway, creds, key)).reverse();
        assert.deepEqual(logged.map((entry) => [entry.status, entry.topic, entry.outcome]), outcomes.map((one) => [200, topic, one]), name);
        assert.deepEqual(await waiting(key), does.waiting ?? [], name);
        assert.deepEqual(await readBack(key), does.order ? [does.order] : [], name);
        if (does.order) assert.deepEqual(logged.map((entry) => entry.external_id), Array(2).fill(does.order[0].split(' ')[0]), name);
        if (!does.order) assert.deepEqual(await clients(key), does.clients ?? [], name);
      }
    });
  }
});

/** All orders of arrival of the numbers below `n`. */
function permutations(n) {
  if (n === 0) return [[]];
  return permutations(n - 1).flatMap((rest) => Array.from({ length: n }, (_, at) => rest.toSpliced(at, 0, n - 1)));
}

/**
 * Plays a story in every order of arrival, each with ids of its own, and returns how its order stands in
 * the end, by the first order of arrival that ended so.
 *
 * @param {(n: number) => {body: any, choice?: object, name: string, parent?: boolean}[]} story - the
 *   events, with ids of the order of arrival `n`; `parent` is one that brings the order
 * @param {(text: string) => string} [bare] - takes what `n` made of the ids out again
 */
async function played(key, story, bare = (text) => text.replace(/~\d+~/g, '')) {
  const arrivals = permutations(story(0).length);
  for (let from = 0; from < arrivals.length; from += 12) {
    await Promise.all(
      arrivals.slice(from, from + 12).map(async (arrival, at) => {
        const events = story(from + at);
        let known = false;
        for (const { name, body, choice, parent } of arrival.map((index) => events[index])) {
          const came = await outcome(key, body, choice);
          known ||= Boolean(parent);
          const expected = known ? ['accepted', 'stale'] : ['parked'];
          assert.ok(expected.includes(came), `${name} of ${arrival} was ${came}`);
        }
      }),
    );
  }
  await allApplied(key);
  const stands = (await orders(gateway, creds, key.store_id)).map((order) => bare(lines(order).join('\n')));
  assert.equal(stands.length, arrivals.length);
  return count(stands);
}

/** The one way in which every order of arrival ends. */
const always = (times, ...expected) => ({ [expected.join('\n')]: times });

const STRIPE = {
  /** An event of a story: the fixture's, at a time, with members of its object replaced. */
  event(name, n, at, type, members) {
    const event = parsed('stripe_checkout', name);
    Object.assign(event, { id: `evt_${type}_${at}~${n}~`, type, created: 1_700_000_000 + at, livemode: false });
    Object.assign(event.data.object, members);
    return { name: type, body: event, parent: type.startsWith('checkout.') };
  },
  session: (n, members) => ({
    id: `cs_1~${n}~`, payment_intent: `pi_1~${n}~`, amount_total: 2000, amount_subtotal: 2000, customer: null, customer_details: null,
    payment_method_types: ['card', 'link'], ...members,
  }),
  intent: (n, members) => ({ id: `pi_1~${n}~`, payment_method_types: ['card', 'link'], ...members }),
  charge: (n, members) => ({ id: `ch_1~${n}~`, payment_intent: `pi_1~${n}~`, amount: 2000, amount_captured: 2000, created: 1_700_000_002, ...members }),
  refund: (n, members) => ({ id: `re_1~${n}~`, charge: `ch_1~${n}~`, payment_intent: `pi_1~${n}~`, ...members }),
};

describe('a story of Stripe ends the same in any order of arrival', () => {
  const { event, session, intent, charge, refund } = STRIPE;

  const paidAndGivenBack = (n) => [
    event('checkout.session.completed.payment_mode', n, 3, 'checkout.session.completed', session(n)),
    event('payment_intent.succeeded', n, 3, 'payment_intent.succeeded', intent(n)),
    event('charge.refunded', n, 9, 'charge.refunded', charge(n, { amount_refunded: 500, refunded: false })),
    event('charge.refund.updated', n, 9, 'refund.created', refund(n, { amount: 500, status: 'succeeded', reason: 'duplicate' })),
  ];
  const itsEnd = [
    'cs_1 processing 20.00 USD, paid 20.00, refunded 5.00',
    'payment pi_1 20.00 completed by card, refunded 5.00',
    'refund re_1 5.00 completed for duplicate',
  ];

  test('paid, and given back in part: what two kinds of events tell is counted once', async () => {
    const key = await freshKey('stripe_checkout');
    assert.deepEqual(await played(key, paidAndGivenBack), always(24, ...itsEnd));
  });

  test('the same all at once, and each delivery twice', async () => {
    const key = await freshKey('stripe_checkout');
    for (let n = 0; n < 10; n += 1) {
      const events = [...paidAndGivenBack(n), ...paidAndGivenBack(n).reverse()];
      await Promise.all(events.map(({ body }) => outcome(key, body)));
    }
    await allApplied(key);
    assert.deepEqual(count((await readBack(key)).map((order) => order.join('\n').replace(/~\d+~/g, ''))), always(10, ...itsEnd));
  });

  test('a payment in another currency than its order waits, with the reason', async () => {
    const key = await freshKey('stripe_checkout');
    const [order, paid] = paidAndGivenBack(0);
    assert.equal(await outcome(key, order.body), 'accepted');
    paid.body.data.object.currency = 'eur';
    assert.equal(await outcome(key, paid.body), 'parked');
    assert.deepEqual(await waiting(key), ['unmappable: is in EUR, but its order in USD']);
  });

  test('paid, and given back in two parts, of which the sum is told twice', async () => {
    const key = await freshKey('stripe_checkout');
    const ends = await played(key, (n) => [
      event('checkout.session.completed.payment_mode', n, 3, 'checkout.session.completed', session(n)),
      event('charge.refunded', n, 9, 'charge.refunded', charge(n, { amount_refunded: 500, refunded: false })),
      event('charge.refunded', n, 12, 'charge.refunded', charge(n, { amount_refunded: 2000 })),
      event('charge.refund.updated', n, 9, 'refund.created', refund(n, { amount: 500, status: 'succeeded' })),
      event('charge.refund.updated', n, 12, 'refund.created', refund(n, { id: `re_2~${n}~`, amount: 1500, status: 'succeeded' })),
    ]);
    assert.deepEqual(ends, always(120,
      'cs_1 processing 20.00 USD, paid 20.00, refunded 20.00',
      'payment pi_1 20.00 completed by card, refunded 20.00',
      'refund re_1 5.00 completed for null',
      'refund re_2 15.00 completed for null',
    ));
  });

  test('paid by a way that only the charge names', async () => {
    const key = await freshKey('stripe_checkout');
    const ends = await played(key, (n) => [
      event('checkout.session.completed.payment_mode', n, 3, 'checkout.session.completed', session(n)),
      event('charge.succeeded', n, 2, 'charge.succeeded', charge(n)),
      event('payment_intent.succeeded', n, 3, 'payment_intent.succeeded', intent(n)),
    ]);
    assert.deepEqual(ends, always(6, 'cs_1 processing 20.00 USD, paid 20.00, refunded 0.00', 'payment pi_1 20.00 completed by card, refunded 0.00'));
  });

  test('paid days later, after a first attempt that failed', async () => {
    const key = await freshKey('stripe_checkout');
    const ends = await played(key, (n) => [
      event('checkout.session.completed.payment_mode', n, 3, 'checkout.session.completed', session(n, { payment_status: 'unpaid' })),
      event('payment_intent.payment_failed', n, 1, 'payment_intent.payment_failed', intent(n)),
      event('payment_intent.succeeded', n, 90, 'payment_intent.succeeded', intent(n, { payment_method_types: ['sepa_debit'] })),
      event('checkout.session.completed.payment_mode', n, 90, 'checkout.session.async_payment_succeeded', session(n)),
    ]);
    assert.deepEqual(ends, always(24, 'cs_1 processing 20.00 USD, paid 20.00, refunded 0.00', 'payment pi_1 20.00 completed by sepa_debit, refunded 0.00'));
  });

  test('a refund that fails gives nothing back, though the charge has counted it', async () => {
    const key = await freshKey('stripe_checkout');
    const ends = await played(key, (n) => [
      event('checkout.session.completed.payment_mode', n, 3, 'checkout.session.completed', session(n)),
      event('charge.refunded', n, 9, 'charge.refunded', charge(n, { amount_refunded: 500, refunded: false })),
      event('charge.refund.updated', n, 9, 'refund.created', refund(n, { amount: 500, status: 'pending' })),
      event('charge.refund.updated', n, 20, 'refund.failed', refund(n, { amount: 500, status: 'failed' })),
    ]);
    assert.deepEqual(ends, always(24,
      'cs_1 processing 20.00 USD, paid 20.00, refunded 0.00',
      'payment pi_1 20.00 completed by card, refunded 0.00',
      'refund re_1 5.00 failed for null',
    ));
  });
});

describe('a story of the other senders ends the same in any order of arrival', () => {
  test('Shopify: paid and given back in part, told by the order and by the refund; ids keep every digit', async () => {
    // Beyond 2^53 each: a float would round them.
    const [orderId, refundId, clientId, lineId] = ['8209829119461545', '9293614720000000', '9007199254740993', '1071823188000000003'];
    const own = (id, n) => `@${id}${String(n).padStart(2, '0')}1@`;
    const story = (n) => {
      const placed = parsed('shopify', 'orders_create.paid_tax');
      const customer = { id: `@${clientId}@`, email: 'zoe@example.com' };
      Object.assign(placed, { id: own(orderId, n), customer, email: 'zoe@example.com', admin_graphql_api_id: null });
      placed.line_items[0].id = `@${lineId}@`;
      const refund = { ...parsed('shopify', 'refunds_create'), id: own(refundId, n), order_id: own(orderId, n), admin_graphql_api_id: null, note: 'wrong size' };
      refund.transactions.forEach((transaction) => Object.assign(transaction, { currency: 'EUR', total_unsettled_set: null }));
      const givenBack = { financial_status: 'partially_refunded', current_total_price: '196.53', updated_at: '2025-04-03T11:38:34-05:00', refunds: [refund] };
      const fulfilled = { ...givenBack, fulfillment_status: 'fulfilled', updated_at: '2025-04-04T11:38:34-05:00' };
      const event = (topic, body) => ({ name: topic, body: json(body), parent: topic.startsWith('orders/'), choice: { topic } });
      return [
        event('orders/create', placed),
        event('orders/updated', { ...placed, ...givenBack }),
        event('orders/fulfilled', { ...placed, ...fulfilled }),
        event('refunds/create', refund),
      ];
    };
    const key = await freshKey('shopify');
    const ends = await played(key, story, (text) => text.replace(/^8209829119461545\d\d1 /, 'order ').replace(/refund 9293614720000000\d\d1 /, 'refund '));
    assert.deepEqual(ends, always(24,
      'order completed 238.47 EUR, paid 238.47, refunded 41.94',
      'payment null 238.47 completed by null, refunded 0.00',
      'refund 41.94 completed for wrong size',
      `by ${clientId}, null, zoe@example.com, null`,
    ));
    const all = await orders(gateway, creds, key.store_id);
    const digits = (id) => Array.from({ length: 24 }, (_, n) => own(id, n).replaceAll('@', ''));
    assert.deepEqual(all.map((order) => order.external_id).sort(), digits(orderId));
    assert.deepEqual(all.map((order) => order.refunds[0].external_id).sort(), digits(refundId));
    assert.deepEqual(count(all.flatMap((order) => order.lines.map((line) => line.external_id))), { [lineId]: 24 });
    assert.deepEqual(await clients(key), [`${clientId}, undefined, zoe@example.com, undefined`]);
  });

  test('Wix: its own count of changes decides', async () => {
    const { order: wixs } = parsed('wix', 'order_object.get_order');
    const money = (amount) => ({ amount, formattedAmount: `$${amount}` });
    const story = (n) => {
      // All were changed within one moment, as far as the order says.
      const placed = { ...wixs, id: `w~${n}~`, paymentStatus: 'NOT_PAID', fulfillmentStatus: 'NOT_FULFILLED', balanceSummary: null };
      const paid = { ...placed, paymentStatus: 'PAID' };
      const fulfilled = { ...paid, fulfillmentStatus: 'FULFILLED' };
      const back = { ...fulfilled, paymentStatus: 'PARTIALLY_REFUNDED', balanceSummary: { paid: money('215.66'), refunded: money('15.66') } };
      const steps = [['created', placed], ['payment_status_updated', paid], ['fulfilled', fulfilled], ['updated', back]];
      return steps.map(([action, order], at) => ({ name: action, body: wixOrder(action, order, { sequence: String(at + 9) }), parent: true }));
    };
    const key = await freshKey('wix');
    assert.deepEqual(await played(key, story), always(24,
      'w completed 215.66 USD, paid 215.66, refunded 15.66',
      'payment null 215.66 completed by null, refunded 0.00',
      'refund null 15.66 completed for null',
      JANE,
    ));
  });

  test('Webflow: the latest of what happened to the order decides', async () => {
    const story = (n) => {
      const { payload } = parsed('webflow', 'ecomm_new_order');
      const placed = { ...payload, orderId: `f~${n}~` };
      const fulfilled = { ...placed, status: 'fulfilled', fulfilledOn: '2018-12-04T22:06:15.761Z' };
      const stripeDetails = { ...payload.stripeDetails, refundId: 're_1', refundReason: 'requested_by_customer' };
      const refunded = { ...fulfilled, status: 'refunded', refundedOn: '2018-12-05T22:06:15.761Z', stripeDetails };
      return [['ecomm_new_order', placed], ['ecomm_order_changed', fulfilled], ['ecomm_order_changed', refunded]].map(([triggerType, payload]) =>
        ({ name: payload.status, body: { triggerType, payload }, parent: true }));
    };
    const key = await freshKey('webflow');
    assert.deepEqual(await played(key, story), always(6,
      'f refunded 61.22 USD, paid 60.99, refunded 60.99',
      'payment ch_1DdPYQKMjGA7k9mI2AKiBY6u 60.99 completed by stripe, refunded 0.00',
      'refund re_1 60.99 completed for requested_by_customer',
      WEBFLOW[2],
    ));
  });

  /** What fetching the order will bring: nothing fetches it yet, so the ledger is told directly. */
  async function orderOf(key, externalId, paymentIds) {
    const [{ namespace }] = await gateway.d1('SELECT namespace FROM integration_keys WHERE key_id = ?1', [key.key_id]);
    const [{ id }] = (await log(gateway, creds, key)).slice(-1);
    const content = {
      external_id: externalId, status: 'processing', currency: 'USD', lines: [],
      totals: { subtotal: 100, discount_total: 0, shipping_total: 0, fee_total: 0, tax_total: 0, total: 100 },
    };
    const version = { modified_at: 1_700_000_000_000, refunds: 0, progress: 3, body_hash: 'fetched' };
    const event = { order: { snapshot: { content, payments: [], refunds: [], payment_ids: paymentIds, version } } };
    const origin = { store_id: key.store_id, namespace, key_id: key.key_id, request_id: id, source: 'square' };
    const { reply } = await gateway.command('StoreLedger', key.store_id, { apply: { origin, topic: 'fetched', delivery: null, event } });
    assert.equal(reply.message.done?.outcome, 'accepted', JSON.stringify(reply));
  }

  test('Square: payments and refunds are kept for the order that is yet to be fetched', async () => {
    const key = await freshKey('square');
    const told = (name, n, members) => {
      const event = parsed('square', name);
      const [kind] = name.split('.');
      Object.assign(event.data.object[kind], members);
      return Object.assign(event, { event_id: `${name}~${n}~` });
    };
    const ids = (n) => ({ payment: { id: `p~${n}~`, order_id: `o~${n}~` }, refund: { id: `r~${n}~`, payment_id: `p~${n}~`, order_id: `return~${n}~` } });
    const story = (n) => {
      const { payment, refund } = ids(n);
      const amount_money = { amount: 40, currency: 'USD' };
      return [
        told('payment.created', n, payment),
        told('payment.updated', n, { ...payment, refunded_money: amount_money, updated_at: '2020-11-23T00:00:00Z' }),
        told('refund.created', n, { ...refund, amount_money }),
        told('refund.updated', n, { ...refund, amount_money }),
      ];
    };
    const arrivals = permutations(4);
    for (const [n, arrival] of arrivals.entries()) {
      for (const index of arrival) assert.equal(await outcome(key, story(n)[index]), 'parked');
    }
    const waits = count(await waiting(key));
    assert.deepEqual([waits['parent_unknown: order o~0~ has not arrived yet'], waits['parent_unknown: payment p~0~ has not arrived yet']], [2, 2]);
    for (const n of arrivals.keys()) await orderOf(key, `o~${n}~`, [`p~${n}~`]);
    // By hand, because nothing here says that the order has come; a payment then brings its refunds.
    for (const event of (await parked(gateway, creds, key)).filter((event) => event.topic.startsWith('payment.'))) {
      const { status, body } = await retry(gateway, creds, key, event);
      assert.deepEqual([status, body.settled], [200, true], JSON.stringify(body));
    }
    await allApplied(key);
    const stands = count((await orders(gateway, creds, key.store_id)).map((order) => lines(order).join('\n').replace(/~\d+~/g, '')));
    assert.deepEqual(stands, always(24,
      'o processing 1.00 USD, paid 1.00, refunded 0.40',
      'payment p 1.00 completed by card, refunded 0.40',
      'refund r 0.40 completed for null',
    ));
  });
});

describe('what names something only', () => {
  test('waits for its details under ids of any length, each delivery once', async () => {
    const id = '9007199254740993001';
    for (const [sender, body, what] of [
      ['bigcommerce', { ...parsed('bigcommerce', 'store_order_created'), data: { type: 'order', id: `@${id}@` } }, `order ${id}`],
      ['squarespace', { ...parsed('squarespace', 'order.create'), data: { orderId: `@${id}@` } }, `order ${id}`],
    ]) {
      const key = await freshKey(sender);
      const again = { id: 'msg_1' };
      assert.deepEqual([await outcome(key, json(body), again), await outcome(key, json(body), again)], ['parked', 'duplicate']);
      assert.deepEqual(await waiting(key), [`awaiting_details: ${what}`]);
      const [event] = await parked(gateway, creds, key);
      const { body: retried } = await retry(gateway, creds, key, event);
      assert.deepEqual(retried, { settled: false, outcome: null, reason: 'awaiting_details' });
      assert.deepEqual(await readBack(key), []);
    }
  });
});

describe('another shop or account under the same key', () => {
  const wixs = parsed('wix', 'order_object.get_order').order;
  const stripe = (members) => ({ ...parsed('stripe_checkout', 'checkout.session.completed'), ...members });
  const bigcommerce = parsed('bigcommerce', 'store_order_created');
  const squarespace = parsed('squarespace', 'order.create');
  const shopify = fixture('shopify', 'orders_create.paid.json');
  const wix = (instance) => wixClaims('wix.ecom.v1.order_approved', { id: instance, actionEvent: { body: { order: wixs } } }, instance);
  const shop = (shop) => ({ topic: 'orders/create', shop });
  for (const [sender, first, second, choices = []] of [
    ['shopify', shopify, fixture('shopify', 'orders_create.pending.json'), [shop('one.myshopify.com'), shop('two.myshopify.com')]],
    ['stripe_checkout', stripe({}), stripe({ livemode: true })],
    ['stripe_checkout', stripe({}), stripe({ account: 'acct_1' })],
    ['square', parsed('square', 'customer.created'), { ...parsed('square', 'customer.updated'), merchant_id: 'ANOTHER' }],
    ['bigcommerce', bigcommerce, { ...bigcommerce, producer: 'stores/another' }],
    ['squarespace', squarespace, { ...squarespace, id: 'another', websiteId: 'another' }],
    ['wix', wix('one'), wix('two')],
  ]) {
    test(`of ${sender} is parked, and the first goes on`, async () => {
      const key = await freshKey(sender);
      const again = { ...choices[0], id: 'msg_1' };
      await outcome(key, first, again);
      const before = await readBack(key);
      assert.equal(await outcome(key, second, choices[1]), 'parked');
      assert.equal((await waiting(key))[0], 'source_changed');
      assert.deepEqual(await readBack(key), before);
      assert.equal(await outcome(key, first, again), 'duplicate');
    });
  }
});

describe('what a key may not do waits', () => {
  const { event, session, intent, charge, refund } = STRIPE;
  const all = ['orders:write', 'payments:write', 'payments:refund', 'clients:write'];
  const shopify = (name, topic) => [fixture('shopify', `${name}.json`), { topic }];
  const square = (name) => [parsed('square', name)];
  const stripe = (...about) => [event(...about).body];
  const paid = stripe('checkout.session.completed.payment_mode', 0, 3, 'checkout.session.completed', session(0));
  for (const [sender, scope, events, first] of [
    ['stripe_checkout', 'orders:write', [paid]],
    ['stripe_checkout', 'payments:write', [
      stripe('payment_intent.succeeded', 0, 3, 'payment_intent.succeeded', intent(0)),
      stripe('charge.succeeded', 0, 3, 'charge.succeeded', charge(0)),
    ], paid],
    ['stripe_checkout', 'payments:refund', [
      stripe('charge.refunded', 0, 9, 'charge.refunded', charge(0, { amount_refunded: 500 })),
      stripe('charge.refund.updated', 0, 9, 'refund.updated', refund(0)),
    ], paid],
    ['stripe_checkout', 'clients:write', [stripe('customer.created', 0, 1, 'customer.created', {})]],
    ['shopify', 'orders:write', [shopify('orders_updated.partially_refunded', 'orders/updated')]],
    ['shopify', 'payments:refund', [shopify('refunds_create', 'refunds/create')], shopify('orders_updated.partially_refunded', 'orders/updated')],
    ['shopify', 'clients:write', [shopify('customers_create', 'customers/create')], shopify('orders_create.paid', 'orders/create')],
    ['square', 'orders:write', [square('order.created')]],
    ['square', 'payments:write', [square('payment.updated')]],
    ['square', 'payments:refund', [square('refund.updated')]],
    ['square', 'clients:write', [square('customer.created')]],
  ]) {
    test(`${sender} without ${scope}`, async () => {
      const key = await freshKey(sender, { p_scopes: all.filter((one) => one !== scope) });
      // An order needs no other scope, whatever payments and refunds it carries.
      if (first) assert.equal(await outcome(key, ...first), 'accepted');
      const before = await readBack(key);
      for (const one of events) assert.equal(await outcome(key, ...one), 'parked');
      assert.deepEqual(await waiting(key), events.map(() => 'insufficient_scope'));
      assert.deepEqual(await readBack(key), before);
      const [waits] = await parked(gateway, creds, key);
      assert.equal((await retry(gateway, creds, key, waits)).body.reason, 'insufficient_scope');
    });
  }
});

describe("within its sender's own time", { concurrency: true }, () => {
  for (const [sender, limit, body, choice] of [
    ['wix', 1_250, wixOrder('approved', parsed('wix', 'order_object.get_order').order)],
    ['shopify', 5_000, fixture('shopify', 'orders_create.paid_tax.json'), { topic: 'orders/create' }],
    ['square', 10_000, parsed('square', 'customer.created')],
    ['webflow', 5_000, parsed('webflow', 'ecomm_new_order')],
    ['stripe_checkout', 10_000, parsed('stripe_checkout', 'checkout.session.completed')],
  ]) {
    test(`${sender} is answered 200 though the store does not answer, and the event is applied later`, async () => {
      const key = await freshKey(sender);
      const began = performance.now();
      assert.equal(await outcome(key, body, { ...choice, headers: { 'x-tidegate-fault': 'ledger_hang' } }), 'parked');
      const took = performance.now() - began;
      assert.ok(took < limit, `answered after ${Math.round(took)} ms`);
      await allApplied(key);
      const [retried] = await log(gateway, creds, key);
      assert.deepEqual([retried.method, retried.outcome], ['RETRY', 'accepted']);
      assert.equal((await readBack(key)).length + (await clients(key)).length > 0, true);
      assert.equal(await outcome(key, body, choice), 'duplicate');
    });
  }
});

test('a key that is shared with another sender is refused, and nothing of it is kept', async () => {
  const key = await freshKey('shopify');
  const answer = await deliver(gateway, { ...key, sender: 'webflow' }, parsed('webflow', 'ecomm_new_order'));
  assert.equal(answer.status, 403, answer.text);
  assert.equal(answer.body.code, 'wrong_payload_format');
  assert.deepEqual([await readBack(key), await waiting(key)], [[], []]);
  await must(gateway, creds.api_key, 'core.rpc_revoke_integration_key', { p_key_id: key.key_id });
  const revoked = await deliver(gateway, key, fixture('shopify', 'orders_create.paid.json'), { topic: 'orders/create' });
  assert.equal(revoked.status, 401, revoked.text);
});
