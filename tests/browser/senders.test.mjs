/**
 * Connects senders that create their own secrets, as an operator does it: mint from the card, copy the
 * URL, paste the sender's secret, and see the first delivery arrive.
 */
import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { mint, must, setup, useGateway } from '../workerd/support/gateway.mjs';
import { allowStatus, assertAccessible, useBrowser } from './support/browser.mjs';
import { mintFromCard, signedIn } from './support/console.mjs';

const FIXTURES = path.join(path.dirname(fileURLToPath(import.meta.url)), '../fixtures');
const fixture = (name) => readFileSync(path.join(FIXTURES, name));
const hmac = (key, parts, encoding) => parts.reduce((mac, part) => mac.update(part), createHmac('sha256', key)).digest(encoding);
const seconds = (offset = 0) => Math.floor(Date.now() / 1000) + offset;
const base64url = (value) => Buffer.from(value).toString('base64url');

const wixKeys = generateKeyPairSync('rsa', { modulusLength: 2048 });

/** The recorded token of Wix with current times, signed with the key pair above. */
function wixToken() {
  const claims = JSON.parse(Buffer.from(fixture('wix/order_approved.generated.jwt.txt').toString().split('.')[1], 'base64url'));
  const input = [{ alg: 'RS256', kid: 'test' }, { ...claims, iat: seconds(), exp: seconds(3600) }].map((part) => base64url(JSON.stringify(part))).join('.');
  return `${input}.${base64url(sign('RSA-SHA256', Buffer.from(input), wixKeys.privateKey))}`;
}

const PASTE = 'Paste the signing key';
const SENDERS = [
  {
    title: 'Square',
    action: PASTE,
    steps: /Developer Console.*Add subscription.*Square signs the URL too.*payment\.created.*Signature key/,
    secret: randomUUID(),
    topic: 'payment.created',
    deliver: (url, secret, body = fixture('square/payment.created.json')) => [body, { 'x-square-hmacsha256-signature': hmac(secret, [url, body], 'base64') }],
  },
  {
    title: 'Wix',
    action: 'Paste the public key',
    steps: /app dashboard.*Webhooks.*Order Approved.*Callback URL.*Get Public Key/,
    secret: wixKeys.publicKey.export({ type: 'spki', format: 'pem' }),
    topic: 'wix.ecom.v1.order_approved',
    deliver: () => [wixToken(), {}],
  },
  {
    title: 'Stripe Checkout',
    action: PASTE,
    steps: /Developers → Webhooks.*checkout\.session\.completed.*Endpoint URL.*Signing secret/,
    secret: `whsec_${randomUUID()}`,
    topic: 'checkout.session.completed',
    deliver: (url, secret, body = fixture('stripe_checkout/checkout.session.completed.json')) => [body, { 'stripe-signature': `t=${seconds()},v1=${hmac(secret, [`${seconds()}.`, body], 'hex')}` }],
  },
];

const gateway = await useGateway();
let creds;
before(async () => {
  creds = await setup(gateway);
});
const browser = useBrowser(() => gateway);
const open = signedIn(browser, () => creds);

const CLIPBOARD = { permissions: ['clipboard-read', 'clipboard-write'] };
const keyOf = async (title) => (await must(gateway, creds.api_key, 'core.rpc_list_integration_keys')).keys.find(({ name }) => name === title);
const pathOf = (key, below = '') => `/settings/connectors/${key.key_id}${below}`;

/** Sends a delivery as the sender does. Returns the status of the response. */
async function deliver(sender, url, secret = sender.secret) {
  const [body, headers] = sender.deliver(url, secret);
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'text/plain', ...headers }, body });
  await response.arrayBuffer();
  return response.status;
}

describe('a sender that creates its own secret', () => {
  for (const sender of SENDERS) {
    test(`${sender.title}: its key is minted, its URL copied, its secret pasted, and its first delivery shown in the open drawer`, async () => {
      const page = await open({ options: CLIPBOARD });
      await mintFromCard(page, sender.title);
      const reveal = page.locator('#reveal');
      assert.match((await reveal.textContent()).replace(/\s+/g, ' '), sender.steps);
      assert.equal(await page.locator('#reveal-secret').count(), 0, 'nothing is made that nobody needs');
      await page.getByRole('button', { name: 'Copy the URL' }).click();
      const url = await page.evaluate(() => navigator.clipboard.readText());
      await assertAccessible(page, '#reveal');
      if (sender.title !== 'Wix') assert.equal(await deliver(sender, url), 401, 'before its secret is here');

      await reveal.getByRole('link', { name: sender.action }).click();
      await page.locator('#key').waitFor();
      assert.match((await page.locator('#connect').textContent()).replace(/\s+/g, ' '), sender.steps);
      await assertAccessible(page, '#key');
      await page.locator('#key [name=signing_secret]').fill(sender.secret);
      await page.getByRole('button', { name: 'Save secret' }).click();
      await page.getByText(`“${sender.title}” has its secret`).waitFor();
      assert.equal(await page.getByText('awaits its signing secret').count(), 0);
      assert.ok(!(await page.content()).includes(sender.secret.slice(30, 60)) || sender.secret.length < 31);

      await page.getByRole('link', { name: 'Requests', exact: true }).click();
      await page.locator('#key .live').getByText('Live', { exact: true }).waitFor();
      assert.equal(await deliver(sender, url), 200);
      const row = page.locator('#requests tr').filter({ hasText: sender.topic }).first();
      await row.waitFor();
      assert.match(await row.textContent(), /200/);
    });
  }

  test('a key that awaits its secret is marked in the list, the drawer and the overview, each with a link to paste it', async () => {
    await mint(gateway, creds, { p_name: 'Still waiting', p_source: 'shopify', p_payload_format: 'shopify' });
    const key = await keyOf('Still waiting');
    const page = await open();
    const settings = pathOf(key, '/settings');
    await page.goto('/settings/connectors');
    const row = page.locator(`[id="row-${key.key_id}"]`);
    await row.getByText('Awaiting secret').waitFor();
    assert.equal(await row.getByRole('link', { name: PASTE }).getAttribute('href'), settings);
    await page.goto(pathOf(key));
    await page.locator('#key .banner').getByText('Until then every delivery is refused').waitFor();
    assert.equal(await page.locator('#key .banner').getByRole('link', { name: PASTE }).getAttribute('href'), settings);
    await page.goto('/');
    const item = page.locator('.attention-item').filter({ hasText: 'Still waiting' });
    assert.equal(await item.getByRole('link', { name: PASTE }).getAttribute('href'), settings);
    await item.getByRole('link', { name: PASTE }).click();
    assert.match(await page.locator('#key .banner').textContent(), /Settings → Notifications → Webhooks/);
  });

  test('a secret in the wrong form is refused beside its field', async () => {
    await mint(gateway, creds, { p_name: 'Mistyped', p_source: 'stripe_checkout', p_payload_format: 'stripe_checkout' });
    const page = await open();
    allowStatus(page, 422);
    await page.goto(pathOf(await keyOf('Mistyped'), '/settings'));
    await page.getByLabel('Paste the secret').fill('sk_live_not_a_signing_secret');
    await page.getByRole('button', { name: 'Save secret' }).click();
    assert.match(await page.locator('#key .field .error').textContent(), /begins with whsec_/);
  });
});

