/** Acts as a storefront: builds orders and sends them, signed. */
import { randomUUID } from 'node:crypto';
import { signBody } from './signatures.mjs';

/** The least order that is accepted, with an `external_id` of its own. */
export function order(fields = {}) {
  return {
    external_id: `A-${randomUUID()}`,
    currency: 'USD',
    lines: [{ name: 'Thing', quantity: 2, unit_price: '10.00' }],
    total: '20.00',
    ...fields,
  };
}

/**
 * A signed request of an integration key, ready to send; nothing in it depends on the gateway's port.
 *
 * @param {{api_key: string, signing_secret?: string}} key - as minted
 * @param {string} path
 * @param {object | string | Buffer} body - objects are sent as JSON
 * @param {object} [choice]
 * @param {string} [choice.method]
 * @param {string} [choice.idempotencyKey]
 * @param {((secret: string, body: string | Buffer) => Record<string, string>) | null} [choice.sign] - null leaves it unsigned
 * @param {Record<string, string>} [choice.headers] - added last
 */
export function signedRequest(key, path, body, { method = 'POST', idempotencyKey, sign = signBody, headers = {} } = {}) {
  const raw = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  return {
    method,
    path,
    headers: {
      authorization: `Bearer ${key.api_key}`,
      'content-type': 'application/json',
      ...(idempotencyKey && { 'idempotency-key': idempotencyKey }),
      ...(sign && key.signing_secret && sign(key.signing_secret, raw)),
      ...headers,
    },
    body: raw,
  };
}

/**
 * Sends a request and reads the whole answer.
 *
 * @param {{url: string}} gateway
 * @param {{method: string, path: string, headers?: Record<string, string>, body?: string | Buffer}} request
 * @returns {Promise<{status: number, headers: Headers, body: any, text: string}>} `body` is the JSON, or null where it is none
 */
export async function send(gateway, { method, path, headers, body }) {
  const response = await fetch(gateway.url + path, { method, headers, body, redirect: 'manual' });
  const text = await response.text();
  let json = null;
  try {
    json = JSON.parse(text);
  } catch {
    // Not JSON: `text` has it.
  }
  return { status: response.status, headers: response.headers, body: json, text };
}

/** Posts the gateway's own JSON to a path under `/integrations/v1/`. */
export function post(gateway, key, resource, body, choice) {
  return send(gateway, signedRequest(key, `/integrations/v1/${resource}`, body, choice));
}

/** Posts an order: `POST /integrations/v1/orders`. */
export function postOrder(gateway, key, body = order(), choice) {
  return post(gateway, key, 'orders', body, choice);
}

/**
 * Posts a native event: `POST /integrations/v1/webhook/{source}/{key_id}`, which carries no bearer
 * credential. `choice.sign` is the sender's own scheme.
 */
export function postWebhook(gateway, source, key, body, choice) {
  const request = signedRequest(key, `/integrations/v1/webhook/${source}/${key.key_id}`, body, choice);
  delete request.headers.authorization;
  return send(gateway, request);
}
