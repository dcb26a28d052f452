/**
 * The vendors' own libraries as senders and verifiers: what they sign is accepted, what they reject is
 * refused. Where the two differ, a row says so, and why that is right.
 */
import assert from 'node:assert/strict';
import { createHmac, createPublicKey, createSecretKey, randomUUID } from 'node:crypto';
import { before, describe, test } from 'node:test';
import '@shopify/shopify-api/adapters/node';
import { LogSeverity, shopifyApi } from '@shopify/shopify-api';
import { SignJWT, UnsecuredJWT, generateKeyPair, jwtVerify } from 'jose';
import { WebhooksHelper } from 'square';
import { Webhook } from 'standardwebhooks';
import Stripe from 'stripe';
import { Webhook as SvixWebhook } from 'svix';
import { WebflowClient } from 'webflow-api';
import { mint, order, send, setup, useGateway } from './support/gateway.mjs';
import { delivery, fixture, fixtures, mintSender, parsed, wixOrder } from './support/senders.mjs';

const gateway = await useGateway();
let creds;
before(async () => {
  creds = await setup(gateway);
});

const now = () => Math.floor(Date.now() / 1000);
const base64 = (key, text) => createHmac('sha256', key).update(text).digest('base64');

const ACCEPTED = 'accepted';
const REFUSED = 'refused';
/** What the gateway does though the library does the other. */
const only = (verdict, because) => ({ verdict, because });

/** Sends a request: whether its signature was held to be good. */
async function judged(request) {
  const { status, text } = await send(gateway, request);
  if (status === 401) return REFUSED;
  assert.ok(status === 200 || status === 201, `${status} ${text}`);
  return ACCEPTED;
}

/** What a library says: it throws or answers something false where it rejects. */
async function verdict(verify) {
  try {
    return (await verify()) === false ? REFUSED : ACCEPTED;
  } catch {
    return REFUSED;
  }
}

/**
 * Holds the gateway and a library to a table.
 *
 * @param {[name: string, request: object, expected: string | {verdict: string, because: string}][]} table
 * @param {(request: object) => any} verify - by the library
 */
async function compare(table, verify) {
  for (const [name, request, expected] of table) {
    const gate = expected.verdict ?? expected;
    const other = gate === ACCEPTED ? REFUSED : ACCEPTED;
    const library = expected.because ? other : gate;
    assert.deepEqual({ gateway: await judged(request), library: await verdict(() => verify(request)) }, { gateway: gate, library }, name);
  }
}

/** A request with other headers (`undefined` leaves one out), and perhaps another body. */
function altered(request, headers, body = request.body) {
  const all = Object.entries({ ...request.headers, ...headers });
  return { ...request, headers: Object.fromEntries(all.filter(([, value]) => value !== undefined)), body };
}

/** The body with one of its bytes changed. */
function flipped(body) {
  const bytes = Buffer.from(body);
  bytes[bytes.length >> 1] ^= 1;
  return bytes.toString('latin1') === String(body) ? bytes : bytes.toString();
}

const jsonOf = (sender) => fixtures(sender).filter((name) => name.endsWith('.json'));
const HEX_CASE = 'a digest is compared by its bytes, and hex in capitals is the same bytes';

