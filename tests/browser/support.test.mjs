/** Tests that the browser tests' own checks can fail: each is shown a page with the fault it must notice. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { allow, allowStatus, assertAccessible, launch, layoutShift, problems, useBrowser, weight } from './support/browser.mjs';

/** The console's Content-Security-Policy. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

const COLOURS = 'color: #222; background: #fff';
const STYLE = `body { ${COLOURS} } .faint { color: #ccc } @media (prefers-color-scheme: dark) { body { background: #333; color: #eee } }`;

const document = (body, head = '') =>
  `<!doctype html><html lang="en"><head><title>A page</title><link rel="stylesheet" href="/style.css"><link rel="icon" href="/dot.svg">${head}</head><body><main><h1>A page</h1>${body}</main></body></html>`;
const script = (name) => document('', `<script src="/${name}.js" defer></script>`);

/** An origin where nothing listens, and whose name is not looked up. */
const ELSEWHERE = 'http://elsewhere.example.test';

/** Compresses well, and is large enough to tell the compressed size from the real one. */
const LONG = `/* ${'long '.repeat(4_000)} */`;

const FILES = {
  '/': document('<p>Nothing wrong here. <img src="data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7" alt=""></p>'),
  '/style.css': STYLE,
  '/throws': script('throws'),
  '/throws.js': 'null.missing;',
  '/rejects': script('rejects'),
  '/rejects.js': 'Promise.reject(new Error("nobody waits"));',
  '/logs': script('logs'),
  '/logs.js': 'console.error("it went wrong"); console.warn("a warning");',
  '/inline-script': document('', '<script>1;</script>'),
  '/inline-style': document('<p style="margin: 0">Styled</p>'),
  '/eval': script('eval'),
  '/eval.js': 'try { eval("1"); } catch {}',
  '/image': document(`<img src="${ELSEWHERE}/a.png" alt="">`),
  '/socket': script('socket'),
  '/socket.js': `new WebSocket("ws://127.0.0.1:9/elsewhere");`,
  '/missing-script': script('nowhere'),
  '/unlabelled': document('<p><input name="unlabelled"></p>'),
  '/faint': document('<p class="faint">Hardly to be read</p>'),
  '/heavy': document('<img src="/dot.svg" alt="">', '<script src="/heavy.js" defer></script>'),
  '/heavy.js': LONG,
  '/dot.svg': `<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"><!-- ${'x'.repeat(500)} --></svg>`,
  '/shifts': script('shifts'),
  '/shifts.js':
    'setTimeout(() => { const box = document.createElement("div"); box.style.height = "300px"; document.querySelector("main").prepend(box); document.title = "Shifted"; }, 200);',
};

