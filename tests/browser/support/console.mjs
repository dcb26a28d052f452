/** What the tests of the console's pages share: who is signed in, minting by the form, a shell. */
import { execFile } from 'node:child_process';
import { logIn } from './login.mjs';

/**
 * Signs the owner in once; pages opened from then on are theirs.
 *
 * @param {{newPage: Function}} browser - of `useBrowser`
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

/** Mints a key from the card of this title, as it presets the modal; ends at the reveal. */
export async function mintFromCard(page, title) {
  await page.goto('/settings/connectors');
  await page.getByRole('link', { name: title }).first().click();
  await page.getByRole('button', { name: 'Create key' }).click();
  await page.locator('#reveal').waitFor();
}

/** What a reveal shows. */
export async function revealed(page) {
  const text = async (id) => {
    const shown = page.locator(`#${id}`);
    return (await shown.count()) ? shown.textContent() : null;
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

/** Answers the dialogs of the browser itself with `accept`, and keeps what they asked. */
export function answerDialogs(page, accept = true) {
  const asked = [];
  const answers = { accept, asked };
  page.on('dialog', async (dialog) => {
    asked.push({ type: dialog.type(), message: dialog.message() });
    await (answers.accept ? dialog.accept() : dialog.dismiss());
  });
  return answers;
}
