/** A workspace with content on every page, and the addresses of its pages and layers. */
import { mint, must } from '../../workerd/support/gateway.mjs';
import { parked } from '../../workerd/support/shop.mjs';
import { insertIntegrationKey } from '../../workerd/support/credentials.mjs';
import { seedDemo } from '../../../scripts/demo.mjs';

/** Fills an empty gateway: the demo, a key that awaits its secret, and one invite. */
export async function populateWorkspace(gateway) {
  const demo = await seedDemo(gateway);
  const { creds, keys } = demo;
  keys.awaiting = await insertIntegrationKey(gateway, creds, {
    name: 'Subscriptions',
    source: 'shopify',
    payload_format: 'shopify',
    require_signature: 1,
  });
  keys.rotated = await must(gateway, creds.api_key, 'core.rpc_rotate_integration_key', { p_key_id: keys.zapier.key_id });
  keys.unused = await mint(gateway, creds, { p_name: 'Unused' });
  const [event] = await parked(gateway, creds, keys.parked);
  const invite = await must(gateway, creds.api_key, 'core.rpc_invite_member', { p_email: 'jo@example.com', p_role: 'admin' });
  return { ...demo, invite, event };
}

const CONNECTORS = '/settings/connectors';

/** The path of a key's drawer, or of a page below it. */
export const keyPath = ({ key_id: id }, below = '') => `${CONNECTORS}/${id}${below}`;

/** The path of an address with `*` for each id in it: the same for all pages of one kind. */
export const shapeOf = (address) => new URL(address, 'http://gateway').pathname.replace(/\b[a-z]+_[a-z2-7]{16,}\b/g, '*');

/** The pages of the navigation, by name. */
export const MAIN_PAGES = {
  overview: '/',
  orders: '/orders',
  connectors: CONNECTORS,
  stores: '/settings/stores',
  team: '/settings/team',
  audit: '/settings/audit',
  account: '/settings/account',
};

/** Every page and layer that an owner can open by its address, by name. */
export function addresses({ keys, order, failure, creds, event }) {
  return {
    ...MAIN_PAGES,
    'orders of a search without result': '/orders?q=nothing-like-it',
    'orders of all stores': '/orders?store=all',
    'an order': `/orders/${order.id}`,
    'connectors without a match': `${CONNECTORS}?q=nothing-like-it`,
    'new key': `${CONNECTORS}/new`,
    'new key for WooCommerce': `${CONNECTORS}/new?preset=woocommerce`,
    'requests of a key': keyPath(keys.checkout),
    'requests of a key that has none': keyPath(keys.unused),
    'failed requests of a key': keyPath(keys.checkout, '?status=errors&window=7d'),
    'a request that failed': keyPath(keys.checkout, `/requests/${failure.id}`),
    'parked events': keyPath(keys.parked, '/parked'),
    'discard a parked event': keyPath(keys.parked, `/parked/${event.event_id}/discard`),
    'no parked events': keyPath(keys.checkout, '/parked'),
    'settings of a key': keyPath(keys.checkout, '/settings'),
    'settings of a revoked key': keyPath(keys.revoked, '/settings'),
    'settings of an expiring key': keyPath(keys.expiring, '/settings'),
    'settings of a key that awaits its secret': keyPath(keys.awaiting, '/settings'),
    'settings of a rotated key': keyPath(keys.zapier, '/settings'),
    'rotate a key': keyPath(keys.checkout, '/rotate'),
    'revoke a key': keyPath(keys.checkout, '/revoke'),
    'archive a store that is in use': `/settings/stores/${creds.store_id}/archive`,
  };
}