describe('stripe', () => {
  const stripe = new Stripe('sk_test_unused');
  const PAST = 305;
  let key;
  before(async () => {
    key = await mintSender(gateway, creds, 'stripe_checkout');
  });
  const signed = (body, options = {}) => {
    const header = stripe.webhooks.generateTestHeaderString({ payload: body, secret: key.secret, ...options });
    return altered(delivery(key, body), { 'stripe-signature': header });
  };
  const verify = ({ headers, body }) => stripe.webhooks.constructEvent(body, headers['stripe-signature'], key.secret);

  test('what it signs is accepted', async () => {
    const bodies = jsonOf('stripe_checkout').map((name) => [name, fixture('stripe_checkout', name).toString()]);
    await compare(bodies.map(([name, body]) => [name, signed(body), ACCEPTED]), verify);
  });

  test('what it rejects is refused', async () => {
    const body = fixture('stripe_checkout', 'checkout.session.completed.json').toString();
    const good = signed(body);
    const header = good.headers['stripe-signature'];
    const [t, v1] = header.split(',');
    const other = signed(body, { secret: 'whsec_another' }).headers['stripe-signature'].split(',')[1];
    const headed = (value) => altered(good, { 'stripe-signature': value });
    const bare = key.secret.slice('whsec_'.length);
    const stricter = (because) => only(REFUSED, because);
    await compare([
      ['as it is', good, ACCEPTED],
      ['another secret', signed(body, { secret: 'whsec_another' }), REFUSED],
      ['the secret without its prefix', signed(body, { secret: bare }), REFUSED],
      ['the secret decoded', signed(body, { secret: Buffer.from(bare, 'base64').toString('latin1') }), REFUSED],
      ['a changed byte', altered(good, {}, flipped(body)), REFUSED],
      ['a line break more', altered(good, {}, `${body}\n`), REFUSED],
      ['re-serialised', altered(good, {}, JSON.stringify(JSON.parse(body))), REFUSED],
      ['no header', headed(undefined), REFUSED],
      ['an empty header', headed(''), REFUSED],
      ['bad_header', headed('bad_header'), REFUSED],
      ['only v0', headed(`${t},${v1.replace('v1', 'v0')}`), REFUSED],
      ['another v0 besides', headed(`${header},v0=${'0'.repeat(64)}`), ACCEPTED],
      ['no time', headed(v1), REFUSED],
      ['no signature', headed(t), REFUSED],
      ['an empty signature', headed(`${t},v1=`), REFUSED],
      ['v1=bad_signature', headed(`${t},v1=bad_signature`), REFUSED],
      ['cut short', headed(header.slice(0, -1)), REFUSED],
      ['one digit more', headed(`${header}0`), REFUSED],
      ['in base64', headed(`${t},v1=${Buffer.from(v1.slice(3), 'hex').toString('base64')}`), REFUSED],
      ['in capitals', headed(`${t},v1=${v1.slice(3).toUpperCase()}`), only(ACCEPTED, HEX_CASE)],
      ['another time than was signed', headed(`t=${now() - 7},${v1}`), REFUSED],
      ['two signatures, the second good', headed(`${t},${other},${v1}`), ACCEPTED],
      ['two signatures, the first good', headed(`${t},${v1},${other}`), ACCEPTED],
      ['two signatures, none good', headed(`${t},${other},${other}`), REFUSED],
      ['in another order', headed(`${v1},${t}`), ACCEPTED],
      ['two times, the first good', headed(`${t},t=${now() - 7},${v1}`), REFUSED],
      ['two times, the second good', headed(`t=${now() - 7},${t},${v1}`), stricter('the library takes the last; which one was signed is not to be guessed')],
      ['a space between the parts', headed(`${t}, ${v1}`), REFUSED],
      ['a little old', signed(body, { timestamp: now() - 290 }), ACCEPTED],
      ['too old', signed(body, { timestamp: now() - PAST }), REFUSED],
      ['a little early', signed(body, { timestamp: now() + 290 }), ACCEPTED],
      ['too early', signed(body, { timestamp: now() + PAST }), stricter('the library looks at the age only; a captured delivery must not be good for longer than the tolerance')],
      ['a time that is no number', headed(`t=now,${v1}`), REFUSED],
      ['a time with letters behind it', headed(`${t}s,${v1}`), stricter('the library signs the number that it could read, not the text that was sent')],
      ['an empty body', signed(''), only(ACCEPTED, 'what is authentic is kept, here as unmappable; the library has nothing to parse')],
      ['an event of another kind', signed(JSON.stringify({ id: 'evt_1', object: 'v2.core.event' })), only(ACCEPTED, 'what is authentic is kept, here as unmappable; the library refers to another of its functions')],
    ], verify);
  });
});

