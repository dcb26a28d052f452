/** What `npm start` prints once it is up: where it is, and two commands that show it working. */
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

Create an order:

${createOrder(credentials)}

Read it back:

${listOrders(credentials)}
`;
}

/** The body stands in single quotes, so it must hold none; what is signed is exactly what is sent. */
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
