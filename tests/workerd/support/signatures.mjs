/**
 * Signs as storefronts do: an implementation of its own, from the specifications, so that a mistake
 * in the Worker's cannot hide in its mirror image.
 *
 * Secrets are used as text (UTF-8). Every function returns the headers to send.
 */
import { createHmac, randomUUID } from 'node:crypto';

const hmac = (secret, message, encoding) => createHmac('sha256', secret).update(message).digest(encoding);
const unixNow = () => Math.floor(Date.now() / 1000);

/** `X-Pck-Signature: sha256=<hex>` over the body. */
export function signBody(secret, body) {
  return { 'x-pck-signature': `sha256=${hmac(secret, body, 'hex')}` };
}

/** `X-Pck-Signature: t=<unix>,v1=<hex>` over `<t>.<body>`. */
export function signTimed(secret, body, t = unixNow()) {
  return { 'x-pck-signature': `t=${t},v1=${createHmac('sha256', secret).update(`${t}.`).update(body).digest('hex')}` };
}

/**
 * The three headers of Standard Webhooks.
 *
 * @param {string} secret - the signing secret as text, or `whsec_` and base64 of its bytes
 */
export function signStandard(secret, body, { id = `msg_${randomUUID()}`, t = unixNow() } = {}) {
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : secret;
  const signature = createHmac('sha256', key).update(`${id}.${t}.`).update(body).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': String(t), 'webhook-signature': `v1,${signature}` };
}

/** WooCommerce: `X-WC-Webhook-Signature`, base64 over the body. */
export function signWooCommerce(secret, body) {
  return { 'x-wc-webhook-signature': hmac(secret, body, 'base64') };
}
