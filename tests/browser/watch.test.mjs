/** Watching a key: the drawer, the live tail, and the log's filters, pages and downloads. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, describe, test } from 'node:test';
import { mint, order, postOrder, setup, useGateway, times } from '../workerd/support/gateway.mjs';
import { openWebSocket } from '../workerd/support/web-socket.mjs';
import { until } from '../workerd/support/waiting.mjs';
import { allow, assertAccessible, logIn, useBrowser } from './support/browser.mjs';
import { answerDialogs, cookieOf, inShell, mintFromCard, revealed, signedIn } from './support/console.mjs';

const gateway = await useGateway();
let creds;
/** A key with 60 orders and 5 refused requests. */
let busy;
before(async () => {
  creds = await setup(gateway);
  busy = await mint(gateway, creds, { p_name: 'Busy' });
  for (let n = 1; n <= 60; n += 1) await postOrder(gateway, busy, order({ external_id: `B-${n}` }), { idempotencyKey: `idem-${n}` });
  for (let n = 1; n <= 5; n += 1) await postOrder(gateway, busy, order({ external_id: `W-${n}`, total: '1' }), { idempotencyKey: `Wrong-${n}` });
});
const browser = useBrowser(() => gateway);
const open = signedIn(browser, () => creds);

const rows = (page) => page.locator('[data-tail-rows] tr[id^=req_]');
const live = (page) => page.locator('.live-text');
const isLive = (page) => live(page).filter({ hasText: /^Live$/ }).waitFor();
/** The texts of one column of the listed requests; by default their idempotency keys. */
const listed = (page, column = 5) => rows(page).locator(`td:nth-child(${column})`).allTextContents();
const externalIds = (page) => listed(page, 6);
const WRONG = [5, 4, 3, 2, 1].map((n) => `Wrong-${n}`);
const pathOf = (key) => `/settings/connectors/${key.key_id}`;

async function opened(key, query = '', choice) {
  const page = await open(choice);
  await page.goto(pathOf(key) + query);
  await page.locator('#key').waitFor();
  return page;
}

describe('the drawer', () => {
  test('a request sent by the pasted command appears at once, without waiting for an alarm, in the drawer opened by the name', async () => {
    const page = await open();
    answerDialogs(page);
    await mintFromCard(page, 'Custom integration');
    const { curl } = await revealed(page);
    await page.getByText('I have saved them').click();
    await page.locator('#keys a.row-link').filter({ hasText: 'Custom integration' }).first().click();
    await page.locator('#key').waitFor();
    assert.match(new URL(page.url()).pathname, /\/key_[a-z2-7]+$/);
    await page.getByText('No request yet').waitFor();
    await isLive(page);
    await page.evaluate(() => (window.unchanged = true));
    const { KeyGate } = await gateway.cost(async () => {
      await inShell(curl);
      await rows(page).first().waitFor();
    });
    assert.equal(KeyGate.alarms, 0);
    assert.equal(await page.evaluate(() => window.unchanged), true);
    assert.deepEqual(await externalIds(page), ['first-order']);
    assert.match(await rows(page).first().textContent(), /POST.*\/orders.*201/);
    assert.equal(await page.getByText('No request yet').count(), 0);
  });

  test('opens over the list when its address is loaded, and shows local times', async () => {
    const page = await opened(busy);
    assert.equal(await page.locator('#key-title').textContent(), 'Busy');
    assert.equal(await rows(page).count(), 50);
    const time = rows(page).first().locator('time');
    const at = new Date(await time.getAttribute('datetime'));
    const hour = at.toLocaleString('en-US', { timeZone: 'America/New_York', hour: '2-digit', hour12: false });
    assert.match(await time.textContent(), new RegExp(`, ${hour}:`));
    await assertAccessible(page, '#key');
    await page.keyboard.press('Escape');
    await page.locator('#key').waitFor({ state: 'detached' });
    assert.equal(new URL(page.url()).pathname, '/settings/connectors');
    await page.locator('#keys').getByText('Busy', { exact: true }).waitFor();
  });

  test('pausing stops the live updates, and resuming shows the requests since then', async () => {
    const key = await mint(gateway, creds);
    const page = await opened(key);
    await isLive(page);
    await page.getByRole('button', { name: 'Pause live updates' }).click();
    assert.equal(await live(page).textContent(), 'Paused');
    const witness = await opened(key);
    await isLive(witness);
    await postOrder(gateway, key, order({ external_id: 'while-paused' }));
    await rows(witness).filter({ hasText: 'while-paused' }).waitFor();
    assert.equal(await rows(page).count(), 0);
    await page.getByRole('button', { name: 'Resume live updates' }).click();
    await isLive(page);
    await rows(page).filter({ hasText: 'while-paused' }).waitFor();
    await postOrder(gateway, key, order({ external_id: 'afterwards' }));
    await rows(page).filter({ hasText: 'afterwards' }).waitFor();
    assert.deepEqual(await externalIds(page), ['afterwards', 'while-paused']);
  });

  test('shows requests that arrived after the page was rendered and before it was live', async () => {
    const key = await mint(gateway, creds);
    await postOrder(gateway, key, order({ external_id: 'before' }));
    const page = await open();
    let release;
    const released = new Promise((resolve) => (release = resolve));
    await page.route(/\/assets\/console\.[^/]*js$/, async (route) => {
      await released;
      await route.fallback();
    });
    await page.goto(pathOf(key), { waitUntil: 'commit' });
    await rows(page).first().waitFor();
    await postOrder(gateway, key, order({ external_id: 'between' }));
    release();
    await rows(page).filter({ hasText: 'between' }).waitFor();
    await postOrder(gateway, key, order({ external_id: 'live' }));
    await rows(page).filter({ hasText: 'live' }).waitFor();
    assert.deepEqual(await externalIds(page), ['live', 'between', 'before']);
  });
});

