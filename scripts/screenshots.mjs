/**
 * `npm run screenshots`: takes pictures of the console with demo data. All pages, in both themes and two
 * widths, go to docs/screenshots/; the pictures of the README go to docs/.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { launch, logIn } from '../tests/browser/support/browser.mjs';
import { startGateway } from '../tests/workerd/support/gateway.mjs';
import { buildWorker } from './build.mjs';
import { ensureChromium } from './chromium.mjs';
import { seedDemo } from './demo.mjs';
import { Failure, runScript, step } from './processes.mjs';
import { ROOT } from './project.mjs';
import { preflight } from './toolchain.mjs';

const DOCS = join(ROOT, 'docs');
const SCREENSHOTS = join(DOCS, 'screenshots');
const THEMES = ['light', 'dark'];
/** The device scale of the README's pictures: sharp enough, and the files stay small. */
const README_SCALE = 1.5;
const SIZES = { 1280: { width: 1280, height: 900 }, 390: { width: 390, height: 844 } };

/**
 * Every page by name, with its path, which may depend on the demo data. `anonymous`: seen before signing
 * in. `readme`: the name of its picture in the README. `act`: what to do on the page before the picture is
 * taken.
 */
const PAGES = {
  login: { path: () => '/login', anonymous: true },
  overview: { path: () => '/', readme: 'overview' },
  connectors: { path: () => '/settings/connectors', readme: 'connectors' },
  'new-key': { path: () => '/settings/connectors/new' },
  'request-log': { path: ({ keys }) => `/settings/connectors/${keys.checkout.key_id}`, readme: 'drawer' },
  request: { path: ({ keys, failure }) => `/settings/connectors/${keys.checkout.key_id}/requests/${failure.id}` },
  'parked-events': { path: ({ keys }) => `/settings/connectors/${keys.parked.key_id}/parked` },
  'key-settings': { path: ({ keys }) => `/settings/connectors/${keys.expiring.key_id}/settings` },
  rotate: { path: ({ keys }) => `/settings/connectors/${keys.expiring.key_id}/rotate` },
  revoke: { path: ({ keys }) => `/settings/connectors/${keys.checkout.key_id}/revoke` },
  orders: { path: () => '/orders' },
  order: { path: ({ order }) => `/orders/${order.id}` },
  stores: { path: () => '/settings/stores' },
  team: { path: () => '/settings/team' },
  audit: { path: () => '/settings/audit' },
  account: { path: () => '/settings/account' },
  // This page mints a key, so it comes after the pages that list keys.
  reveal: { path: () => '/settings/connectors/new', act: mintOnPage, readme: 'reveal' },
};

const USAGE = `Usage: npm run screenshots -- [--only NAME]…

  --only NAME  only this page, and nothing for the README: ${Object.keys(PAGES).join(', ')}`;

function chosenPages() {
  let values;
  try {
    ({ values } = parseArgs({ options: { only: { type: 'string', multiple: true } } }));
  } catch (error) {
    throw new Failure(`${error.message}\n${USAGE}`, 2);
  }
  const unknown = values.only?.find((name) => !Object.hasOwn(PAGES, name));
  if (unknown) throw new Failure(`There is no page ${unknown}.\n${USAGE}`, 2);
  return { names: values.only ?? Object.keys(PAGES), forReadme: !values.only };
}

/** Fills in and sends the form that mints a key, up to the page that shows the key once. */
async function mintOnPage(page) {
  await page.locator('#new-key').getByLabel('Name', { exact: true }).fill('Web shop');
  await page.getByRole('button', { name: 'Create key' }).click();
  await page.locator('#reveal').waitFor();
}

/** A browser, and a gateway with the demo data. */
class Studio {
  #browser;
  #demo;
  #storageState;

  constructor(browser, demo) {
    this.#browser = browser;
    this.#demo = demo;
  }

  /** Saves one picture of the page `name` as `file`. */
  async take(name, file, { colorScheme, size, scale = 1 }) {
    const { path, anonymous, act } = PAGES[name];
    const storageState = anonymous ? undefined : await this.#session();
    const page = await this.#browser.newPage({ ...SIZES[size], colorScheme, storageState, options: { deviceScaleFactor: scale } });
    const address = path(this.#demo);
    const response = await page.goto(address, { waitUntil: 'networkidle' });
    if (response.status() >= 400) throw new Failure(`The page ${name} (${address}) answered ${response.status()}.`);
    await act?.(page);
    await page.screenshot({ path: file, animations: 'disabled' });
    await this.#browser.closePages().catch((problem) => {
      throw new Failure(`The page ${name} (${address}): ${problem.message}`);
    });
  }

  /** Signs in once, through the form. */
  async #session() {
    if (!this.#storageState) {
      const page = await this.#browser.newPage();
      const response = await page.goto('/login');
      if (response.status() !== 200) throw new Failure(`The page login (/login) answered ${response.status()}.`);
      await logIn(page, this.#demo.creds);
      this.#storageState = await page.context().storageState();
      await this.#browser.closePages();
    }
    return this.#storageState;
  }
}

async function photograph(gateway, { names, forReadme }) {
  const demo = await step('Filling a demo workspace', () => seedDemo(gateway));
  const browser = await launch(gateway);
  try {
    const studio = new Studio(browser, demo);
    mkdirSync(SCREENSHOTS, { recursive: true });
    for (const name of names) {
      await step(name, async () => {
        const { readme } = PAGES[name];
        if (forReadme && readme) {
          await studio.take(name, join(DOCS, `${readme}.png`), { colorScheme: 'light', size: 1280, scale: README_SCALE });
        }
        for (const colorScheme of THEMES) {
          for (const size of Object.keys(SIZES)) {
            await studio.take(name, join(SCREENSHOTS, `${name}-${colorScheme}-${size}.png`), { colorScheme, size });
          }
        }
      });
    }
  } finally {
    await browser.close();
  }
}

await runScript(async () => {
  const choice = chosenPages();
  await preflight();
  await buildWorker();
  process.env.CHROMIUM_BIN = await ensureChromium();
  const gateway = await startGateway();
  try {
    await photograph(gateway, choice);
  } finally {
    await gateway.stop();
  }
});
