/** Shared by the tests of the console's pages: signing in, minting a key, running a command. */
import { execFile } from 'node:child_process';
import { logIn } from './login.mjs';

/**
 * Signs the owner in once, and opens pages with that session.
 *
 * @param {{newPage: Function}} browser - from `useBrowser`
 * @param {() => object} creds - what `setup` returned
 * @returns {(choice?: object) => Promise<import('playwright-core').Page>} opens a page in a context of its own
 */
export function signedIn(browser, creds) {
  let state;
  return async (choice) => {
    if (!state) {
      const page = await browser.newPage();
      await logIn(page, creds());
      state = await page.context().storageState();
    }
    return browser.newPage({ storageState: state, ...choice });
  };
}

/** The cookies of a page's context, as a request carries them. */
export async function cookieOf(page) {
  const cookies = await page.context().cookies();
  return cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
}

/** Mints a key with the presets of the card of this title, and waits for the reveal. */
export async function mintFromCard(page, title) {
  await page.goto('/settings/connectors');
  await page.getByRole('link', { name: title }).first().click();
  await page.getByRole('button', { name: 'Create key' }).click();
  await page.locator('#reveal').waitFor();
}

/** The values that a reveal shows; `null` for those that it does not show. */
export async function revealed(page) {
  const text = async (id) => {
    const element = page.locator(`#${id}`);
    return (await element.count()) ? element.textContent() : null;
  };
  return {
    api_key: await text('reveal-key'),
    signing_secret: await text('reveal-secret'),
    whsec: await text('reveal-whsec'),
    url: await text('reveal-url'),
    curl: await text('reveal-curl'),
  };
}

/** Runs a command as if it were pasted into a shell. */
export function inShell(command) {
  return new Promise((resolve, reject) => {
    execFile('bash', ['-c', command], { timeout: 20_000 }, (failure, stdout, stderr) => {
      if (failure) reject(new Error(`${failure.message}\n${stderr}`, { cause: failure }));
      else resolve({ stdout });
    });
  });
}

/** Accepts or dismisses the browser's own dialogs, as `accept` says at the time, and records them in `asked`. */
export function answerDialogs(page, accept = true) {
  const asked = [];
  const answers = { accept, asked };
  page.on('dialog', async (dialog) => {
    asked.push({ type: dialog.type(), message: dialog.message() });
    await (answers.accept ? dialog.accept() : dialog.dismiss());
  });
  return answers;
}