/** The table that Standard Webhooks' libraries share. */
function standardTable({ good, sign, signed, secret, body }) {
  const signature = good.headers['webhook-signature'];
  const digest = signature.slice('v1,'.length);
  const wrong = sign(secret, 'something else').slice('v1,'.length);
  const headed = (headers) => altered(good, headers);
  const list = (...entries) => headed({ 'webhook-signature': entries.join(' ') });
  return [
    ['as it is', good, ACCEPTED],
    ['a changed byte', altered(good, {}, flipped(body)), REFUSED],
    ['a line break more', altered(good, {}, `${body}\n`), REFUSED],
    ...['webhook-id', 'webhook-timestamp', 'webhook-signature'].flatMap((name) => [
      [`without ${name}`, headed({ [name]: undefined }), REFUSED],
      [`an empty ${name}`, headed({ [name]: '' }), REFUSED],
    ]),
    ['another id', headed({ 'webhook-id': 'msg_other' }), REFUSED],
    ['another time than was signed', headed({ 'webhook-timestamp': String(now() - 7) }), REFUSED],
    ['several signatures, one good', list(`v1,${wrong}`, `v2,${wrong}`, signature, `v1,${wrong}`), ACCEPTED],
    ['several signatures, none good', list(`v1,${wrong}`, `v2,${wrong}`), REFUSED],
    ['the good one under v2', list(`v2,${digest}`), REFUSED],
    ['without its version', list(digest), REFUSED],
    ['an empty signature', list('v1,'), REFUSED],
    ['cut short', list(signature.slice(0, 8)), REFUSED],
    ['without padding', list(signature.replace(/=+$/, '')), REFUSED],
    ['in hex', list(`v1,${Buffer.from(digest, 'base64').toString('hex')}`), REFUSED],
    ['something behind it', list(`${signature},x`), only(REFUSED, 'the library does not look at what follows a second comma')],
    ['a little old', signed(now() - 290), ACCEPTED],
    ['too old', signed(now() - 305), REFUSED],
    ['a little early', signed(now() + 290), ACCEPTED],
    ['too early', signed(now() + 305), REFUSED],
    ['a time that is no number', headed({ 'webhook-timestamp': 'hello' }), REFUSED],
    ['a time with letters behind it', headed({ 'webhook-timestamp': `${good.headers['webhook-timestamp']}s` }), only(REFUSED, 'the library signs the number that it could read, not the text that was sent')],
  ];
}

for (const [name, Library] of Object.entries({ standardwebhooks: Webhook, svix: SvixWebhook })) {
  describe(`${name}, for custom storefronts`, () => {
    let key;
    before(async () => {
      key = await mint(gateway, creds);
    });
    const request = (secret, body = JSON.stringify(order()), { id = `msg_${randomUUID()}`, at = now(), prefix = 'webhook' } = {}) => ({
      method: 'POST',
      path: '/integrations/v1/orders',
      headers: {
        authorization: `Bearer ${key.api_key}`,
        'content-type': 'application/json',
        [`${prefix}-id`]: id,
        [`${prefix}-timestamp`]: String(at),
        [`${prefix}-signature`]: new Library(secret).sign(id, new Date(at * 1000), body),
      },
      body,
    });
    const verifyWith = (secret) => ({ headers, body }) => new Library(secret).verify(body, headers);

    test('what it signs is accepted, and what it rejects refused', async () => {
      const secret = key.signing_secret_whsec;
      const good = request(secret);
      const { body } = good;
      const table = standardTable({
        good, secret, body,
        sign: (secret, text) => new Library(secret).sign('msg_1', new Date(), text),
        signed: (at) => request(secret, body, { at }),
      });
      const another = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
      await compare([...table, ['another secret', request(another, body), REFUSED]], verifyWith(secret));
      if (Library === SvixWebhook) {
        const because = 'the gateway reads the names of the standard; Svix sends those of its own only where it is told to';
        await compare([['under the names svix-…', request(secret, body, { prefix: 'svix' }), only(REFUSED, because)]], verifyWith(secret));
      }
    });

    test('a secret pasted as the library has it is the same secret', async () => {
      for (const secret of ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw']) {
        key = await mint(gateway, creds, { p_signing_secret: secret });
        await compare([[secret, request(secret), ACCEPTED], ['another', request('whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD'), REFUSED]], verifyWith(secret));
      }
    });
  });
}

