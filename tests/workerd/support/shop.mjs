/** Acts as a WooCommerce shop: the recorded one of `tests/fixtures/woocommerce/wire.jsonl`, or one made up. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { mint, must, rpc } from './operator.mjs';
import { signWooCommerce } from './signatures.mjs';
import { send } from './storefront.mjs';

const FIXTURES = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../fixtures/woocommerce');

/** Headers of the connection, not of the request. */
const CONNECTION = ['host', 'connection', 'content-length', 'accept-encoding'];

/** Mints a key for a shop, by default one that may do everything at the highest limit. */
export function mintShop(gateway, creds, args = {}) {
  return mint(gateway, creds, { p_name: 'Shop', p_source: 'woocommerce', p_payload_format: 'woocommerce', ...args });
}

/** The body of a captured delivery, exactly as it was sent. */
export const captured = (name) => readFileSync(path.join(FIXTURES, `${name}.json`));

/** A captured body with some of its members replaced, written as JSON. */
export const changed = (name, members) => JSON.stringify({ ...JSON.parse(captured(name)), ...members });

/**
 * The recorded requests, in the order in which they arrived.
 *
 * @returns {{seq: number, scenario: string, headers: Record<string, string>, body: Buffer, topic?: string, signed: boolean, secret: string | null}[]}
 */
export function recorded() {
  const lines = readFileSync(path.join(FIXTURES, 'wire.jsonl'), 'utf8').trim().split('\n');
  return lines.map((line) => {
    const { seq, scenario, headers: pairs, body_b64: body, secret } = JSON.parse(line);
    const named = pairs.map(([name, value]) => [name.toLowerCase(), value]);
    const headers = Object.fromEntries(named.filter(([name]) => !CONNECTION.includes(name)));
    const signed = 'x-wc-webhook-signature' in headers;
    return { seq, scenario, headers, body: Buffer.from(body, 'base64'), topic: headers['x-wc-webhook-topic'], signed, secret };
  });
}

/** A recorded request for a key's webhook, signed again with its secret. */
export function resigned(key, { headers, body, signed }, path = `/integrations/v1/webhook/woocommerce/${key.key_id}`) {
  const signature = signed && signWooCommerce(key.signing_secret, body);
  return { method: 'POST', path, headers: { ...headers, ...signature }, body };
}

/** Sends recorded requests one after the other; returns their answers. */
export async function play(gateway, key, requests) {
  const answers = [];
  for (const request of requests) answers.push(await send(gateway, resigned(key, request)));
  return answers;
}

let deliveries = 0;

/**
 * Sends one delivery, signed, as WooCommerce does.
 *
 * @param {string} topic
 * @param {object | string | Buffer} body
 * @param {object} [choice]
 * @param {Record<string, string>} [choice.headers] - added last
 * @param {string} [choice.secret] - to sign with
 */
export function deliver(gateway, key, topic, body, { headers = {}, secret = key.signing_secret } = {}) {
  const raw = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  deliveries += 1;
  return send(gateway, {
    method: 'POST',
    path: `/integrations/v1/webhook/woocommerce/${key.key_id}`,
    headers: {
      'content-type': 'application/json',
      'x-wc-webhook-source': 'https://shop.example.test/',
      'x-wc-webhook-topic': topic,
      'x-wc-webhook-id': '1',
      'x-wc-webhook-delivery-id': deliveries.toString(16).padStart(32, '0'),
      ...signWooCommerce(secret, raw),
      ...headers,
    },
    body: raw,
  });
}

/** Sends the unsigned form with which WooCommerce tries a delivery address. */
export function ping(gateway, path, headers = {}) {
  return send(gateway, {
    method: 'POST',
    path,
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: 'webhook_id=1',
  });
}

/** The parked events of a key, newest first. */
export async function parked(gateway, creds, key) {
  return (await must(gateway, creds.api_key, 'core.rpc_list_parked_events', { p_key_id: key.key_id, p_limit: 200 })).events;
}

/** The log of a key, newest first. */
export async function log(gateway, creds, key, filter = {}) {
  const args = { p_key_id: key.key_id, p_limit: 200, ...filter };
  const requests = [];
  let cursor = null;
  do {
    const page = await must(gateway, creds.api_key, 'core.rpc_list_integration_requests', { ...args, p_cursor: cursor });
    requests.push(...page.requests);
    cursor = page.next_cursor;
  } while (cursor);
  return requests;
}

/** The orders of a store, by external id. */
export async function orders(gateway, creds, storeId = creds.store_id) {
  const found = [];
  let cursor = '';
  do {
    const response = await fetch(`${gateway.url}/v1/orders?limit=100&store_id=${storeId}${cursor && `&cursor=${cursor}`}`, {
      headers: { authorization: `Bearer ${creds.api_key}` },
    });
    const page = await response.json();
    if (!response.ok) throw new Error(`/v1/orders answered ${response.status}: ${JSON.stringify(page)}`);
    found.push(...page.orders);
    cursor = page.next_cursor;
  } while (cursor);
  return found.sort((a, b) => Number(a.external_id) - Number(b.external_id));
}

/** Retries a parked event by hand, whatever is answered. */
export const retry = (gateway, creds, key, event) =>
  rpc(gateway, creds.api_key, 'core.rpc_retry_parked_event', { p_key_id: key.key_id, p_event_id: event.event_id });

/** Discards a parked event, whatever is answered. */
export const discard = (gateway, creds, key, event) =>
  rpc(gateway, creds.api_key, 'core.rpc_discard_parked_event', { p_key_id: key.key_id, p_event_id: event.event_id });
