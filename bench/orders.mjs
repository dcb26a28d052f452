/** The requests that the benchmark sends to Tidegate, made and signed before the clock starts. */
import { randomBytes, randomUUID } from 'node:crypto';
import { createStore, mint, order, signBody, signedRequest } from '../tests/workerd/support/gateway.mjs';

/** Distinct orders as JSON texts of equal length. None names a client, like the orders of the budget. */
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
 * Mints `count` keys, each for a store of its own, with the highest rate limit there is.
 *
 * @param {boolean} captureBodies - whether raw bodies are stored beside the log, which writes one more row
 */
export async function mintKeys(gateway, creds, count, captureBodies) {
  const keys = [];
  for (let number = 1; number <= count; number++) {
    const store_id = await createStore(gateway, creds, `Store ${number}`);
    keys.push(await mint(gateway, { ...creds, store_id }, { p_name: `Key ${number}`, p_capture_bodies: captureBodies }));
  }
  return keys;
}

/** One signed new order for each body, with an `Idempotency-Key` of its own, round robin over the keys. */
export function signedOrders(bodies, keys) {
  return bodies.map((body, index) => signedOrder(keys[index % keys.length], body));
}

/** The same orders with credentials that have the right form but were never issued. */
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