describe('standardwebhooks, for BigCommerce', () => {
  let key;
  let library;
  before(async () => {
    key = await mintSender(gateway, creds, 'bigcommerce');
    // As BigCommerce's documentation hands it the client secret.
    library = new Webhook(Buffer.from(key.secret).toString('base64'));
  });
  const request = (body, { id = `msg_${randomUUID()}`, at = now(), by = library } = {}) =>
    altered(delivery(key, body), { 'webhook-id': id, 'webhook-timestamp': String(at), 'webhook-signature': by.sign(id, new Date(at * 1000), body) });
  const verify = ({ headers, body }) => library.verify(body, headers);

  test('what it signs is accepted', async () => {
    const names = jsonOf('bigcommerce');
    await compare(names.map((name) => [name, request(fixture('bigcommerce', name).toString()), ACCEPTED]), verify);
  });

  test('what it rejects is refused', async () => {
    const body = fixture('bigcommerce', 'store_order_created.json').toString();
    const secret = Buffer.from(key.secret).toString('base64');
    const table = standardTable({
      good: request(body), secret, body,
      sign: (secret, text) => new Webhook(secret).sign('msg_1', new Date(), text),
      signed: (at) => request(body, { at }),
    });
    const decoded = new Webhook(key.secret);
    const another = new Webhook('another secret', { format: 'raw' });
    await compare([...table, ['another secret', request(body, { by: another }), REFUSED], ['the secret decoded', request(body, { by: decoded }), REFUSED]], verify);
  });
});

describe('@shopify/shopify-api', () => {
  let key;
  let library;
  before(async () => {
    key = await mintSender(gateway, creds, 'shopify');
    library = shopifyApi({
      apiKey: 'unused', apiSecretKey: key.secret, apiVersion: '2026-07', hostName: 'shop.example.com', isEmbeddedApp: false,
      logger: { level: LogSeverity.Error, log: () => {} },
    });
  });
  const verify = async ({ method, headers, body }) => {
    const rawRequest = { method, url: '/', headers };
    return (await library.webhooks.validate({ rawBody: String(body), rawRequest, rawResponse: {} })).valid;
  };

  test('it accepts what the gateway accepts', async () => {
    const table = jsonOf('shopify').map((name) => {
      const topic = name.split('.')[0].replace('_', '/');
      return [name, delivery(key, fixture('shopify', name).toString(), { topic }), ACCEPTED];
    });
    await compare(table, verify);
  });

  test('it rejects what the gateway refuses', async () => {
    const body = fixture('shopify', 'orders_create.paid.json').toString();
    const good = delivery(key, body, { topic: 'orders/create' });
    const signature = good.headers['x-shopify-hmac-sha256'];
    const bytes = Buffer.from(signature, 'base64');
    const headed = (value) => altered(good, { 'x-shopify-hmac-sha256': value });
    const newer = (hmac) => altered(good, {
      'shopify-hmac-sha256': hmac, 'shopify-topic': 'orders/create', 'shopify-shop-domain': 'example.myshopify.com',
      'shopify-api-version': '2026-07', 'shopify-webhook-id': randomUUID(),
    });
    const unsigned = 'the header is not signed: what is authentic is kept, without an effect where its topic is not known';
    await compare([
      ['as it is', good, ACCEPTED],
      ['another secret', delivery(key, body, { topic: 'orders/create', secret: 'shpss_another' }), REFUSED],
      ['the secret decoded from hex', delivery(key, body, { topic: 'orders/create', secret: Buffer.from(key.secret.slice(6), 'hex') }), REFUSED],
      ['a changed byte', altered(good, {}, flipped(body)), REFUSED],
      ['a line break more', altered(good, {}, `${body}\n`), REFUSED],
      ['re-serialised', altered(good, {}, JSON.stringify(JSON.parse(body))), REFUSED],
      ['no signature', headed(undefined), REFUSED],
      ['an empty signature', headed(''), REFUSED],
      ['cut short', headed(signature.slice(0, -2)), REFUSED],
      ['without padding', headed(signature.replace(/=+$/, '')), REFUSED],
      ['in hex', headed(bytes.toString('hex')), REFUSED],
      ['in base64 for URLs', headed(bytes.toString('base64url')), REFUSED],
      ['twice', headed(`${signature}, ${signature}`), REFUSED],
      ['an empty body', delivery(key, '', { topic: 'orders/create' }), only(ACCEPTED, 'what is authentic is kept, here as unmappable; the library has nothing to parse')],
      ['both families of headers', newer(signature), ACCEPTED],
      ['the newer family alone', altered(newer(signature), { 'x-shopify-hmac-sha256': undefined }), ACCEPTED],
      ['a wrong signature in the newer family', newer(base64('shpss_another', body)), REFUSED],
      ['a wrong signature in the older family beside a good one', altered(newer(signature), { 'x-shopify-hmac-sha256': base64('shpss_another', body) }), ACCEPTED],
      ['no topic', altered(good, { 'x-shopify-topic': undefined }), only(ACCEPTED, unsigned)],
      ['no webhook id', altered(good, { 'x-shopify-webhook-id': undefined }), only(ACCEPTED, unsigned)],
      ['no API version', altered(good, { 'x-shopify-api-version': undefined }), only(ACCEPTED, unsigned)],
    ], verify);
  });
});

