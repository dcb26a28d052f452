/** Connecting a storefront: the cards, the modal, the one-time reveal. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { must, order, postOrder, setup, signStandard, useGateway } from '../workerd/support/gateway.mjs';
import { captured, deliver } from '../workerd/support/shop.mjs';
import { allowStatus, assertAccessible, useBrowser } from './support/browser.mjs';
import { answerDialogs, inShell, mintFromCard, revealed, signedIn } from './support/console.mjs';

const gateway = await useGateway();
let creds;
before(async () => {
  creds = await setup(gateway);
});
const browser = useBrowser(() => gateway);
const open = signedIn(browser, () => creds);

const CLIPBOARD = { permissions: ['clipboard-read', 'clipboard-write'] };
const ORDERS_CLIENTS = ['orders:write', 'clients:write'];
const EVERYTHING = ['orders:write', 'payments:write', 'payments:refund', 'clients:write'];
const native = (title, source, scopes, promise) =>
  ({ title, name: title, source, format: source, scopes, signed: true, locked: true, promise });
const own = (title, source, signed, promise) =>
  ({ title, name: title, source, format: 'peptideclients', scopes: ['orders:write'], signed, locked: false, promise });
const CARDS = [
  native('WooCommerce', 'woocommerce', ORDERS_CLIENTS, /paste its URL and its secret into the shop/),
  native('Shopify', 'shopify', EVERYTHING, /paste the secret that Shopify shows here/),
  native('Stripe Checkout', 'stripe_checkout', EVERYTHING, /paste the secret \(whsec_…\) here/),
  native('Square', 'square', EVERYTHING, /register its URL, then paste the signature key here/),
  native('BigCommerce', 'bigcommerce', ORDERS_CLIENTS, /kept until their details can be fetched/),
  native('Squarespace', 'squarespace', ['orders:write'], /kept until their details can be fetched/),
  native('Wix', 'wix', ['orders:write'], /paste the app's public key here/),
  native('Webflow', 'webflow', ['orders:write'], /registered through its API/),
  own('Zapier', 'zapier', false, /Webhooks by Zapier/),
  own('Make', 'make', false, /HTTP module/),
  own('Custom integration', 'custom', true, /signs them with a secret that is made here/),
  own('Other sender', 'other', true, /where the sender cannot sign/),
];

const field = (page, name) => page.locator(`#new-key [name="${name}"]:not([type=hidden])`);
const ticked = (page) => page.locator('#new-key [name=scopes]:checked').evaluateAll((boxes) => boxes.map((box) => box.value));
const keys = async () => (await must(gateway, creds.api_key, 'core.rpc_list_integration_keys', { p_limit: 200 })).keys;
const lockReason = (page) => page.locator('#new-key [data-lock-reason]');

/** The values of the modal's fields. */
const fieldValues = async (page) => ({
  name: await field(page, 'name').inputValue(),
  source: await field(page, 'source').inputValue(),
  format: await field(page, 'payload_format').inputValue(),
  scopes: await ticked(page),
  rate: await field(page, 'rate_limit_per_minute').inputValue(),
  days: await field(page, 'expires_in_days').inputValue(),
  signed: await field(page, 'require_signature').isChecked(),
});

async function openModal(page, title) {
  await page.goto('/settings/connectors');
  await page.getByRole('link', { name: title }).first().click();
  await page.locator('#new-key').waitFor();
}

