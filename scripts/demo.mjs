/**
 * Fills a workspace with demo data for the screenshots. It only uses what storefronts and operators use, so
 * the pictures show nothing that cannot happen.
 */
import { captured, changed, deliver, mintShop, orders, ping, play, recorded } from '../tests/workerd/support/shop.mjs';
import { createStore, mint, must, postOrder, setup } from '../tests/workerd/support/gateway.mjs';

const ORDERS_OF_CHECKOUT = 42;

const CATALOGUE = [
  ['COF-ETH-250', 'Yirgacheffe, 250 g', 1450],
  ['COF-COL-1K', 'Huila, 1 kg', 4200],
  ['COF-DEC-250', 'Decaf Sierra, 250 g', 1500],
  ['EQP-V60-02', 'Dripper V60, size 02', 2990],
  ['EQP-FIL-100', 'Paper filters, 100', 690],
  ['EQP-KET-08', 'Gooseneck kettle, 0.8 l', 8900],
  ['SUB-MON-2', 'Monthly subscription, 2 bags', 2800],
];

const CLIENTS = [
  ['Ada Okafor', 'ada.okafor@example.com', 'Leeds', 'GB'],
  ['Jonas Lindqvist', 'jonas.l@example.com', 'Malmö', 'SE'],
  ['Mireille Dubois', 'mireille@example.com', 'Lyon', 'FR'],
  ['Tomás Herrera', 'tomas.herrera@example.com', 'Valencia', 'ES'],
  ['Yuki Tanaka', 'yuki.tanaka@example.com', 'Berlin', 'DE'],
];

const STATUSES = ['processing', 'processing', 'completed', 'pending', 'on_hold', 'completed'];

const decimal = (cents) => (cents / 100).toFixed(2);

/** The order with this number. The same number always gives the same order. */
function orderOf(number, prefix) {
  const lines = Array.from({ length: 1 + (number % 3) }, (_, at) => {
    const [sku, name, cents] = CATALOGUE[(number * 3 + at * 2) % CATALOGUE.length];
    return { sku, name, cents, quantity: 1 + ((number + at) % 2) };
  });
  const shipping = number % 4 === 0 ? 0 : 490;
  const [name, email, city, country] = CLIENTS[number % CLIENTS.length];
  return {
    external_id: `${prefix}-${number}`,
    number: String(number),
    status: STATUSES[number % STATUSES.length],
    currency: 'EUR',
    client: { name, email },
    shipping_address: { name, line1: `${1 + (number % 80)} Harbour Street`, city, country },
    lines: lines.map(({ cents, ...line }) => ({ ...line, unit_price: decimal(cents) })),
    shipping_total: decimal(shipping),
    total: decimal(lines.reduce((sum, { cents, quantity }) => sum + cents * quantity, shipping)),
  };
}

async function postOrders(gateway, key, prefix, from, count) {
  for (let number = from; number < from + count; number += 1) {
    await postOrder(gateway, key, orderOf(number, prefix), { idempotencyKey: `${prefix}-${number}` });
  }
}

/** Sends one request for each thing that can go wrong between a checkout and a gateway. */
async function fail(gateway, key, prefix, number) {
  const sound = orderOf(number, prefix);
  const taken = orderOf(number - 1, prefix);
  const conflicting = { ...taken, note: 'Please ring the bell' };
  await postOrder(gateway, key, taken, { idempotencyKey: taken.external_id });
  await postOrder(gateway, key, { ...sound, total: '1.00' });
  await postOrder(gateway, key, { ...sound, client: { email: 'not an address' }, price: '3' });
  await postOrder(gateway, key, '{"external_id": "torn');
  await postOrder(gateway, key, sound, { sign: null });
  await postOrder(gateway, { ...key, signing_secret: 'another secret' }, sound);
  await postOrder(gateway, key, conflicting);
  await postOrder(gateway, key, conflicting, { idempotencyKey: taken.external_id });
}