describe('square', () => {
  const REGISTERED = 'https://hooks.example.com/square?shop=7&a=%20b';
  let key;
  before(async () => {
    key = await mintSender(gateway, creds, 'square', { p_notification_url: REGISTERED });
  });
  const request = (body, url = REGISTERED, secret = key.secret) => delivery(key, body, { url, secret });
  const verify = ({ headers, body }) =>
    WebhooksHelper.verifySignature({
      requestBody: String(body), signatureHeader: headers['x-square-hmacsha256-signature'], signatureKey: key.secret, notificationUrl: REGISTERED,
    });

  test('it accepts what the gateway accepts', async () => {
    await compare(jsonOf('square').map((name) => [name, request(fixture('square', name).toString()), ACCEPTED]), verify);
  });

  test('it rejects what the gateway refuses', async () => {
    const body = fixture('square', 'payment.updated.json').toString();
    const good = request(body);
    const signature = good.headers['x-square-hmacsha256-signature'];
    const headed = (value) => altered(good, { 'x-square-hmacsha256-signature': value });
    await compare([
      ['as it is', good, ACCEPTED],
      ['another key', request(body, REGISTERED, 'another-signature-key'), REFUSED],
      ['a changed byte', altered(good, {}, flipped(body)), REFUSED],
      ['re-serialised', altered(good, {}, JSON.stringify(JSON.parse(body))), REFUSED],
      ['without the query', request(body, REGISTERED.split('?')[0]), REFUSED],
      ['one character less in the address', request(body, REGISTERED.replace('square', 'squar')), REFUSED],
      ['the query decoded', request(body, decodeURIComponent(REGISTERED)), REFUSED],
      ['over http', request(body, REGISTERED.replace('https', 'http')), REFUSED],
      ['the address that it came to', request(body, key.webhook_url), REFUSED],
      ['no address', request(body, ''), REFUSED],
      ['the address behind the body', altered(good, { 'x-square-hmacsha256-signature': base64(key.secret, body + REGISTERED) }), REFUSED],
      ['no signature', headed(undefined), REFUSED],
      ['an empty signature', headed(''), REFUSED],
      ['the older digest', headed(createHmac('sha1', key.secret).update(REGISTERED + body).digest('base64')), REFUSED],
      ['in hex', headed(Buffer.from(signature, 'base64').toString('hex')), REFUSED],
      ['cut short', headed(signature.slice(0, -2)), REFUSED],
      ['an empty body', request(''), ACCEPTED],
    ], verify);
  });

  test('the address is the one that was shown where no other was registered', async () => {
    const own = await mintSender(gateway, creds, 'square');
    const body = fixture('square', 'customer.created.json').toString();
    const good = delivery(own, body);
    assert.equal(await judged(good), ACCEPTED);
    const signatureHeader = good.headers['x-square-hmacsha256-signature'];
    assert.ok(await WebhooksHelper.verifySignature({ requestBody: body, signatureHeader, signatureKey: own.secret, notificationUrl: own.webhook_url }));
    assert.equal(await judged(delivery(own, body, { url: REGISTERED })), REFUSED);
  });
});