test('the URL that Square signs is the webhook URL unless another one is entered', async () => {
  await mint(gateway, creds, { p_name: 'Behind a proxy', p_source: 'square', p_payload_format: 'square' });
  const key = await keyOf('Behind a proxy');
  const square = SENDERS.find(({ title }) => title === 'Square');
  const proxy = `https://proxy.example.com/hooks/${key.key_id}`;
  const page = await open();
  allowStatus(page, 422);
  await page.goto(pathOf(key, '/settings'));
  const field = page.getByLabel('URL as registered at Square');
  assert.equal(await field.inputValue(), key.webhook_url);
  const save = async (url) => {
    await page.locator('#key [name=signing_secret]').fill(square.secret);
    await field.fill(url);
    await page.getByRole('button', { name: /(Save|Replace) secret/ }).click();
  };
  await save('not an address');
  assert.match(await page.locator('#key .field .error').textContent(), /The URL must be the https address/);
  assert.equal(await field.inputValue(), 'not an address');
  await save(proxy);
  await page.getByText('“Behind a proxy” has its secret').waitFor();
  assert.equal(await field.inputValue(), proxy);
  const [body, headers] = square.deliver(proxy, square.secret);
  const response = await fetch(key.webhook_url, { method: 'POST', headers, body });
  assert.equal(response.status, 200, await response.text());
  assert.equal(await deliver(square, key.webhook_url), 401, 'the other URL is not the registered one');
});

test('events that only name the changed resource are listed apart, and need no attention', async () => {
  await mint(gateway, creds, { p_name: 'Thin events', p_source: 'bigcommerce', p_payload_format: 'bigcommerce', p_signing_secret: 'the-client-secret', p_scopes: ['orders:write'] });
  const key = await keyOf('Thin events');
  const send = async (file) => {
    const [body, id] = [fixture(file), `msg_${randomUUID()}`];
    const headers = { 'webhook-id': id, 'webhook-timestamp': String(seconds()), 'webhook-signature': `v1,${hmac('the-client-secret', [`${id}.${seconds()}.`, body], 'base64')}` };
    const response = await fetch(key.webhook_url, { method: 'POST', headers, body });
    assert.equal(response.status, 200, await response.text());
  };
  await send('bigcommerce/store_order_created.json');
  const page = await open();
  await page.goto('/settings/connectors');
  const row = page.locator(`[id="row-${key.key_id}"]`);
  await row.getByRole('link', { name: '1 kept' }).waitFor();
  assert.equal(await row.getByText('parked').count(), 0);
  await page.goto('/');
  await page.locator('#attention h2').first().waitFor();
  assert.equal(await page.locator('.attention-item').filter({ hasText: 'Thin events' }).count(), 0);

  await page.goto(pathOf(key, '/parked'));
  const drawer = page.locator('#key');
  await drawer.getByText('Nothing is lost, and nothing has to be done.').waitFor();
  await drawer.getByText('Parked events (1 kept)').waitFor();
  assert.equal(await drawer.getByRole('button', { name: 'Retry' }).count(), 0);
  await assertAccessible(page, '#key');
  await drawer.getByRole('link', { name: 'Needs attention (0)' }).click();
  await drawer.getByText('Nothing needs attention').waitFor();

  // An event whose topic needs a scope that the key lacks does need attention.
  await send('bigcommerce/store_customer_created.json');
  await page.goto(pathOf(key, '/parked'));
  await drawer.getByText('The key lacks the scope').waitFor();
  await drawer.getByText('Parked events (1)').waitFor();
  await drawer.getByRole('link', { name: 'Kept, awaiting details (1)' }).click();
  await drawer.getByText('Nothing is lost').waitFor();
  await drawer.locator('.row-link').click();
  await drawer.getByText('This event is kept, and awaits its details.').waitFor();
  await drawer.getByText('a later release fetches the details').waitFor();
});
