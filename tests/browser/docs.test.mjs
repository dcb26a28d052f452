/** The documentation in a browser: accessible, within its weight, complete without JavaScript. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { buildDocs, DOCS } from '../../scripts/docs.mjs';
import { readPages } from '../../scripts/docs/pages.mjs';
import { startGateway, useGateway } from '../workerd/support/gateway.mjs';
import { allowStatus, assertAccessible, inEveryLook, layoutShift, useBrowser, weight } from './support/browser.mjs';

/** The most bytes that a page may transfer. */
const WEIGHT = 60_000;
/** One page of each kind. The other pages are made of the same parts. */
const KINDS = ['/docs', '/docs/quickstarts', '/docs/quickstarts/wix', '/docs/authentication', '/docs/orders', '/docs/errors', '/docs/reference'];

const pages = readPages(DOCS).filter(({ name }) => name !== '404.md').map(({ path }) => path);

const gateway = await useGateway();
before(async () => {
  await buildDocs();
});

const browser = useBrowser(() => gateway);

test('axe_finds_nothing_on_any_page_and_nothing_is_wider_than_the_screen', async () => {
  const page = await browser.newPage();
  const check = async () => {
    await assertAccessible(page);
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.equal(overflow, 0, `${page.url()} is too wide`);
  };
  for (const path of pages) {
    await page.goto(path);
    // All pages are checked at one width and theme; at the others one page of each kind suffices.
    await (KINDS.includes(path) ? inEveryLook(page, check) : check());
  }
});

test('no_page_weighs_more_than_60_kB', async (t) => {
  const page = await browser.newPage();
  await page.goto('/docs');
  // The build weighs all pages. This measures what a browser transfers.
  for (const path of KINDS) {
    const { total } = await weight(page, path);
    t.diagnostic(`${path}: ${total} B`);
    assert.ok(total <= WEIGHT, `${path}: ${total} B`);
  }
});

test('nothing_moves_while_a_page_loads', async () => {
  for (const width of [1280, 390]) {
    const page = await browser.newPage({ width });
    for (const path of KINDS) {
      await page.goto(path, { waitUntil: 'networkidle' });
      assert.equal(await layoutShift(page), 0, `${path} at ${width}`);
    }
  }
});

test('an_unknown_address_gets_the_not_found_page', async () => {
  const page = await browser.newPage();
  allowStatus(page, 404);
  const response = await page.goto('/docs/nothing/here');
  assert.equal(response.status(), 404);
  await page.getByRole('heading', { name: 'There is no such page' }).waitFor();
  await assertAccessible(page);
});

describe('interactive parts', () => {
  test('a_language_that_is_chosen_once_is_chosen_on_every_page', async () => {
    const page = await browser.newPage();
    await page.goto('/docs/authentication');
    await page.getByRole('tab', { name: 'curl' }).first().focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Python');
    for (const panel of await page.locator('.tab').all()) {
      assert.equal(await panel.isVisible(), (await panel.locator('pre').getAttribute('aria-label')) === 'Python code');
    }
    await page.goto('/docs');
    assert.ok(await page.getByText('import hashlib, hmac').isVisible());
    assert.ok(!(await page.getByText("from 'node:crypto'").isVisible()));
  });

  test('search_finds_an_error_by_its_code_with_the_keyboard_alone', async () => {
    const page = await browser.newPage();
    await page.goto('/docs');
    await page.keyboard.press('/');
    await page.keyboard.type('external_id_conflict');
    await page.locator('#found a').first().waitFor();
    await assertAccessible(page, 'header');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/docs/errors#external_id_conflict');
    await page.keyboard.press('/');
    await page.keyboard.type('zzzzz');
    await page.getByText('Nothing found').waitFor();
    await page.keyboard.press('Escape');
    assert.ok(!(await page.locator('#found').isVisible()));
  });

  test('a_copy_button_copies_what_its_block_shows', async () => {
    const page = await browser.newPage({ options: { permissions: ['clipboard-read', 'clipboard-write'] } });
    await page.goto('/docs');
    const block = page.locator('.code').first();
    await block.hover();
    await block.getByRole('button', { name: 'Copy' }).click();
    await block.getByRole('button', { name: 'Copied' }).waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), `${await block.locator('code').textContent()}\n`);
  });
});

test('without_javascript_every_sample_is_shown_and_the_narrow_menu_opens', async () => {
  const page = await browser.newPage({ javaScriptEnabled: false, width: 390 });
  await page.goto('/docs/authentication');
  for (const panel of await page.locator('.tab').all()) assert.ok(await panel.isVisible());
  assert.ok(!(await page.getByRole('tablist').first().isVisible()));
  assert.ok(!(await page.getByRole('searchbox').isVisible()));
  await page.getByText('Menu', { exact: true }).click();
  await page.getByRole('navigation', { name: 'All pages' }).getByRole('link', { name: 'Errors' }).click();
  await page.getByRole('heading', { level: 1, name: 'Errors' }).waitFor();
});

test('every_response_has_the_security_headers_and_its_cache_lifetime', async () => {
  const get = async (path, method = 'GET') => fetch(gateway.url + path, { method, redirect: 'manual' });
  const home = await get('/docs');
  assert.equal(await (await get('/docs/')).text(), await home.clone().text(), 'with and without a slash');
  const html = await home.text();
  const files = [...html.matchAll(/"(\/docs\/assets\/[^"]+)"/g)].map(([, path]) => path);
  assert.ok(files.length >= 4, files.join());
  for (const path of ['/docs', '/docs/errors', '/docs/nothing', ...files]) {
    const { status, headers } = await get(path);
    assert.equal(status, path === '/docs/nothing' ? 404 : 200, path);
    assert.match(headers.get('content-security-policy'), /^default-src 'none'; script-src 'self'; style-src 'self';/);
    assert.doesNotMatch(headers.get('content-security-policy'), /unsafe|\*|https?:/, path);
    assert.equal(headers.get('x-content-type-options'), 'nosniff');
    assert.equal(headers.get('x-frame-options'), 'DENY');
    const expected = files.includes(path) ? 'public, max-age=31536000, immutable' : status === 404 ? 'no-store' : 'public, max-age=60';
    assert.equal(headers.get('cache-control'), expected, path);
  }
  const head = await get('/docs', 'HEAD');
  assert.equal(head.status, 200);
  assert.equal(await head.text(), '');
  const post = await get('/docs', 'POST');
  assert.equal(post.status, 405);
  assert.equal(post.headers.get('allow'), 'GET');
});

test('both_hostnames_serve_the_documentation_and_no_other_does', async (t) => {
  const split = await startGateway({ vars: { PUBLIC_API_URL: 'https://api.example.com', PUBLIC_CONSOLE_URL: 'https://console.example.com' } });
  t.after(() => split.stop());
  const { request } = await import('node:http');
  const status = (host) =>
    new Promise((resolve, reject) => {
      const sent = request(`${split.url}/docs`, { headers: { host } }, (response) => resolve(response.resume().statusCode));
      sent.on('error', reject).end();
    });
  for (const [host, expected] of [['api.example.com', 200], ['console.example.com', 200], ['other.example.com', 404]]) {
    assert.equal(await status(host), expected, host);
  }
});