describe('webflow-api', () => {
  const { webhooks } = new WebflowClient({ accessToken: 'unused' });
  let key;
  before(async () => {
    key = await mintSender(gateway, creds, 'webflow');
  });
  const verify = ({ headers, body }) => webhooks.verifySignature({ headers, body: String(body), secret: key.secret });

  test('it accepts what the gateway accepts', async () => {
    await compare(jsonOf('webflow').map((name) => [name, delivery(key, fixture('webflow', name).toString()), ACCEPTED]), verify);
  });

  test('it rejects what the gateway refuses', async () => {
    const body = fixture('webflow', 'ecomm_new_order.json').toString();
    const good = delivery(key, body);
    const signature = good.headers['x-webflow-signature'];
    const headed = (value) => altered(good, { 'x-webflow-signature': value });
    const at = (time) => delivery(key, body, { at: time });
    const unchecked = only(REFUSED, 'the library does not look at the time; a captured delivery must not be good for ever');
    await compare([
      ['as it is', good, ACCEPTED],
      ['another secret', delivery(key, body, { secret: 'f'.repeat(64) }), REFUSED],
      ['the secret decoded', delivery(key, body, { secret: Buffer.from(key.secret, 'hex') }), REFUSED],
      ['a changed byte', altered(good, {}, flipped(body)), REFUSED],
      ['re-serialised', altered(good, {}, JSON.stringify(JSON.parse(body))), REFUSED],
      ['no signature', headed(undefined), REFUSED],
      ['an empty signature', headed(''), REFUSED],
      ['cut short', headed(signature.slice(0, -2)), REFUSED],
      ['in base64', headed(Buffer.from(signature, 'hex').toString('base64')), REFUSED],
      ['in capitals', headed(signature.toUpperCase()), only(ACCEPTED, HEX_CASE)],
      ['no time', altered(good, { 'x-webflow-timestamp': undefined }), REFUSED],
      ['another time than was signed', altered(good, { 'x-webflow-timestamp': String(Date.now() - 1_000) }), REFUSED],
      ['a little old', at(Date.now() - 290_000), ACCEPTED],
      ['too old', at(Date.now() - 305_000), unchecked],
      ['too early', at(Date.now() + 305_000), unchecked],
      ['in seconds', at(now()), unchecked],
      ['a time that is no number', at('now'), unchecked],
    ], verify);
  });
});

