/**
 * Acts as the senders whose webhooks have a format of their own: signs and delivers as each of them
 * does, from the vendors' descriptions, so that a mistake in the Worker's cannot hide in its mirror
 * image. WooCommerce has a module of its own (shop.mjs).
 */
import { createHmac, createPublicKey, generateKeyPairSync, randomBytes, randomUUID, sign } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { mint } from './operator.mjs';
import { send } from './storefront.mjs';

const FIXTURES = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../fixtures');

/** The bytes of a recorded body or a documented example. */
export const fixture = (sender, name) => readFileSync(path.join(FIXTURES, sender, name));

/** The names of a sender's files. */
export const fixtures = (sender) => readdirSync(path.join(FIXTURES, sender)).sort();

/** What a JSON fixture holds. Ids beyond 2^53 lose digits here: they are to be replaced, or the bytes sent. */
export const parsed = (sender, name) => JSON.parse(fixture(sender, `${name}.json`));

const seconds = () => Math.floor(Date.now() / 1000);
const hmac = (key, parts, encoding) => {
  const mac = createHmac('sha256', key);
  for (const part of parts) mac.update(part);
  return mac.digest(encoding);
};
const base64url = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

/** A JSON Web Token with RS256, as Wix signs. */
export function token(privateKey, claims, header = {}) {
  const signed = `${base64url({ alg: 'RS256', typ: 'JWT', kid: randomUUID(), ...header })}.${base64url(claims)}`;
  return `${signed}.${sign('RSA-SHA256', Buffer.from(signed), privateKey).toString('base64url')}`;
}

/** The claims around one event of Wix, which nest it in texts twice. */
export const wixClaims = (eventType, event, instanceId = 'c1b1e0a6-0000-4000-8000-000000000001') => ({
  data: JSON.stringify({ eventType, instanceId, data: JSON.stringify(event), identity: '{"identityType":"APP"}' }),
  iat: seconds(),
  exp: seconds() + 3600,
});

/** What Wix says happened to `order`: `action` is the end of its topic. */
export function wixOrder(action, order, { id = randomUUID(), sequence = '2', time = new Date().toISOString() } = {}) {
  const carried = { created: { createdEvent: { entity: order } }, updated: { updatedEvent: { currentEntity: order } } };
  const event = { id, entityFqdn: 'wix.ecom.v1.order', slug: action, entityId: order.id, eventTime: time, entityEventSequence: sequence };
  return wixClaims(`wix.ecom.v1.order_${action}`, { ...event, ...(carried[action] ?? { actionEvent: { body: { order } } }) });
}

/**
 * Each sender: how a secret of its looks, and what it sends of a body under one. `secret` is made
 * anew for each key; `shown` is what its dashboard shows to be pasted, where that is something else.
 */
const SENDERS = {
  shopify: {
    secret: () => `shpss_${randomBytes(16).toString('hex')}`,
    headers: (secret, body, { topic, shop = 'example.myshopify.com', webhookId = randomUUID() }) => ({
      'x-shopify-topic': topic,
      'x-shopify-shop-domain': shop,
      'x-shopify-api-version': '2026-07',
      'x-shopify-webhook-id': webhookId,
      'x-shopify-event-id': randomUUID(),
      'x-shopify-triggered-at': new Date().toISOString(),
      'x-shopify-hmac-sha256': hmac(secret, [body], 'base64'),
    }),
  },
  stripe_checkout: {
    secret: () => `whsec_${randomBytes(24).toString('base64url')}`,
    headers: (secret, body, { at = seconds() }) => ({
      'content-type': 'application/json; charset=utf-8',
      'stripe-signature': `t=${at},v1=${hmac(secret, [`${at}.`, body], 'hex')}`,
    }),
  },
  square: {
    secret: () => randomBytes(16).toString('base64url'),
    headers: (secret, body, { url }) => ({
      'square-environment': 'Production',
      'square-initial-delivery-timestamp': new Date().toISOString(),
      'x-square-hmacsha256-signature': hmac(secret, [url, body], 'base64'),
    }),
  },
  bigcommerce: {
    secret: () => randomBytes(32).toString('hex'),
    headers: (secret, body, { at = seconds(), id = `msg_${randomUUID()}` }) => ({
      'webhook-id': id,
      'webhook-timestamp': String(at),
      'webhook-signature': `v1,${hmac(secret, [`${id}.${at}.`, body], 'base64')}`,
    }),
  },
  squarespace: {
    secret: () => randomBytes(32).toString('hex').toUpperCase(),
    headers: (secret, body) => ({
      'user-agent': 'Squarespace/1.0',
      'squarespace-signature': hmac(Buffer.from(secret, 'hex'), [body], 'hex'),
    }),
  },
  wix: {
    secret: () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
    shown: (privateKey) => createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }),
    body: (privateKey, body) => (typeof body === 'string' || Buffer.isBuffer(body) ? body : token(privateKey, body)),
    headers: () => ({ 'content-type': 'text/plain' }),
  },
  webflow: {
    secret: () => randomBytes(32).toString('hex'),
    headers: (secret, body, { at = Date.now() }) => ({
      'x-webflow-timestamp': String(at),
      'x-webflow-signature': hmac(secret, [`${at}:`, body], 'hex'),
    }),
  },
};

/**
 * Mints a key for a sender and pastes its secret, by default one that may do everything at the
 * highest limit.
 *
 * @param {string} sender - as sources and payload formats name it
 * @param {object} [args] - `p_…` arguments to override
 * @returns {Promise<{key_id: string, webhook_url: string, sender: string, secret: string | import('node:crypto').KeyObject}>}
 */
export async function mintSender(gateway, creds, sender, args = {}) {
  const { secret: make, shown = (secret) => secret } = SENDERS[sender];
  const secret = make();
  const about = { p_name: sender, p_source: sender, p_payload_format: sender, p_signing_secret: shown(secret) };
  return { ...(await mint(gateway, creds, { ...about, ...args })), sender, secret };
}

/**
 * One delivery, signed, ready to send.
 *
 * @param {{key_id: string, webhook_url: string, sender: string}} key
 * @param {object | string | Buffer} body - objects are sent as JSON; to Wix's keys, as the claims of a token
 * @param {object} [choice]
 * @param {any} [choice.secret] - to sign with
 * @param {Record<string, string | undefined>} [choice.headers] - laid over the sender's own; `undefined` leaves one out
 * The rest is what the sender says or signs besides: `topic`, `shop`, `webhookId`, `id`, `at`, `url`.
 */
export function delivery(key, body, { secret = key.secret, headers = {}, ...said } = {}) {
  const sender = SENDERS[key.sender];
  const json = (_, body) => (typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body));
  const raw = (sender.body ?? json)(secret, body);
  const all = { 'content-type': 'application/json', ...sender.headers(secret, raw, { url: key.webhook_url, ...said }), ...headers };
  return {
    method: 'POST',
    path: `/integrations/v1/webhook/${key.sender}/${key.key_id}`,
    headers: Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)),
    body: raw,
  };
}

/** Sends one {@link delivery}. */
export const deliver = (gateway, key, body, choice) => send(gateway, delivery(key, body, choice));
