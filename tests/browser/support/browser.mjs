/**
 * A Chromium for testing the console. A test file calls once, at its top level,
 *
 *     const browser = useBrowser(() => gateway);
 *
 * and each test opens its pages with `browser.newPage(…)`. When a test ends, its pages are closed, and
 * it fails if the guard (guard.mjs) noticed a problem.
 */
import assert from 'node:assert/strict';
import { after, afterEach, before } from 'node:test';
import { chromium } from 'playwright-core';
import { findChromium } from '../../../scripts/chromium.mjs';
import { Guard } from './guard.mjs';

export * from './accessibility.mjs';
export * from './login.mjs';
export * from './measures.mjs';

const ARGUMENTS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // No name resolves, so that no packet leaves the machine, whatever a page requests.
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost',
];

/** The most milliseconds that one step may take. Playwright's default of 30 s hides steps that hang. */
const STEP_TIMEOUT = 10_000;

/** A zone that never equals UTC, so that tests notice a time that was not converted to local time. */
const TIME_ZONE = 'America/New_York';

const HEIGHT = 900;

const guards = new WeakMap();

/**
 * Starts one Chromium with a profile of its own, which is removed when it closes.
 *
 * @param {{url: string}} gateway - the only server that its pages may contact
 * @returns {Promise<Browser>}
 */
export async function launch(gateway) {
  const executablePath = findChromium();
  assert.ok(executablePath, 'there is no Chromium: run `npm test -- browser`, which installs one');
  return new Browser(await chromium.launch({ executablePath, args: ARGUMENTS }), gateway);
}

class Browser {
  #chromium;
  #gateway;
  #contexts = new Map();

  constructor(chromium, gateway) {
    this.#chromium = chromium;
    this.#gateway = gateway;
  }

  /**
   * Opens a page in a context of its own: no cookies, no cache, nothing shared. Paths are the
   * gateway's: `page.goto('/login')`.
   *
   * @param {object} [choice]
   * @param {number} [choice.width] - of the window, in CSS pixels
   * @param {number} [choice.height]
   * @param {'light' | 'dark'} [choice.colorScheme]
   * @param {boolean} [choice.javaScriptEnabled]
   * @param {string} [choice.timezoneId]
   * @param {object} [choice.storageState] - cookies to begin with: `await page.context().storageState()`
   * @param {object} [choice.options] - any other option of a Playwright context
   * @returns {Promise<import('playwright-core').Page>}
   */
  async newPage({
    width = 1280,
    height = HEIGHT,
    colorScheme = 'light',
    javaScriptEnabled = true,
    timezoneId = TIME_ZONE,
    storageState,
    options = {},
  } = {}) {
    const context = await this.#chromium.newContext({
      baseURL: this.#gateway.url,
      viewport: { width, height },
      locale: 'en-US',
      colorScheme,
      javaScriptEnabled,
      timezoneId,
      storageState,
      ...options,
    });
    context.setDefaultTimeout(STEP_TIMEOUT);
    const guard = await Guard.over(context, this.#gateway.url);
    this.#contexts.set(context, guard);
    guards.set(context, guard);
    return context.newPage();
  }

  /** Closes every page. Throws if the guard noticed a problem on any of them. */
  async closePages() {
    const contexts = [...this.#contexts];
    this.#contexts.clear();
    for (const [context] of contexts) await context.close();
    const problems = contexts.flatMap(([, guard]) => guard.problems);
    if (problems.length > 0) assert.fail(`the pages of this test did what none may:\n  ${problems.join('\n  ')}`);
  }

  async close() {
    await this.#chromium.close();
  }
}

/**
 * Launches a Chromium for the tests of a file. After each test its pages are closed and checked.
 *
 * @param {() => {url: string}} gateway - called when the tests begin
 * @returns {{newPage: Browser['newPage']}}
 */
export function useBrowser(gateway) {
  let browser;
  before(async () => {
    browser = await launch({ get url() { return gateway().url; } });
  });
  afterEach(() => browser?.closePages());
  after(() => browser?.close());
  return { newPage: (choice) => browser.newPage(choice) };
}

/**
 * Allows problems whose text matches, on this page and on the others of its context.
 *
 * @param {import('playwright-core').Page} page
 * @param {RegExp} pattern
 */
export function allow(page, pattern) {
  guards.get(page.context()).allow(pattern);
}

/** Allows responses with this status. Chromium logs an error for each status of 400 and more. */
export function allowStatus(page, status) {
  allow(page, new RegExp(`^console error: Failed to load resource: .* status of ${status} `));
}

/** The problems that the guard has noticed so far and that are not allowed. */
export function problems(page) {
  return guards.get(page.context()).problems;
}