describe('the modal', () => {
  for (const card of CARDS) {
    test(`the card ${card.title} presets every field and leaves each editable`, async () => {
      const page = await open();
      await openModal(page, card.title);
      const { title, locked, promise, ...preset } = card;
      assert.deepEqual(await fieldValues(page), { ...preset, rate: '120', days: '' });
      assert.equal(await lockReason(page).isVisible(), locked);
      const note = page.locator('#new-key .card-note:visible');
      assert.match(await note.textContent(), promise);
      assert.equal(await note.getByRole('link').getAttribute('href'), `/docs/quickstarts/${card.source}`);
      assert.equal(await field(page, 'require_signature').isDisabled(), locked);
      for (const name of ['name', 'store_id', 'source', 'payload_format', 'rate_limit_per_minute', 'expires_in_days']) {
        assert.ok(await field(page, name).isEditable(), name);
      }
      for (const box of await field(page, 'scopes').all()) assert.ok(await box.isEnabled());
    });
  }

  test('the signature is locked for WooCommerce with its reason, and free again for another source', async () => {
    const page = await open();
    await openModal(page, 'Custom integration');
    await field(page, 'require_signature').uncheck();
    await field(page, 'source').selectOption('woocommerce');
    assert.ok(await field(page, 'require_signature').isChecked());
    assert.ok(await field(page, 'require_signature').isDisabled());
    assert.match(await lockReason(page).textContent(), /This sender signs every delivery/);
    await field(page, 'source').selectOption('custom');
    assert.ok(await field(page, 'require_signature').isEnabled());
    assert.ok(await lockReason(page).isHidden());
  });

  test('choosing another card shows its note instead', async () => {
    const page = await open();
    await openModal(page, 'Custom integration');
    await page.locator('#new-key').getByRole('radio', { name: 'Wix' }).check();
    const note = page.locator('#new-key .card-note:visible');
    assert.match(await note.textContent(), /Wix signs with the key pair of your app/);
    assert.equal(await field(page, 'payload_format').inputValue(), 'wix');
    await assertAccessible(page, '#new-key');
  });

  test('the recommended expiries are one click away', async () => {
    const page = await open();
    await openModal(page, 'Custom integration');
    for (const [label, days] of [['90', '90'], ['30', '30'], ['Never', '']]) {
      await page.locator('#new-key').getByRole('button', { name: label, exact: true }).click();
      assert.equal(await field(page, 'expires_in_days').inputValue(), days);
    }
  });

  test('choosing another card changes only the fields that nobody has edited', async () => {
    const page = await open();
    await openModal(page, 'Custom integration');
    await field(page, 'name').fill('My shop');
    await page.locator('#new-key').getByRole('radio', { name: /^WooCommerce/ }).check();
    const now = await fieldValues(page);
    assert.deepEqual([now.name, now.source, now.scopes], ['My shop', 'woocommerce', ['orders:write', 'clients:write']]);
  });

  for (const javaScriptEnabled of [true, false]) {
    test(`errors are shown beside their fields and no input is lost, ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, async () => {
      const page = await open({ javaScriptEnabled });
      allowStatus(page, 422);
      await openModal(page, 'Custom integration');
      await field(page, 'name').fill('  <b>Shop</b> & "Söhne"  ');
      await field(page, 'source').selectOption('shopify');
      for (const box of await field(page, 'scopes').all()) await box.uncheck();
      await field(page, 'rate_limit_per_minute').fill('10001');
      await field(page, 'expires_in_days').fill('often');
      await field(page, 'require_signature').uncheck();
      const before = await fieldValues(page);
      await page.getByRole('button', { name: 'Create key' }).click();
      await page.locator('#new-key .error').first().waitFor();
      assert.deepEqual(await fieldValues(page), before);
      for (const [name, message] of [['rate_limit_per_minute', /The rate limit/], ['expires_in_days', /The expiry/]]) {
        assert.equal(await field(page, name).getAttribute('aria-invalid'), 'true');
        const described = (await field(page, name).getAttribute('aria-describedby')).split(' ');
        const texts = await Promise.all(described.map((id) => page.locator(`[id="${id}"]`).textContent()));
        assert.match(texts.join(' '), message);
      }
      assert.match(await page.locator('#new-key fieldset:has([name=scopes]) .error').textContent(), /The scopes/);
      if (javaScriptEnabled) await assertAccessible(page, '#new-key');

      await field(page, 'scopes').first().check();
      await field(page, 'rate_limit_per_minute').fill('60');
      await field(page, 'expires_in_days').fill('');
      await page.getByRole('button', { name: 'Create key' }).click();
      await page.locator('#reveal-key').waitFor();
      const minted = (await keys()).filter((key) => key.name === '<b>Shop</b> & "Söhne"');
      assert.equal(minted.length, javaScriptEnabled ? 1 : 2);
      assert.deepEqual([minted[0].source, minted[0].rate_limit_per_minute, minted[0].require_signature], ['shopify', 60, false]);
    });
  }

  test('closing a modal with unsaved input asks first', async () => {
    const page = await open();
    const dialogs = answerDialogs(page, false);
    await openModal(page, 'Custom integration');
    await field(page, 'name').fill('Unsaved');
    await page.getByRole('link', { name: 'Cancel' }).click();
    assert.match(dialogs.asked[0].message, /lose what you typed/);
    assert.equal(await field(page, 'name').inputValue(), 'Unsaved');
    dialogs.accept = true;
    await page.keyboard.press('Escape');
    await page.locator('#new-key').waitFor({ state: 'detached' });
  });
});

describe('the reveal', () => {
  test('the copy buttons copy the key, the secret, its whsec form and the command', async () => {
    const page = await open({ options: CLIPBOARD });
    await mintFromCard(page, 'Custom integration');
    const shown = await revealed(page);
    assert.match(shown.api_key, /^pck_int_\w{34}$/);
    assert.match(shown.whsec, /^whsec_/);
    await page.getByText('The secret for Standard Webhooks libraries').click();
    for (const [label, value] of [
      ['Copy Integration key', shown.api_key],
      ['Copy Signing secret', shown.signing_secret],
      ['Copy whsec_ form', shown.whsec],
      ['Copy the command', shown.curl],
    ]) {
      await page.getByRole('button', { name: label }).click();
      assert.equal(await page.evaluate(() => navigator.clipboard.readText()), value, label);
    }
    await assertAccessible(page);
  });

  for (const title of ['Zapier', 'Make', 'Custom integration']) {
    test(`the command of ${title} works when it is pasted into a shell`, async () => {
      const page = await open();
      await mintFromCard(page, title);
      const { curl } = await revealed(page);
      const first = await inShell(`${curl} -w '%{http_code}'`);
      assert.match(first.stdout, /201$/);
      assert.match(curl, /Idempotency-Key/);
      const again = await inShell(curl);
      assert.match(again.stdout, /"id":"ord_/);
      assert.equal(JSON.parse(again.stdout).id, JSON.parse(first.stdout.replace(/201$/, '')).id);
    });
  }

  test('the dry-run command stores nothing, and is marked in the log', async () => {
    const page = await open();
    await mintFromCard(page, 'Custom integration');
    await page.getByText('Try it without storing').click();
    const { stdout } = await inShell(`${await page.locator('#reveal-dry-run').textContent()} -D -`);
    assert.match(stdout, /^dry-run: true/im);
    await page.getByText('I have saved them').click();
    await page.locator('#keys a.row-link').filter({ hasText: 'Custom integration' }).first().click();
    await page.locator('#requests').getByText('Dry run').waitFor();
    assert.equal(await page.locator('#requests a[href^="/orders/"]').count(), 0);
    await page.getByLabel('Outcome').selectOption('dry_run');
    await page.locator('#key').getByRole('button', { name: 'Filter' }).click();
    await page.waitForURL(/outcome=dry_run/);
    await page.locator('#requests .row-link').click();
    await page.locator('#key').getByText('nothing was written').waitFor();
  });

  for (const title of ['Zapier', 'Make']) {
    test(`the values to paste from the reveal of ${title} post an order`, async () => {
      const page = await open({ options: CLIPBOARD });
      await mintFromCard(page, title);
      const copied = async (name) => {
        await page.getByRole('button', { name }).click();
        return page.evaluate(() => navigator.clipboard.readText());
      };
      const [url, authorization] = [await copied('Copy the URL'), await copied("Copy the header's value")];
      const headers = { authorization, 'content-type': 'application/json' };
      const flat = { external_id: title, currency: 'USD', total: '20.00', 'lines[0][name]': 'Thing', 'lines[0][quantity]': '2', 'lines[0][unit_price]': '10.00' };
      const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(flat) });
      assert.equal(response.status, 201, await response.text());
    });
  }

  test('a Standard Webhooks library can sign with the whsec form of the secret', async () => {
    const page = await open();
    await mintFromCard(page, 'Custom integration');
    const key = await revealed(page);
    const response = await postOrder(gateway, { ...key, signing_secret: key.whsec }, order(), { sign: signStandard });
    assert.equal(response.status, 201, response.text);
  });

  test('a WooCommerce delivery to the revealed URL signed with the revealed secret is accepted', async () => {
    const page = await open({ options: CLIPBOARD });
    await mintFromCard(page, 'WooCommerce');
    const { signing_secret } = await revealed(page);
    await page.getByRole('button', { name: 'Copy the URL' }).click();
    const url = await page.evaluate(() => navigator.clipboard.readText());
    const [, key_id] = url.match(/\/integrations\/v1\/webhook\/woocommerce\/(key_[a-z2-7]+)$/) ?? assert.fail(url);
    assert.ok(url.startsWith(gateway.url));
    await page.getByRole('button', { name: 'Copy the signing secret' }).click();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), signing_secret);
    assert.match(await page.locator('#reveal').textContent(), /WooCommerce → Settings → Advanced → Webhooks/);
    const response = await deliver(gateway, { key_id, signing_secret }, 'order.created', captured('order.created'));
    assert.deepEqual([response.status, response.body.outcome], [200, 'accepted']);
  });

  test('closing by button or Escape warns, and confirming leads to the list with the new key', async () => {
    const page = await open();
    const dialogs = answerDialogs(page, false);
    await mintFromCard(page, 'Custom integration');
    await page.locator('#reveal .close').click();
    await page.keyboard.press('Escape');
    assert.deepEqual(dialogs.asked.map(({ message }) => message), Array(2).fill('Close? The key and the secret are not shown again.'));
    assert.ok(await page.locator('#reveal').isVisible());
    const count = (await keys()).length;
    await page.getByText('I have saved them').click();
    await page.locator('#reveal').waitFor({ state: 'detached' });
    assert.equal(dialogs.asked.length, 2, 'whoever says so is not asked');
    await page.locator('#keys tr').first().waitFor();
    assert.equal(await page.locator('#keys tr').count(), count);
  });
});
