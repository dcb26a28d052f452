/** A key and its secret are shown only once: not after a reload, by Back, or by sending the form again. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { must, setup, useGateway } from '../workerd/support/gateway.mjs';
import { allow, useBrowser } from './support/browser.mjs';
import { answerDialogs, mintFromCard, revealed, signedIn } from './support/console.mjs';

const gateway = await useGateway();
let creds;
before(async () => {
  creds = await setup(gateway);
});
const browser = useBrowser(() => gateway);
const open = signedIn(browser, () => creds);

const keys = async () => (await must(gateway, creds.api_key, 'core.rpc_list_integration_keys', { p_limit: 200 })).keys.length;

/** Asserts that the page contains no revealed secret. A key's preview is not secret. */
async function assertHidden(page, key, where) {
  const content = await page.content();
  const secrets = [key.api_key, key.signing_secret, key.whsec].filter(Boolean);
  assert.ok(secrets.length >= 1);
  for (const secret of secrets) assert.ok(!content.includes(secret), `${where} shows ${secret.slice(0, 8)}…`);
}

for (const title of ['WooCommerce', 'Zapier', 'Custom integration']) {
  test(`neither a reload nor Back nor Forward shows the key of ${title} again`, async () => {
    const page = await open();
    answerDialogs(page);
    await mintFromCard(page, title);
    const key = await revealed(page);
    const count = await keys();
    await page.reload();
    await assertHidden(page, key, 'the reload');
    await page.goto('/orders');
    await page.goBack();
    await assertHidden(page, key, 'Back');
    await page.goBack();
    await assertHidden(page, key, 'Back again');
    await page.goForward();
    await assertHidden(page, key, 'Forward');
    assert.equal(await keys(), count);
  });
}

test('Back from the reveal itself shows none of its secrets', async () => {
  const page = await open();
  answerDialogs(page);
  await mintFromCard(page, 'Custom integration');
  const key = await revealed(page);
  await page.evaluate(() => history.back());
  await page.locator('#reveal').waitFor({ state: 'detached' });
  await assertHidden(page, key, 'Back');
  await page.evaluate(() => history.forward());
  await page.waitForLoadState();
  await assertHidden(page, key, 'Forward');
});

test('without JavaScript neither a reload nor Back shows the key, and the form sent again mints no other key', async () => {
  const page = await open({ javaScriptEnabled: false });
  // Back does not show the uncached response to a POST again, and Chromium logs that as an error.
  allow(page, /ERR_CACHE_MISS/);
  await mintFromCard(page, 'Custom integration');
  const key = await revealed(page);
  const count = await keys();
  await page.reload();
  await assertHidden(page, key, 'the form sent again');
  assert.match(await page.locator('body').textContent(), /has minted .* already/);
  assert.equal(await keys(), count);
  await page.goBack();
  await assertHidden(page, key, 'Back');
  await page.goForward();
  await assertHidden(page, key, 'Forward');
  assert.equal(await keys(), count);
});

for (const javaScriptEnabled of [true, false]) {
  test(`two tabs that send the same form mint one key, ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, async () => {
    const one = await open({ javaScriptEnabled });
    const other = await one.context().newPage();
    for (const page of [one, other]) await page.goto('/settings/connectors/new?preset=custom');
    // Like a duplicated tab, the other tab gets the form id of the first.
    const form = await one.locator('#new-key input[name=form]').inputValue();
    await other.locator('#new-key input[name=form]').evaluate((field, value) => (field.value = value), form);
    const count = await keys();
    await Promise.all([one, other].map((page) => page.getByRole('button', { name: 'Create key' }).click()));
    const outcome = (page) => page.locator('#reveal-key').or(page.getByText(/has minted .* already/)).first();
    for (const page of [one, other]) await outcome(page).waitFor();
    const reveals = await Promise.all([one, other].map((page) => page.locator('#reveal-key').count()));
    assert.deepEqual(reveals.sort(), [0, 1]);
    assert.equal(await keys(), count + 1);
    for (const page of [one, other]) answerDialogs(page);
  });
}