/**
 * Fills an empty gateway.
 *
 * @param {import('../tests/workerd/support/gateway.mjs').Gateway} gateway
 * @returns {Promise<{creds: object, keys: Record<string, object>, order: object, failure: object}>}
 *   the owner's credentials, the keys by what they demonstrate, one order, and one failed request
 */
export async function seedDemo(gateway) {
  const creds = await setup(gateway, {
    p_workspace_name: 'Harbour Coffee',
    p_owner_email: 'mara@harbour-coffee.example',
    p_store_name: 'Harbour Coffee',
  });
  const shop = { ...creds, store_id: await createStore(gateway, creds, 'Harbour Coffee Wholesale') };
  const outlet = { ...creds, store_id: await createStore(gateway, creds, 'Roastery outlet') };
  const change = (name, key) => must(gateway, creds.api_key, `core.rpc_${name}_integration_key`, { p_key_id: key.key_id });

  const keys = {
    revoked: await mint(gateway, creds, { p_name: 'Checkout (2024)', p_scopes: ['orders:write'] }),
    paused: await mint(gateway, creds, { p_name: 'Market stall till', p_scopes: ['orders:write'], p_source: 'square', p_rate_limit_per_minute: 60 }),
    expiring: await mint(gateway, creds, { p_name: 'Christmas market', p_source: 'make', p_expires_in_days: 3, p_scopes: ['orders:write'] }),
    zapier: await mint(gateway, creds, { p_name: 'Trade fair sign-ups', p_source: 'zapier', p_expires_in_days: 90, p_scopes: ['orders:write', 'clients:write'] }),
    parked: await mintShop(gateway, outlet, { p_name: 'Outlet shop', p_scopes: ['orders:write', 'clients:write'] }),
    shop: await mintShop(gateway, shop, { p_name: 'Wholesale shop', p_scopes: ['orders:write', 'clients:write'] }),
    checkout: await mint(gateway, creds, { p_name: 'Checkout', p_scopes: ['orders:write', 'orders:cancel'], p_rate_limit_per_minute: 600, p_expires_in_days: 365 }),
  };

  await play(gateway, keys.shop, recorded());
  await parkEvents(gateway, change, keys.parked);
  await postOrders(gateway, keys.revoked, 'HC', 9_870, 3);
  await change('revoke', keys.revoked);
  await postOrders(gateway, keys.revoked, 'HC', 9_873, 1);
  await postOrders(gateway, keys.paused, 'MS', 310, 4);
  await change('pause', keys.paused);
  await postOrders(gateway, keys.paused, 'MS', 314, 1);
  await postOrders(gateway, keys.expiring, 'XM', 70, 5);
  await postOrders(gateway, keys.zapier, 'TF', 20, 6);
  await postOrders(gateway, keys.checkout, 'HC', 10_000, ORDERS_OF_CHECKOUT);
  await fail(gateway, keys.checkout, 'HC', 10_000 + ORDERS_OF_CHECKOUT);
  await postOrders(gateway, keys.checkout, 'HC', 10_001 + ORDERS_OF_CHECKOUT, 4);

  const { requests } = await must(gateway, creds.api_key, 'core.rpc_list_integration_requests', { p_key_id: keys.checkout.key_id });
  const made = await orders(gateway, creds, shop.store_id);
  return {
    creds,
    keys,
    order: made.find(({ refunds }) => refunds.length > 0) ?? made[0],
    failure: requests.find(({ error_code: code }) => code === 'validation_failed'),
  };
}

/**
 * Pauses a shop's key and leaves parked events: some sent while it was paused, one whose order has not
 * arrived, and one that cannot be mapped.
 */
async function parkEvents(gateway, change, key) {
  await ping(gateway, `/integrations/v1/webhook/woocommerce/${key.key_id}`);
  await deliver(gateway, key, 'order.created', captured('order.created'));
  await deliver(gateway, key, 'order.deleted', { id: 4_711 });
  await deliver(gateway, key, 'order.created', changed('order.created', { id: 4_712, total: 'a lot' }));
  await change('pause', key);
  for (const id of [4_713, 4_714]) await deliver(gateway, key, 'order.created', changed('order.created', { id, number: String(id) }));
}
