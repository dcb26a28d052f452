/** The requests that the benchmark sends to Tidegate, made and signed before the clock starts. */
import { randomBytes, randomUUID } from 'node:crypto';
import { createStore, mint, order, signBody, signedRequest } from '../tests/workerd/support/gateway.mjs';

/** So many distinct orders, as JSON text of one length; none names a client, as the budget's does not. */
export function orderBodies(count) {
  return Array.from({ length: count }, () => JSON.stringify(order({
    external_id: `B-${randomUUID()}`,
    placed_at: '2026-01-15T10:30:00Z',
    shipping_address: { line1: '12 Harbour Street', city: 'Portsmouth', postal_code: 'PO1 2AB', country: 'GB' },
    lines: [
      { sku: 'TIDE-01', name: 'Tide table, 2026', quantity: 2, unit_price: '10.00' },
      { sku: 'GATE-07', name: 'Sluice gate model, brass', quantity: 1, unit_price: '149.50' },
      { sku: 'ROPE-30', name: 'Mooring rope, 30 m', quantity: 3, unit_price: '24.25' },
    ],
    shipping_total: '7.75',
    total: '250.00',
  })));
}

/**
 * Mints so many keys, each for a store of its own, with the highest limit there is.
 *
 * @param {boolean} keepBodies - whether raw bodies are kept beside the log: one row more
 */
export async function mintKeys(gateway, creds, count, keepBodies) {
  const keys = [];
  for (let at = 0; at < count; at++) {
    const store_id = await createStore(gateway, creds, `Store ${at + 1}`);
    keys.push(await mint(gateway, { ...creds, store_id }, { p_name: `Key ${at + 1}`, p_capture_bodies: keepBodies }));
  }
  return keys;
}

/** One signed new order for each body, with an `Idempotency-Key` of its own, round robin over the keys. */
export function signedOrders(bodies, keys) {
  return bodies.map((body, at) => signedOrder(keys[at % keys.length], body));
}

/** The same with credentials of the right form that nobody was given. */
export function forgedOrders(bodies) {
  return bodies.map((body) => signedOrder({ api_key: forgedKey(), signing_secret: 'f'.repeat(64) }, body));
}

function signedOrder(key, body) {
  return signedRequest(key, '/integrations/v1/orders', body, { sign: signBody, idempotencyKey: randomUUID() });
}

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

function forgedKey() {
  return `pck_int_${Array.from(randomBytes(34), (byte) => BASE62[byte % 62]).join('')}`;
}