const TYPES = { '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };

/** Pages without a policy, so that the browser makes the request instead of blocking it. */
const WITHOUT_POLICY = ['/image', '/socket'];

function respond(request, response) {
  const { pathname } = new URL(request.url, 'http://server');
  if (pathname === '/session') {
    response.writeHead(303, { location: '/who', 'set-cookie': '__Host-session=kept; Path=/; Secure; HttpOnly; SameSite=Lax' });
    return response.end();
  }
  const file = pathname === '/who' ? document(`<p>${request.headers.cookie ?? 'nobody'}</p>`) : FILES[pathname];
  const headers = { 'content-type': `${TYPES[path.extname(pathname)] ?? 'text/html'}; charset=utf-8`, 'cache-control': 'max-age=600' };
  if (!WITHOUT_POLICY.includes(pathname)) headers['content-security-policy'] = POLICY;
  if (pathname === '/heavy.js') headers['content-encoding'] = 'gzip';
  response.writeHead(file === undefined ? 404 : 200, headers);
  const text = file ?? document('Nothing here');
  return response.end(pathname === '/heavy.js' ? gzipSync(text) : text);
}

const server = createServer(respond);
const site = {};
before(async () => {
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  site.url = `http://127.0.0.1:${server.address().port}`;
});
after(() => server.close());

describe('the guard', () => {
  let browser;
  before(async () => {
    browser = await launch(site);
  });
  after(() => browser?.close());

  /** The guard's message about a page; empty if the page passes. */
  async function noticed(address, choice) {
    const page = await browser.newPage(choice);
    await page.goto(address, { waitUntil: 'networkidle' });
    const message = await browser.closePages().then(() => '', (failure) => failure.message);
    assert.equal(message === '', problems(page).length === 0);
    return message;
  }

  test('a_page_that_does_nothing_wrong_passes', async () => {
    assert.equal(await noticed('/'), '');
    assert.equal(await noticed('/', { javaScriptEnabled: false, colorScheme: 'dark', width: 390 }), '');
  });

  for (const [what, address, pattern, choice] of [
    ['an_exception', '/throws', /page error: TypeError: Cannot read properties of null/],
    ['a_rejected_promise', '/rejects', /page error: Error: nobody waits/],
    ['a_logged_error', '/logs', /console error: it went wrong/],
    ['an_inline_script', '/inline-script', /CSP violation: script-src-elem blocks inline/],
    ['an_inline_style', '/inline-style', /CSP violation: style-src-attr blocks inline/],
    ['an_inline_style_without_javascript', '/inline-style', /console error: .*Content Security Policy/, { javaScriptEnabled: false }],
    ['a_caught_eval', '/eval', /CSP violation: script-src blocks eval/],
    ['an_image_of_another_origin', '/image', /request to another origin: http:\/\/elsewhere\.example\.test\/a\.png/],
    ['an_image_of_another_origin_without_javascript', '/image', /request to another origin/, { javaScriptEnabled: false }],
    ['a_socket_to_another_origin', '/socket', /request to another origin: ws:\/\/127\.0\.0\.1:9\/elsewhere/],
    ['a_missing_script', '/missing-script', /console error: Failed to load resource: .* 404 .*nowhere\.js/],
    ['a_missing_page', '/nowhere', /console error: Failed to load resource: .* 404 .*nowhere/],
  ]) {
    test(`${what}_is_noticed`, async () => assert.match(await noticed(address, choice), pattern));
  }

  test('warnings_are_not_errors', async () => assert.doesNotMatch(await noticed('/logs'), /a warning/));

  test('allowed_problems_pass_and_no_others_do', async () => {
    const page = await browser.newPage();
    allowStatus(page, 404);
    await page.goto('/nowhere');
    await page.goto('/logs');
    await assert.rejects(browser.closePages(), (failure) => /it went wrong/.test(failure.message) && !/404/.test(failure.message));

    const other = await browser.newPage();
    allow(other, /it went wrong/);
    await other.goto('/logs');
    await browser.closePages();
  });

  test('the_problems_of_one_test_do_not_count_in_the_next', async () => {
    await noticed('/throws');
    await browser.closePages();
  });
});

test('a_test_whose_page_logs_an_error_fails_without_any_check_of_its_own', async () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'tidegate-browser-'));
  const file = path.join(directory, 'logs.test.mjs');
  writeFileSync(
    file,
    `import { test } from 'node:test';
     import { useBrowser } from ${JSON.stringify(new URL('./support/browser.mjs', import.meta.url).href)};
     const browser = useBrowser(() => ({ url: ${JSON.stringify(site.url)} }));
     test('clean', async () => { await (await browser.newPage()).goto('/'); });
     test('logs', async () => { await (await browser.newPage()).goto('/logs'); });`,
  );
  const { NODE_TEST_CONTEXT, ...env } = process.env;
  const report = await new Promise((ended) => {
    execFile(process.execPath, ['--test', '--test-reporter=tap', file], { env }, (_, output) => ended(output));
  });
  rmSync(directory, { recursive: true });
  assert.match(report, /^ *ok \d+ - clean$/m);
  assert.match(report, /^ *not ok \d+ - logs$/m);
  assert.match(report, /it went wrong/);
});

describe('the measures', () => {
  const browser = useBrowser(() => site);

  async function opened(address, choice) {
    const page = await browser.newPage(choice);
    await page.goto(address);
    return page;
  }

  test('axe_passes_a_clean_page_under_the_strict_policy_in_both_themes', async () => {
    for (const colorScheme of ['light', 'dark']) await assertAccessible(await opened('/', { colorScheme }));
  });

  test('axe_names_rule_target_and_reason_of_a_violation', async () => {
    const page = await opened('/unlabelled');
    await assert.rejects(assertAccessible(page), /label \(critical\): Form elements must have labels\n *input: Fix any of the following/);
    await assertAccessible(page, 'h1');
  });

  test('axe_checks_the_theme_that_is_shown', async () => {
    await assert.rejects(assertAccessible(await opened('/faint')), /color-contrast \(serious\): .*\n *p: [^]*contrast of 1\.6/);
    await assertAccessible(await opened('/faint', { colorScheme: 'dark' }));
  });

  test('the_weight_is_what_an_empty_cache_transfers_by_kind', async () => {
    const page = await opened('/heavy');
    const first = await weight(page, '/heavy');
    assert.deepEqual(await weight(page, '/heavy'), first);
    assert.ok(first.scripts > 0 && first.scripts < 1_000, `${LONG.length} bytes compressed are ${first.scripts}`);
    assert.ok(first.styles > STYLE.length && first.images > 500 && first.documents > FILES['/heavy'].length);
    assert.equal(first.total, first.documents + first.styles + first.scripts + first.images + first.others);
    assert.equal(first.beforeImages, first.total - first.images);
    assert.deepEqual(first.requests.map(({ url }) => url.slice(site.url.length)), ['/dot.svg', '/heavy', '/style.css', '/heavy.js']);
    await assert.rejects(weight(page, '/nowhere'), /answered 404/);
  });

  test('the_weight_is_measured_with_the_session_of_the_page', async () => {
    const page = await opened('/session');
    assert.match(await page.textContent('p'), /__Host-session=kept/);
    const { documents } = await weight(page, '/who');
    const { documents: withoutSession } = await weight(await opened('/who'), '/who');
    assert.equal(documents - withoutSession, '__Host-session=kept'.length - 'nobody'.length);
  });

  test('a_layout_shift_is_measured_and_its_absence_is_zero', async () => {
    const page = await opened('/shifts');
    await page.waitForFunction(() => document.title === 'Shifted');
    assert.ok((await layoutShift(page)) > 0.05);
    assert.equal(await layoutShift(await opened('/')), 0);
  });
});