describe('the log', () => {
  test('filters are in the address, survive a reload, and apply to live requests', async () => {
    const page = await opened(busy);
    await page.locator('#key').getByLabel('Status', { exact: true }).selectOption('errors');
    await page.getByRole('button', { name: 'Filter' }).last().click();
    await page.waitForURL(/status=errors/);
    assert.deepEqual(await listed(page), WRONG);
    await page.reload();
    assert.deepEqual(await listed(page), WRONG);
    assert.equal(await page.locator('#key').getByLabel('Status', { exact: true }).inputValue(), 'errors');
    await isLive(page);
    const other = await mint(gateway, creds);
    await page.goto(`${pathOf(other)}?status=errors`);
    await isLive(page);
    await postOrder(gateway, other, order(), { idempotencyKey: 'taken' });
    await postOrder(gateway, other, order({ total: '1' }), { idempotencyKey: 'refused' });
    await rows(page).filter({ hasText: 'refused' }).waitFor();
    assert.deepEqual(await listed(page), ['refused']);
  });

  for (const [query, expected] of [
    ['external_id=B-7', ['idem-7']],
    ['idempotency_key=idem-9', ['idem-9']],
    ['code=validation_failed', WRONG],
    ['outcome=rejected', WRONG],
    ['to=2020-01-01T00:00', []],
  ]) {
    test(`the filter ${query} selects the matching requests`, async () => {
      const page = await opened(busy, `?${query}`);
      assert.deepEqual(await listed(page), expected);
    });
  }

  for (const javaScriptEnabled of [true, false]) {
    test(`the older page continues where the newer one ended, ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, async () => {
      const page = await opened(busy, '', { javaScriptEnabled });
      const first = await listed(page);
      await page.getByRole('link', { name: 'Older' }).click();
      await page.waitForURL(/cursor=/);
      await rows(page).filter({ hasText: 'idem-15' }).waitFor();
      assert.deepEqual([first.length, first[0], first.at(-1)], [50, 'Wrong-5', 'idem-16']);
      assert.deepEqual(await listed(page), Array.from({ length: 15 }, (_, n) => `idem-${15 - n}`));
      await page.getByRole('link', { name: 'Newer' }).click();
      await rows(page).filter({ hasText: 'Wrong-5' }).waitFor();
      assert.deepEqual(await listed(page), first);
    });
  }

  test('a permalink opens one request with its body, headers, response and explanation', async () => {
    const page = await opened(busy, '?idempotency_key=Wrong-3');
    await rows(page).locator('a.row-link').click();
    await page.waitForURL(/\/requests\/req_/);
    const permalink = page.url();
    const cold = await open();
    await cold.goto(permalink);
    for (const view of [page, cold]) {
      await view.locator('#kept-body').waitFor();
      assert.equal(JSON.parse(await view.locator('#kept-body').textContent()).external_id, 'W-3');
      assert.match(await view.locator('#kept-headers').textContent(), /content-type: application\/json/i);
      const headers = await view.locator('#kept-headers').textContent();
      assert.ok(!headers.includes(busy.api_key));
      assert.equal(JSON.parse(await view.locator('#kept-answer').textContent()).code, 'validation_failed');
      assert.match(await view.locator('.explain').textContent(), /What to do/);
    }
    await assertAccessible(cold);
  });

  test('the downloads contain the filtered rows', async () => {
    const page = await opened(busy, '?status=errors');
    const saved = async (name) => {
      const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name, exact: true }).click()]);
      return readFileSync(await download.path(), 'utf8').trim().split(/\r?\n/);
    };
    const csv = await saved('CSV');
    assert.match(csv[0], /^\W*id,received_at,method,path,status/);
    assert.deepEqual(csv.slice(1).map((line) => /Wrong-\d/.exec(line)?.[0]), WRONG);
    const ndjson = (await saved('NDJSON')).map((line) => JSON.parse(line));
    assert.deepEqual(ndjson.map((row) => row.idempotency_key), WRONG);
    assert.ok(ndjson.every((row) => row.status >= 400));
  });
});

describe('the list', () => {
  const isUsage = (url) => new URL(url).pathname === '/settings/connectors/usage';

  test('the 24h cells load by themselves, refresh every 30 seconds, and stop while the page is hidden', async () => {
    const key = await mint(gateway, creds, { p_name: 'Counted' });
    const page = await open();
    await page.clock.install();
    let requests = 0;
    page.on('request', (request) => (requests += isUsage(request.url())));
    await page.goto('/settings/connectors');
    const cell = page.locator(`[id="usage-${key.key_id}"] .count`);
    await cell.filter({ hasText: /^0$/ }).waitFor();
    assert.equal(requests, 1);
    await postOrder(gateway, key);
    await postOrder(gateway, key, order({ total: '1' }));
    await page.clock.fastForward(25_000);
    assert.equal(requests, 1);
    await page.clock.fastForward(6_000);
    await cell.filter({ hasText: /^2$/ }).waitFor();
    await page.locator(`[id="usage-${key.key_id}"]`).getByText('1 error').waitFor();
    assert.equal(requests, 2);

    const setVisibility = (state) =>
      page.evaluate((value) => {
        Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => value });
        Object.defineProperty(document, 'hidden', { configurable: true, get: () => value === 'hidden' });
        document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
      }, state);
    await setVisibility('hidden');
    await postOrder(gateway, key);
    for (let n = 0; n < 4; n += 1) await page.clock.fastForward(31_000);
    assert.equal(requests, 2);
    await setVisibility('visible');
    await cell.filter({ hasText: /^3$/ }).waitFor();
    assert.equal(requests, 3);
  });
});

describe('the socket', () => {
  const quiet = { text: () => {}, close: () => {} };

  test('cannot be opened by another site with the session of a visitor, nor without a session', async () => {
    const cookie = await cookieOf(await open());
    const connect = (headers) => openWebSocket(`${gateway.url + pathOf(busy)}/tail`, quiet, headers);
    for (const origin of ['https://evil.example', 'null', gateway.url.replace('http:', 'https:')]) {
      assert.equal((await connect({ cookie, origin })).status, 403, origin);
    }
    assert.equal((await connect({ cookie })).status, 403);
    assert.ok([303, 401].includes((await connect({ origin: gateway.url })).status));
    const own = await connect({ cookie, origin: gateway.url });
    assert.equal(own.status, 101);
    own.close();
  });

  test('is closed at once by signing out, and the open drawer says so', async () => {
    const page = await browser.newPage();
    allow(page, /status of 401/);
    await logIn(page, creds);
    await page.goto(pathOf(busy));
    await isLive(page);
    let closed = null;
    const heard = { text: () => {}, close: (code) => (closed = { code }) };
    const headers = { cookie: await cookieOf(page), origin: gateway.url };
    assert.equal((await openWebSocket(`${gateway.url + pathOf(busy)}/tail`, heard, headers)).status, 101);
    const other = await page.context().newPage();
    await other.goto('/orders');
    const { KeyGate } = await gateway.cost(async () => {
      await other.locator('form[action="/logout"] button').first().evaluate((button) => button.click());
      await other.waitForURL(/\/login/);
      await until(async () => closed, Boolean, 5);
    });
    assert.deepEqual([closed.code, KeyGate.alarms], [4001, 0]);
    await page.getByText('Your session has ended').waitFor();
    assert.equal(await live(page).textContent(), 'Not live');
    const before = await rows(page).count();
    const witness = await opened(busy);
    await isLive(witness);
    await times(2, () => postOrder(gateway, busy, order({ external_id: 'unseen' })));
    await rows(witness).filter({ hasText: 'unseen' }).nth(1).waitFor();
    assert.equal(await rows(page).count(), before);
  });
});
