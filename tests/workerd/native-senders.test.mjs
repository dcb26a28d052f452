/**
 * Every sender's own signature, from the key that awaits its secret to the rotation of it. The
 * signatures are made here from the vendors' descriptions, with Node's own cryptography.
 */
import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { mint, must, order, postOrder, rpc, send, setup, useGateway } from './support/gateway.mjs';
import { discard, parked, retry } from './support/shop.mjs';

const FIXTURES = path.join(path.dirname(fileURLToPath(import.meta.url)), '../fixtures');
const fixture = (name) => readFileSync(path.join(FIXTURES, name));

const hmac = (key, parts, encoding) => {
  const mac = createHmac('sha256', key);
  for (const part of parts) mac.update(part);
  return mac.digest(encoding);
};
const seconds = (offset = 0) => String(Math.floor(Date.now() / 1000) + offset);
const base64url = (value) => Buffer.from(value).toString('base64url');
const pem = (publicKey) => publicKey.export({ type: 'spki', format: 'pem' });

/** A key pair of Wix's, the private half kept under the pasted public one. */
const PRIVATE = new Map();
function wixKey() {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  PRIVATE.set(pem(publicKey), privateKey);
  return pem(publicKey);
}

/** A token of Wix around the order of its reference, or any other claims. */
function wixToken(secret, { header = { alg: 'RS256', kid: 'test' }, claims = {}, signed } = {}) {
  const given = fixture('wix/order_approved.generated.jwt.txt').toString().trim().split('.')[1];
  const all = { ...JSON.parse(Buffer.from(given, 'base64url')), iat: Number(seconds()), exp: Number(seconds(3600)), ...claims };
  const input = `${base64url(JSON.stringify(header))}.${base64url(JSON.stringify(all))}`;
  const signature = signed ? signed(input) : sign('RSA-SHA256', Buffer.from(input), PRIVATE.get(secret));
  return `${input}.${base64url(signature)}`;
}

/**
 * How each sender makes its secrets and signs. `sign` answers the headers; `at` moves the signed
 * time by so many seconds, where the scheme signs one.
 */
const SENDERS = {
  shopify: {
    secret: () => `shpss_${randomUUID()}`,
    body: fixture('shopify/orders_create.paid.json'),
    sign: ({ secret, body }) => ({
      'x-shopify-topic': 'orders/create',
      'x-shopify-shop-domain': 'shop.example.com',
      'x-shopify-webhook-id': randomUUID(),
      'x-shopify-hmac-sha256': hmac(secret, [body], 'base64'),
    }),
    wrong: 'short',
  },
  stripe_checkout: {
    secret: () => `whsec_${randomUUID()}`,
    body: fixture('stripe_checkout/checkout.session.completed.json'),
    sign: ({ secret, body, at }) => ({ 'stripe-signature': `t=${seconds(at)},v1=${hmac(secret, [`${seconds(at)}.`, body], 'hex')}` }),
    timed: true,
    wrong: 'without-its-prefix',
  },
  square: {
    secret: () => randomUUID(),
    body: fixture('square/payment.created.json'),
    sign: ({ secret, body, url }) => ({ 'x-square-hmacsha256-signature': hmac(secret, [url, body], 'base64') }),
    wrong: 'short',
  },
  bigcommerce: {
    secret: () => randomUUID().replaceAll('-', ''),
    body: fixture('bigcommerce/store_order_created.json'),
    sign: ({ secret, body, at, id = `msg_${randomUUID()}` }) => ({
      'webhook-id': id,
      'webhook-timestamp': seconds(at),
      'webhook-signature': `v1,${hmac(secret, [`${id}.${seconds(at)}.`, body], 'base64')}`,
    }),
    timed: true,
    wrong: 'short',
  },
  squarespace: {
    secret: () => randomUUID().replaceAll('-', '').toUpperCase(),
    body: fixture('squarespace/order.create.json'),
    sign: ({ secret, body }) => ({ 'squarespace-signature': hmac(Buffer.from(secret, 'hex'), [body], 'hex') }),
    wrong: 'this is not hex',
  },
  webflow: {
    secret: () => randomUUID(),
    body: fixture('webflow/ecomm_new_order.json'),
    sign: ({ secret, body, at }) => {
      const time = `${seconds(at)}000`;
      return { 'x-webflow-timestamp': time, 'x-webflow-signature': hmac(secret, [`${time}:`, body], 'hex') };
    },
    timed: true,
    wrong: 'short',
  },
  wix: { secret: wixKey, token: wixToken, wrong: 'MIIBIjANBgkqhkiG' },
};