describe('jose, for Wix', () => {
  let key;
  let privateKey;
  let publicKey;
  before(async () => {
    key = await mintSender(gateway, creds, 'wix');
    privateKey = key.secret;
    publicKey = createPublicKey(privateKey);
  });
  const claims = (about = {}) => ({ ...wixOrder('approved', parsed('wix', 'order_object.get_order').order), ...about });
  const signed = (payload = claims(), { header = {}, by = privateKey, alg = 'RS256' } = {}) =>
    new SignJWT(payload).setProtectedHeader({ alg, typ: 'JWT', ...header }).sign(by);
  // With the leeway that the gateway gives, and the one algorithm that Wix uses.
  const verify = ({ body }) => jwtVerify(String(body), publicKey, { algorithms: ['RS256'], clockTolerance: 300 });
  const sent = async (table) => compare(await Promise.all(table.map(async ([name, token, expected]) => [name, delivery(key, await token), expected])), verify);

  test('what it signs is accepted', async () => {
    const { order: wixs } = parsed('wix', 'order_object.get_order');
    const actions = ['created', 'updated', 'approved', 'canceled', 'fulfilled', 'payment_status_updated'];
    await sent(actions.map((action) => [action, signed(wixOrder(action, wixs)), ACCEPTED]));
    await sent([['with a key id', signed(claims(), { header: { kid: 'b2f1' } }), ACCEPTED]]);
  });

  test('what it rejects is refused', async () => {
    const good = await signed();
    const [header, payload, signature] = good.split('.');
    const pem = publicKey.export({ type: 'spki', format: 'pem' });
    const der = publicKey.export({ type: 'spki', format: 'der' });
    const others = (await generateKeyPair('RS256')).privateKey;
    const elliptic = (await generateKeyPair('ES256')).privateKey;
    const changed = Buffer.from(JSON.stringify(claims({ iat: 1 }))).toString('base64url');
    const relabelled = Buffer.from(JSON.stringify({ alg: 'none' })).toString('base64url');
    await sent([
      ['as it is', good, ACCEPTED],
      ['another key', signed(claims(), { by: others }), REFUSED],
      ['other claims', [header, changed, signature].join('.'), REFUSED],
      ['another header', [relabelled, payload, signature].join('.'), REFUSED],
      ['alg none', new UnsecuredJWT(claims()).encode(), REFUSED],
      ['HS256 under the PEM', signed(claims(), { alg: 'HS256', by: createSecretKey(Buffer.from(pem)) }), REFUSED],
      ['HS256 under the DER', signed(claims(), { alg: 'HS256', by: createSecretKey(der) }), REFUSED],
      ...['RS384', 'RS512', 'PS256'].map((alg) => [alg, signed(claims(), { alg }), REFUSED]),
      ['ES256', signed(claims(), { alg: 'ES256', by: elliptic }), REFUSED],
      ['an extension that must be understood', new SignJWT(claims()).setProtectedHeader({ alg: 'RS256', crit: ['b64'], b64: true }).sign(privateKey), only(REFUSED, 'the library understands b64; Wix sends no extensions, and none is understood here')],
      ['a signature cut short', good.slice(0, -6), REFUSED],
      ['a signature with its end replaced', `${good.slice(0, -6)}AAAAAA`, REFUSED],
      ['an empty signature', `${header}.${payload}.`, REFUSED],
      ['two parts', `${header}.${payload}`, REFUSED],
      ['four parts', `${good}.${signature}`, REFUSED],
      ['an empty body', '', REFUSED],
      ['no token', JSON.stringify(claims()), REFUSED],
      ['its end a little ago', signed(claims({ exp: now() - 290 })), ACCEPTED],
      ['its end too long ago', signed(claims({ exp: now() - 305 })), REFUSED],
      ['its beginning soon', signed(claims({ nbf: now() + 290 })), ACCEPTED],
      ['its beginning too far ahead', signed(claims({ nbf: now() + 305 })), REFUSED],
      ['made too far ahead', signed(claims({ iat: now() + 305 })), only(REFUSED, 'the library looks at it only where an age is asked for')],
      ['without an end', signed(claims({ exp: undefined })), ACCEPTED],
      ['an end that is no number', signed(claims({ exp: 'tomorrow' })), REFUSED],
    ]);
  });

  test('the recorded forgeries are refused by both, and the good one accepted', async () => {
    const read = (name) => fixture('wix', `order_approved.generated.${name}`).toString().trim();
    const pem = read('public_key.pem');
    const own = { ...(await mintSender(gateway, creds, 'wix', { p_signing_secret: pem })), secret: undefined };
    const good = read('jwt.txt');
    const table = [
      ['good', good, ACCEPTED],
      ['alg none', read('alg_none.jwt.txt'), REFUSED],
      ['HS256 under the PEM', read('hs256_confusion.jwt.txt'), REFUSED],
      ['its end replaced', `${good.slice(0, -6)}AAAAAA`, REFUSED],
    ];
    await compare(table.map(([name, token, expected]) => [name, delivery(own, token), expected]), ({ body }) => jwtVerify(body, createPublicKey(pem), { algorithms: ['RS256'] }));
  });
});
