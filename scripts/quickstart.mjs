/** What `npm start` prints once Tidegate runs: its addresses, and two commands to try. */
import { createHmac } from 'node:crypto';
import { credentialsFile } from './state.mjs';

const ORDER = {
  external_id: 'A-1',
  currency: 'USD',
  lines: [{ name: 'Thing', quantity: 2, unit_price: '10.00' }],
  total: '20.00',
};

export function quickstart(credentials, stateDir) {
  return `
Tidegate is running at ${credentials.base_url} (Ctrl-C stops it).
Its credentials are in ${credentialsFile(stateDir)}.

The console: ${credentials.base_url}/settings/connectors
  e-mail     ${credentials.owner_email}
  password   ${credentials.owner_password}

Create an order, and see it arrive in the console:

${createOrder(credentials)}

Read it back:

${listOrders(credentials)}

Connect a storefront: ${credentials.base_url}/docs
`;
}

/** What `npm start -- --empty` prints: the link that sets up the first workspace. */
export function setupLink(baseUrl, setupToken) {
  return `
Tidegate is running at ${baseUrl} (Ctrl-C stops it).

Set it up, once, in a browser: ${baseUrl}/setup?token=${setupToken}
`;
}

/**
 * The body is printed in single quotes, so it must contain none. The signature covers exactly the bytes
 * that are sent.
 */
function createOrder({ base_url, integration_key, signing_secret }) {
  const body = JSON.stringify(ORDER);
  const signature = createHmac('sha256', signing_secret).update(body).digest('hex');
  return [
    `curl -sS -w '\\n' -X POST '${base_url}/integrations/v1/orders'`,
    `-H 'Authorization: Bearer ${integration_key}'`,
    `-H 'Content-Type: application/json'`,
    `-H 'Idempotency-Key: quickstart-${ORDER.external_id}'`,
    `-H 'X-Pck-Signature: sha256=${signature}'`,
    `--data-raw '${body}'`,
  ].join(' \\\n  ');
}

function listOrders({ base_url, api_key, store_id }) {
  return [
    `curl -sS -w '\\n' '${base_url}/v1/orders?store_id=${store_id}'`,
    `-H 'Authorization: Bearer ${api_key}'`,
  ].join(' \\\n  ');
}