const gateway = await useGateway();
let creds;
before(async () => {
  creds = await setup(gateway);
});

const mintNative = (format, args = {}) => mint(gateway, creds, { p_source: format, p_payload_format: format, ...args });
const paste = (key, secret, args = {}) =>
  rpc(gateway, creds.api_key, 'core.rpc_set_signing_secret', { p_key_id: key.key_id, p_signing_secret: secret, ...args });

/** One delivery, signed as the sender does unless `headers` or `body` say otherwise. */
function deliver(format, key, secret, { body, headers, ...choice } = {}) {
  const sender = SENDERS[format];
  const sent = body ?? sender.token?.(secret, choice) ?? sender.body;
  const url = choice.url ?? key.notification_url;
  return send(gateway, {
    method: 'POST',
    path: `/integrations/v1/webhook/${format}/${key.key_id}`,
    headers: { 'content-type': 'text/plain', ...sender.sign?.({ secret, body: sent, url, ...choice }), ...headers },
    body: sent,
  });
}

/** The newest entry of a key's log. */
async function logged(key) {
  const { requests } = await must(gateway, creds.api_key, 'core.rpc_list_integration_requests', { p_key_id: key.key_id, p_limit: 1 });
  return requests[0];
}

function accepted(answer) {
  assert.equal(answer.status, 200, answer.text);
  assert.ok(answer.body.outcome && answer.body.request_id, answer.text);
  return answer.body.outcome;
}

function refused(answer, code) {
  assert.deepEqual([answer.status, answer.body?.code], [401, code], answer.text);
}

for (const [format, sender] of Object.entries(SENDERS)) {
  describe(format, () => {
    let key;
    const first = sender.secret();
    const second = sender.secret();

    test('refuses everything until its secret is pasted, and tells the operator why', async () => {
      key = await mintNative(format);
      assert.equal(key.awaiting_secret, true);
      assert.equal(key.signing_secret, null);
      assert.equal(key.notification_url, format === 'square' ? key.webhook_url : null);
      refused(await deliver(format, key, first), 'signature_invalid');
      const entry = await logged(key);
      assert.deepEqual([entry.status, entry.outcome], [401, 'refused']);
      assert.match(entry.detail, /awaits its signing secret/);
    });

    test('takes no secret of another form', async () => {
      for (const answer of [await paste(key, sender.wrong), await rpc(gateway, creds.api_key, 'core.rpc_create_integration_key', {
        p_store_id: creds.store_id, p_name: 'Wrong', p_source: format, p_payload_format: format, p_scopes: ['orders:write'], p_signing_secret: sender.wrong,
      })]) {
        assert.equal(answer.status, 422);
        assert.deepEqual(answer.body.errors.map(({ pointer, code }) => [pointer, code]), [['/p_signing_secret', 'invalid_secret']]);
      }
    });

    test('answers a signed delivery with exactly 200, and logs it with its topic', async () => {
      const pasted = await paste(key, first);
      assert.equal(pasted.status, 200, JSON.stringify(pasted.body));
      assert.equal(pasted.body.awaiting_secret, false);
      accepted(await deliver(format, key, first));
      const entry = await logged(key);
      assert.equal(entry.status, 200);
      assert.notEqual(entry.outcome, 'refused');
      assert.ok(entry.topic, JSON.stringify(entry));
    });

    test('refuses a missing, a wrong and a tampered signature', async () => {
      const stranger = sender.secret();
      refused(await deliver(format, key, stranger), 'signature_invalid');
      const { detail, topic } = await logged(key);
      assert.match(detail, format === 'square' ? /another address than http/ : /not signed with/);
      // The body of somebody unknown is not read: only a header can say a topic by then.
      assert.equal(topic, format === 'shopify' ? 'orders/create' : null);
      if (!sender.sign) return;
      const unsigned = Object.fromEntries(Object.keys(sender.sign({ secret: first, body: '', url: '' })).map((name) => [name, '']));
      const bare = { method: 'POST', path: `/integrations/v1/webhook/${format}/${key.key_id}`, body: sender.body };
      refused(await send(gateway, bare), 'signature_missing');
      refused(await send(gateway, { ...bare, headers: unsigned }), 'signature_invalid');
      const headers = sender.sign({ secret: first, body: sender.body, url: key.notification_url });
      refused(await deliver(format, key, first, { body: `${sender.body} `, headers }), 'signature_invalid');
    });

    if (sender.timed) {
      test('refuses a timestamp of more than 300 s either way', async () => {
        for (const at of [-310, 310]) refused(await deliver(format, key, first, { at }), 'signature_expired');
        accepted(await deliver(format, key, first, { at: -290 }));
      });
    }

    test('takes two secrets during a rotation, and one after it', async () => {
      assert.equal((await paste(key, second)).status, 200);
      accepted(await deliver(format, key, first));
      accepted(await deliver(format, key, second));
      assert.equal((await paste(key, sender.secret(), { p_overlap_hours: 0 })).status, 200);
      refused(await deliver(format, key, second), 'signature_invalid');
      if (sender.sign) assert.match((await logged(key)).detail, /has been replaced/);
    });
  });
}

