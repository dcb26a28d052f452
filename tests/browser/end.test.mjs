/** Endings: a key is paused, revoked or rotated, a parked event settled, a secret replaced, a session ended. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { insertIntegrationKey, insertUser } from '../workerd/support/credentials.mjs';
import { mint, must, order, postOrder, setup, signBody, useGateway } from '../workerd/support/gateway.mjs';
import { captured, deliver, mintShop, parked } from '../workerd/support/shop.mjs';
import { allowStatus, assertAccessible, logIn, useBrowser } from './support/browser.mjs';
import { answerDialogs, revealed, signedIn } from './support/console.mjs';

const gateway = await useGateway();
let creds;
before(async () => {
  creds = await setup(gateway);
});
const browser = useBrowser(() => gateway);
const open = signedIn(browser, () => creds);

const pathOf = (key, tab = '') => `/settings/connectors/${key.key_id}${tab}`;
const row = (page, key) => page.locator(`[id="row-${key.key_id}"]`);
const waitForText = (page, text) => page.getByText(text).first().waitFor();

async function openAt(path, choice) {
  const page = await open(choice);
  await page.goto(path);
  return page;
}

describe('a key', () => {
  for (const javaScriptEnabled of [true, false]) {
    test(`is paused and resumed from its row, ${javaScriptEnabled ? 'with' : 'without'} JavaScript, and that applies to its next request`, async () => {
      const name = `Pausable ${javaScriptEnabled}`;
      const key = await mint(gateway, creds, { p_name: name });
      const page = await openAt('/settings/connectors', { javaScriptEnabled });
      await page.getByRole('button', { name: `Pause ${name}` }).click();
      await waitForText(page, `“${name}” is paused.`);
      await row(page, key).getByText('Paused').waitFor();
      const refused = await postOrder(gateway, key);
      assert.deepEqual([refused.status, refused.body.code], [403, 'key_paused']);
      await page.getByRole('button', { name: `Resume ${name}` }).click();
      await waitForText(page, `“${name}” works again.`);
      await row(page, key).getByText('Active').waitFor();
      assert.equal((await postOrder(gateway, key)).status, 201);
    });

    test(`is revoked by a dialog that quotes its name, ${javaScriptEnabled ? 'with' : 'without'} JavaScript, and its very next request is refused and counted in the receipt`, async () => {
      const name = `Main <shop> ${javaScriptEnabled}`;
      const key = await mint(gateway, creds, { p_name: name });
      const accepted = await postOrder(gateway, key);
      let again;
      const page = await openAt('/settings/connectors', { javaScriptEnabled });
      await page.getByRole('link', { name: `Revoke ${name}` }).click();
      const dialog = page.locator('#revoke');
      await dialog.waitFor();
      assert.equal(await dialog.locator('h2').textContent(), `Revoke “${name}”?`);
      assert.match(await dialog.textContent(), /very next request is refused with 401.*1 requests? in the last 24 hours/s);
      if (javaScriptEnabled) {
        await assertAccessible(page, '#revoke');
        assert.equal(await page.evaluate(() => document.activeElement.textContent.trim()), 'Cancel');
        await page.keyboard.press('Escape');
        await dialog.waitFor({ state: 'detached' });
        again = await postOrder(gateway, key);
        assert.equal(again.status, 201);
        await page.getByRole('link', { name: `Revoke ${name}` }).click();
      }
      await dialog.getByRole('button', { name: `Revoke ${name}` }).click();
      await waitForText(page, `“${name}” is revoked.`);
      const refused = await postOrder(gateway, key);
      assert.equal(refused.status, 401);
      const receipt = page.locator('#key').getByText('Attempts since').locator('..');
      assert.match(await receipt.textContent(), /nobody has tried/);
      await page.reload();
      assert.match(await receipt.textContent(), /1 refused/);
      const last = page.locator('#key').getByText('Last accepted request').locator('..');
      const id = javaScriptEnabled ? again.body.id : accepted.body.id;
      assert.equal(await last.getByRole('link').last().getAttribute('href'), `/orders/${id}`);
      assert.equal(await page.locator('#key').getByRole('button', { name: 'Pause' }).count(), 0);
    });
  }

  test('is rotated to a linked key that knows its orders, and is not offered for revoking while it is in use', async () => {
    const old = await mint(gateway, creds, { p_name: 'Rotated', p_scopes: ['orders:write'] });
    const first = await postOrder(gateway, old, order({ external_id: 'kept' }));
    assert.equal(first.status, 201);
    const page = await openAt('/settings/connectors');
    answerDialogs(page);
    await page.getByRole('link', { name: 'Rotate Rotated' }).click();
    await page.locator('#rotate').waitFor();
    await assertAccessible(page, '#rotate');
    await page.locator('#rotate [name=name]').fill('Rotated again');
    await page.getByRole('button', { name: 'Mint the new key' }).click();
    await page.locator('#reveal').waitFor();
    const successor = await revealed(page);
    const again = await postOrder(gateway, successor, order({ external_id: 'kept' }));
    assert.deepEqual([again.status, again.body.id], [200, first.body.id]);
    assert.equal((await postOrder(gateway, old, order({ external_id: 'kept' }))).status, 200);

    await page.goto(pathOf(old, '/settings'));
    const traffic = page.locator('table.traffic tbody tr');
    assert.equal(await traffic.count(), 2);
    assert.match(await traffic.nth(0).textContent(), /Rotated this key, active2/);
    assert.match(await traffic.nth(1).textContent(), /Rotated again its successor, active1/);
    await assertAccessible(page, '#key');
    assert.equal(await page.getByText('has gone quiet').count(), 0);
    await traffic.nth(1).getByRole('link', { name: 'Rotated again' }).click();
    await page.locator('#key-title').filter({ hasText: 'Rotated again' }).waitFor();
    assert.match(await traffic.nth(0).textContent(), /Rotated the key before/);
  });

  test('that is quiet beside its busy successor is offered for revoking on both pages', async () => {
    const old = await mint(gateway, creds, { p_name: 'Quiet' });
    const args = { p_key_id: old.key_id, p_name: 'Busy successor' };
    const next = await must(gateway, creds.api_key, 'core.rpc_rotate_integration_key', args);
    const page = await openAt(pathOf(old, '/settings'));
    assert.equal(await page.getByText('has gone quiet').count(), 0);
    assert.equal((await postOrder(gateway, next)).status, 201);
    await page.reload();
    await waitForText(page, '“Busy successor” carries the traffic, and this key has gone quiet.');
    await page.goto(pathOf(next, '/settings'));
    await page.locator('table.traffic').getByRole('link', { name: 'Revoke…' }).click();
    await page.getByRole('button', { name: 'Revoke Quiet' }).click();
    await waitForText(page, '“Quiet” is revoked.');
    assert.equal((await postOrder(gateway, old)).status, 401);
    assert.equal((await postOrder(gateway, next)).status, 201);
  });
});

describe('a parked event', () => {
  test('is listed with its reason and retried', async () => {
    const key = await mintShop(gateway, creds, { p_name: 'Parks' });
    await gateway.fault({ class: 'StoreLedger', mode: 'throw' });
    await deliver(gateway, key, 'order.created', captured('order.created'));
    const page = await openAt(pathOf(key, '/parked'));
    await page.getByText('The store did not answer in time').waitFor();
    assert.match(await page.locator('#key').textContent(), /Parked events \(1\)/);
    assert.match(await page.locator('#key tbody').textContent(), /order\.created/);
    await assertAccessible(page, '#key');
    await gateway.fault();
    await page.getByRole('button', { name: 'Retry' }).click();
    await waitForText(page, 'The event was tried again: accepted.');
    await page.getByText('Nothing is parked').waitFor();
    assert.deepEqual(await parked(gateway, creds, key), []);
  });

  test('is discarded after a dialog', async () => {
    const key = await mintShop(gateway, creds, { p_name: 'Discards', p_scopes: ['orders:write'] });
    await deliver(gateway, key, 'customer.created', captured('customer.created'));
    const page = await openAt(pathOf(key, '/parked'));
    await page.getByText('The key lacks the scope').waitFor();
    await page.getByRole('button', { name: 'Retry' }).click();
    await waitForText(page, 'The event waits on: insufficient_scope.');
    await page.getByRole('link', { name: 'Discard…' }).click();
    const dialog = page.locator('#discard');
    assert.match(await dialog.textContent(), /of “Discards” is forgotten/);
    await assertAccessible(page, '#discard');
    assert.equal((await parked(gateway, creds, key)).length, 1);
    await dialog.getByRole('button', { name: 'Discard the event' }).click();
    await waitForText(page, 'The event was discarded.');
    assert.deepEqual(await parked(gateway, creds, key), []);
  });
});

test('a replaced signing secret stays valid for its overlap, and the page never shows either secret', async () => {
  const key = await mint(gateway, creds, { p_name: 'Secretive' });
  const page = await openAt(pathOf(key, '/settings'));
  allowStatus(page, 422);
  const next = 'a new secret that was pasted';
  const paste = async (secret, overlap) => {
    await page.locator('#key [name=signing_secret]').fill(secret);
    await page.locator('#key [name=overlap_hours]').selectOption(overlap);
    await page.getByRole('button', { name: 'Replace secret' }).click();
  };
  const statuses = async () => {
    const secrets = [key.signing_secret, next];
    const responses = secrets.map((secret) => postOrder(gateway, key, order(), { sign: (_, body) => signBody(secret, body) }));
    return (await Promise.all(responses)).map(({ status }) => status);
  };
  await paste('short', '24');
  assert.match(await page.locator('#key .field .error').first().textContent(), /The secret/);
  assert.deepEqual(await statuses(), [201, 401]);
  await paste(next, '24');
  await waitForText(page, '“Secretive” has a new secret. The old one counts for 24 more hours.');
  assert.deepEqual(await statuses(), [201, 201]);
  const content = await page.content();
  assert.ok(!content.includes(next) && !content.includes(key.signing_secret));
});

test('a key that awaits its secret names the screen that shows it, and has a field for it', async () => {
  const columns = { name: 'Waits', source: 'woocommerce', payload_format: 'woocommerce', require_signature: 1 };
  const key = await insertIntegrationKey(gateway, creds, columns);
  const page = await openAt('/settings/connectors');
  await row(page, key).getByText('Awaiting secret').waitFor();
  await page.goto(pathOf(key, '/settings'));
  assert.match(await page.locator('#key .banner').textContent(), /awaits its signing secret.*field Secret under WooCommerce → Settings → Advanced → Webhooks/);
  assert.equal(await page.locator('#key [name=overlap_hours]').count(), 0);
  const secret = 'as the shop shows it';
  const send = () => deliver(gateway, key, 'order.created', captured('order.created'), { secret });
  assert.equal((await send()).status, 401);
  await page.getByLabel('Paste the secret').fill(secret);
  await page.getByRole('button', { name: 'Save secret' }).click();
  await page.locator('#key .banner').waitFor({ state: 'detached' });
  assert.deepEqual([(await send()).status, (await page.content()).includes(secret)], [200, false]);
});

test('after a session ends in the middle of a form, its input can still be sent once the user signs in in another tab', async () => {
  const page = await browser.newPage();
  allowStatus(page, 401);
  await logIn(page, creds);
  await page.goto('/settings/connectors/new?preset=custom');
  const name = page.locator('#new-key [name=name]');
  await name.fill('Typed before the end');
  await page.locator('#new-key [name=expires_in_days]').fill('77');
  await gateway.d1('DELETE FROM sessions');
  const create = page.getByRole('button', { name: 'Create key' });
  await create.click();
  const ended = page.locator('#session-ended');
  await ended.getByText('Your session has ended').waitFor();
  await assertAccessible(page, '#session-ended');
  await ended.getByRole('button', { name: 'Continue' }).click();
  await ended.getByText('You are not signed in yet.').waitFor();
  const link = ended.getByRole('link', { name: 'Sign in' });
  const [other] = await Promise.all([page.context().waitForEvent('page'), link.click()]);
  await other.waitForLoadState();
  await logIn(other, creds);
  await ended.getByRole('button', { name: 'Continue' }).click();
  await ended.waitFor({ state: 'hidden' });
  assert.equal(await name.inputValue(), 'Typed before the end');
  assert.equal(await page.locator('#new-key [name=expires_in_days]').inputValue(), '77');
  await create.click();
  await page.locator('#reveal-key').waitFor();
  const { keys } = await must(gateway, creds.api_key, 'core.rpc_list_integration_keys', { p_limit: 200 });
  assert.equal(keys.filter((key) => key.name === 'Typed before the end').length, 1);
  answerDialogs(page);
});

test('a member sees the restricted card, no control, and no data in the HTML', async () => {
  const key = await mint(gateway, creds, { p_name: 'Not for members' });
  const { user_id } = await insertUser(gateway, creds.workspace_id, 'member');
  await gateway.d1('UPDATE users SET password_hash = (SELECT password_hash FROM users WHERE id = ?1) WHERE id = ?2', [creds.user_id, user_id]);
  const page = await browser.newPage();
  allowStatus(page, 403);
  await logIn(page, { owner_email: `${user_id}@example.com`, owner_password: creds.owner_password });
  for (const path of ['/settings/connectors', '/settings/connectors/new', pathOf(key), pathOf(key, '/settings'), pathOf(key, '/parked'), pathOf(key, '/revoke')]) {
    const response = await page.goto(path);
    assert.equal(response.status(), 403, path);
    const html = await response.text();
    for (const data of ['Not for members', 'Main store', key.api_key.slice(0, 12)]) assert.ok(!html.includes(data), `${path}: ${data}`);
    assert.equal(await page.locator('main form, main button, #layer dialog').count(), 0, path);
    assert.match(await page.locator('main').textContent(), /Connectors/);
  }
  await assertAccessible(page);
});
