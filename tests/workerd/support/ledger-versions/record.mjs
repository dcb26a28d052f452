/**
 * Records the rows of a StoreLedger as the built Worker writes them, for the tests of migrations:
 * `node tests/workerd/support/ledger-versions/record.mjs NAME` writes NAME.json beside this file. Run
 * it before a step is added to the ledger's migrations, and never change what it has written.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { mint, order, send, setup, signedRequest, startGateway } from '../gateway.mjs';
import { deliver, fixture, mintSender, parsed } from '../senders.mjs';

const [name] = process.argv.slice(2);
if (!name) throw new Error('the name of the version is missing');

const client = { external_id: 'c-1', email: 'Zoe@example.com', name: 'Zoë' };
const metadata = { z: 1.5, a: { y: 'é', b: [1, null] } };
const full = { external_id: 'A-1', number: '1001', client, billing_address: { city: 'Berlin', country: 'DE' }, note: 'Ring twice', metadata };

/** What is sent: an Idempotency-Key where there is one, method, path and body. */
const REQUESTS = [
  ['order-1', 'POST', 'orders', order({ ...full, placed_at: '2026-11-20T10:00:00Z' })],
  [undefined, 'POST', 'orders', order({ external_id: 'A-2' })],
  ['order-3', 'POST', 'orders', order({ external_id: undefined })],
  ['payment-1', 'POST', 'orders/external:A-1/payments', { external_id: 'p-1', amount: '20.00', method: 'card', paid_at: '2026-11-20T10:05:00Z' }],
  ['refund-1', 'POST', 'payments/external:p-1/refunds', { external_id: 'r-1', amount: '5.50', reason: 'One broke' }],
  ['cancel-1', 'POST', 'orders/external:A-2/cancel', { reason: 'Changed their mind' }],
  ['conflict-1', 'POST', 'orders', order({ external_id: 'A-1', note: 'Another' })],
  [undefined, 'PUT', 'clients', { external_id: 'c-2', email: 'max@example.com' }],
  ['client-1', 'PUT', 'clients', { external_id: 'c-2', phone: '+1 555' }],
];

const gateway = await startGateway();
try {
  const creds = await setup(gateway);
  const key = await mint(gateway, creds);
  const requests = [];
  for (const [idempotencyKey, method, resource, body] of REQUESTS) {
    const request = signedRequest(key, `/integrations/v1/${resource}`, body, { method, idempotencyKey });
    const { status, text } = await send(gateway, request);
    requests.push({ idempotencyKey, method, path: request.path, body: request.body, status, text });
  }

  const stripe = await mintSender(gateway, creds, 'stripe_checkout');
  const session = parsed('stripe_checkout', 'checkout.session.completed.payment_mode');
  const paid = parsed('stripe_checkout', 'payment_intent.succeeded');
  Object.assign(paid.data.object, { id: session.data.object.payment_intent, currency: session.data.object.currency });
  const client = ['customer.created.json', 'customer.updated.json'].map((file) => fixture('stripe_checkout', file));
  for (const event of [session, paid, ...client]) {
    const answer = await deliver(gateway, stripe, event);
    if (answer.body.outcome !== 'accepted') throw new Error(answer.text);
  }

  const inLedger = (sql) => gateway.sql('StoreLedger', creds.store_id, sql);
  const schema = await inLedger("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT GLOB '_cf*' ORDER BY rowid");
  const rows = {};
  for (const { name } of schema.filter(({ type }) => type === 'table')) rows[name] = await inLedger(`SELECT * FROM ${name}`);
  const [{ namespace }] = await gateway.d1('SELECT namespace FROM integration_keys WHERE key_id = ?1', [key.key_id]);
  const [native] = await gateway.d1('SELECT namespace FROM integration_keys WHERE key_id = ?1', [stripe.key_id]);
  const recorded = {
    store_id: creds.store_id,
    key_id: key.key_id,
    namespace,
    native: { key_id: stripe.key_id, namespace: native.namespace, order: session.data.object.id, payment: paid.data.object.id },
    requests,
    schema: schema.map(({ sql }) => sql),
    rows,
  };
  const file = path.join(path.dirname(fileURLToPath(import.meta.url)), `${name}.json`);
  writeFileSync(file, `${JSON.stringify(recorded, null, 1)}\n`);
} finally {
  await gateway.stop();
}