describe('square', () => {
  test('verifies against the address as it is registered, and changes it with the secret', async () => {
    const secret = SENDERS.square.secret();
    const registered = 'https://hooks.example.com/square?key=a';
    const key = await mintNative('square', { p_signing_secret: secret, p_notification_url: registered });
    assert.equal(key.notification_url, registered);
    accepted(await deliver('square', key, secret));
    refused(await deliver('square', key, secret, { url: registered.slice(0, -1) }), 'signature_invalid');
    assert.ok((await logged(key)).detail.includes(registered));
    const moved = 'https://hooks.example.com/square';
    const answer = await paste(key, secret, { p_notification_url: moved });
    assert.equal(answer.body.notification_url, moved);
    accepted(await deliver('square', key, secret, { url: moved }));
    await gateway.evict();
    accepted(await deliver('square', key, secret, { url: moved }));
    const [row] = await gateway.d1('SELECT notification_url FROM integration_keys WHERE key_id = ?1', [key.key_id]);
    assert.equal(row.notification_url, moved);
    await assert.rejects(gateway.d1('UPDATE integration_keys SET notification_url = ?2 WHERE key_id = ?1', [key.key_id, registered]), /only with the secret/);
  });

  test('takes no address that it could not be registered with, and no other sender takes one', async () => {
    const base = { p_store_id: creds.store_id, p_name: 'Shop', p_scopes: ['orders:write'] };
    for (const [format, url, code] of [
      ['square', 'http://hooks.example.com/', 'invalid_url'],
      ['square', 'https:///path', 'invalid_url'],
      ['square', 'https://hooks.example.com/a b', 'invalid_url'],
      ['square', `https://hooks.example.com/${'x'.repeat(1_024)}`, 'too_long'],
      ['shopify', 'https://hooks.example.com/', 'not_applicable'],
    ]) {
      const args = { ...base, p_source: format, p_payload_format: format, p_notification_url: url };
      const answer = await rpc(gateway, creds.api_key, 'core.rpc_create_integration_key', args);
      assert.deepEqual([answer.status, answer.body.errors?.[0].pointer, answer.body.errors?.[0].code], [422, '/p_notification_url', code]);
    }
    const shopify = await mintNative('shopify');
    assert.equal((await paste(shopify, 'shpss_a_new_secret', { p_notification_url: 'https://example.com/' })).status, 422);
  });
});

describe('wix', () => {
  test('takes only tokens that are signed with RS256 under the pasted key', async () => {
    const publicKey = fixture('wix/order_approved.generated.public_key.pem').toString();
    const key = await mintNative('wix', { p_signing_secret: publicKey.replaceAll('\n', '\r\n') });
    const token = (name) => fixture(`wix/order_approved.generated.${name}.txt`).toString().trim();
    const good = token('jwt');
    accepted(await deliver('wix', key, publicKey, { body: good }));
    for (const body of [token('alg_none.jwt'), token('hs256_confusion.jwt'), `${good.slice(0, -6)}AAAAAA`]) {
      refused(await deliver('wix', key, publicKey, { body }), 'signature_invalid');
    }
    refused(await deliver('wix', key, publicKey, { body: '{"data":"{}"}' }), 'signature_missing');
  });

  test('holds a token to its times', async () => {
    const secret = wixKey();
    const key = await mintNative('wix', { p_signing_secret: secret.split('\n').slice(1, -2).join('') });
    accepted(await deliver('wix', key, secret));
    refused(await deliver('wix', key, secret, { claims: { exp: Number(seconds(-310)) } }), 'signature_expired');
    refused(await deliver('wix', key, secret, { claims: { iat: Number(seconds(310)) } }), 'signature_expired');
    const confused = (input) => hmac(secret, [input]);
    refused(await deliver('wix', key, secret, { header: { alg: 'HS256' }, signed: confused }), 'signature_invalid');
    refused(await deliver('wix', key, secret, { header: { alg: 'RS256' }, signed: confused }), 'signature_invalid');
  });

  test('takes no key of less than 2048 bits, no private one and none of another kind', async () => {
    const short = pem(generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey);
    const ec = pem(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey);
    const secret = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' });
    const key = await mintNative('wix');
    for (const pasted of [short, ec, secret]) assert.equal((await paste(key, pasted)).status, 422);
  });
});

describe('Standard Webhooks with a public key', () => {
  test('an order that is signed with ed25519 is accepted, and nothing that is signed with the public key', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);
    const key = await mint(gateway, creds, { p_signing_secret: `whpk_${raw.toString('base64')}` });
    const headers = (body, { key: pair = privateKey, at = 0, id = `msg_${randomUUID()}` } = {}) => {
      const signature = sign(null, Buffer.from(`${id}.${seconds(at)}.${body}`), pair).toString('base64');
      return { 'webhook-id': id, 'webhook-timestamp': seconds(at), 'webhook-signature': `v1,AAAA v1a,${signature}` };
    };
    const post = (choice) => postOrder(gateway, key, order(), { sign: (_, body) => headers(body, choice) });
    const withSecret = { ...key, signing_secret: 'asymmetric' };
    const sent = (choice) => postOrder(gateway, withSecret, order(), { sign: (_, body) => headers(body, choice) });
    assert.equal((await sent()).status, 201);
    refused(await sent({ at: -310 }), 'signature_expired');
    refused(await sent({ key: generateKeyPairSync('ed25519').privateKey }), 'signature_invalid');
    refused(await post(), 'signature_missing');
    const own = { ...key, signing_secret: `whpk_${raw.toString('base64')}` };
    refused(await postOrder(gateway, own, order()), 'signature_invalid');
  });
});

describe('events that only name what changed', () => {
  test('are kept once, and do not count as failing', async () => {
    const secret = SENDERS.bigcommerce.secret();
    const key = await mintNative('bigcommerce', { p_signing_secret: secret });
    const id = `msg_${randomUUID()}`;
    assert.equal(accepted(await deliver('bigcommerce', key, secret, { id })), 'parked');
    assert.equal(accepted(await deliver('bigcommerce', key, secret, { id })), 'duplicate');
    await gateway.evict();
    assert.equal(accepted(await deliver('bigcommerce', key, secret, { id, at: 1 })), 'duplicate');
    assert.equal(accepted(await deliver('bigcommerce', key, secret)), 'parked');
    const kept = await parked(gateway, creds, key);
    assert.deepEqual(kept.map(({ reason }) => reason), ['awaiting_details', 'awaiting_details']);

    const retried = await retry(gateway, creds, key, kept[0]);
    assert.equal(retried.status, 200, JSON.stringify(retried.body));
    const still = await parked(gateway, creds, key);
    assert.deepEqual(still.map(({ event_id, reason }) => [event_id, reason]), kept.map(({ event_id }) => [event_id, 'awaiting_details']));

    await discard(gateway, creds, key, kept[1]);
    assert.equal(accepted(await deliver('bigcommerce', key, secret, { id })), 'parked');
  });
});
