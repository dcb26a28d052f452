/** axe-core finds no violation on any page or layer, in both themes, at both widths. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { insertPerson, login } from '../workerd/support/console.mjs';
import { must, setup, useGateway } from '../workerd/support/gateway.mjs';
import { allowStatus, assertAccessible, inEveryLook, logIn, useBrowser } from './support/browser.mjs';
import { addresses, populateWorkspace, keyPath, MAIN_PAGES, shapeOf } from './support/tour.mjs';

const gateway = await useGateway();
const empty = await useGateway({ own: true });
let workspace;
before(async () => {
  workspace = await populateWorkspace(gateway);
});

/** Checks a page in every look once it has loaded. */
async function check(page, heading) {
  await page.waitForLoadState('networkidle');
  if (heading) await page.getByRole('heading', { name: heading }).first().waitFor();
  await inEveryLook(page, assertAccessible);
}

/** What pages lead to that is no page of the console: files, the documentation, the way out, what a script asks for. */
const OTHERWISE = [/^\/(assets|docs)\b/, /^\/login$/, /^\/session\//, /\/export\.(csv|ndjson)$/, /\/usage$/, /\/tail$/];

test('whatever page a page of the console leads to is among those that are looked at', async () => {
  const visitor = await login(gateway, workspace.creds.owner_email, workspace.creds.owner_password);
  const all = Object.values(addresses(workspace));
  const known = new Set(all.map(shapeOf));
  const others = {};
  for (const path of all) {
    const { text } = await visitor.get(path);
    for (const [, address] of text.matchAll(/(?:href|hx-get|data-[a-z-]+)="(\/[^"]*)"/g)) {
      const shape = shapeOf(address);
      if (!known.has(shape) && !OTHERWISE.some((pattern) => pattern.test(shape))) others[shape] = path;
    }
  }
  assert.deepEqual(others, {});
});

describe('who is not signed in', () => {
  const browser = useBrowser(() => gateway);

  test('sign_in_invite_and_error_pages_pass', async () => {
    const page = await browser.newPage();
    await page.goto('/login');
    await check(page, 'Sign in');
    allowStatus(page, 401);
    allowStatus(page, 422);
    await page.fill('[name=email]', workspace.creds.owner_email);
    await page.fill('[name=password]', 'not the password at all');
    await page.press('[name=password]', 'Enter');
    await page.locator('[data-error-summary]').waitFor();
    await check(page, 'Sign in');

    await page.goto(new URL(workspace.invite.invite_url).pathname);
    await check(page, /^Join /);
    allowStatus(page, 404);
    allowStatus(page, 410);
    allowStatus(page, 403);
    await page.goto('/invite/nobodys');
    await check(page);
    await page.goto('/setup');
    await check(page);
  });
});

describe('a new deployment', () => {
  const browser = useBrowser(() => empty);

  test('setup_passes_with_and_without_errors', async () => {
    const page = await browser.newPage();
    await page.goto(`/setup?token=${empty.setupToken}`);
    await check(page, /^Set up/);
    allowStatus(page, 422);
    await page.fill('[name=workspace_name]', 'Acme');
    await page.fill('[name=store_name]', 'Main');
    await page.fill('[name=owner_email]', 'owner@example.com');
    await page.fill('[name=owner_password]', 'short');
    await page.press('[name=owner_password]', 'Enter');
    await page.locator('[data-error-summary]').waitFor();
    await check(page, /^Set up/);
  });

  test('the_empty_pages_pass', async () => {
    const creds = await setup(empty);
    const page = await browser.newPage();
    await logIn(page, creds);
    for (const path of Object.values(MAIN_PAGES)) {
      await page.goto(path);
      await check(page);
    }
  });
});

describe('an owner', () => {
  const browser = useBrowser(() => gateway);
  let session;

  async function signedIn() {
    if (!session) {
      const page = await browser.newPage();
      await logIn(page, workspace.creds);
      session = await page.context().storageState();
    }
    return browser.newPage({ storageState: session });
  }

  test('every_page_and_layer_passes', async () => {
    const page = await signedIn();
    const problems = [];
    for (const [name, path] of Object.entries(addresses(workspace))) {
      await page.goto(path);
      await check(page).catch((problem) => problems.push(`${name}: ${problem.message}`));
    }
    assert.deepEqual(problems, []);
  });

  test('forms_dialogs_and_menus_pass', async () => {
    const page = await signedIn();
    allowStatus(page, 422);
    await page.goto('/settings/connectors/new');
    await page.locator('#new-key [name=rate_limit_per_minute]').fill('0');
    await page.getByRole('button', { name: 'Create key' }).click();
    await page.locator('#new-key [data-error-summary]').waitFor();
    await check(page, 'New integration key');

    await page.goto('/settings/connectors/new?preset=woocommerce');
    await page.getByRole('button', { name: 'Create key' }).click();
    await page.locator('#reveal').waitFor();
    await check(page, 'Save this key now');

    await page.goto('/settings/team');
    await page.locator('form [name=email]').fill('new@example.com');
    await page.getByRole('button', { name: 'Make an invite link' }).click();
    await page.locator('#invited').waitFor();
    await check(page, 'Send this link');

    await page.goto('/settings/stores');
    await page.locator('details.pop summary').first().click();
    await check(page, 'Stores');

    await page.goto(keyPath(workspace.keys.checkout));
    await page.locator('details.more-filters summary').click();
    await check(page);

    await page.goto('/');
    await page.keyboard.press('?');
    await page.locator('#shortcuts').waitFor();
    await check(page);
    await page.keyboard.press('Escape');
    await page.locator('details.user-menu summary').locator('visible=true').click();
    await check(page);
    await page.reload();
    await page.setViewportSize({ ...page.viewportSize(), width: 390 });
    await page.locator('details.menu > summary').click();
    await page.locator('details.user-menu summary').locator('visible=true').click();
    await check(page);
  });

  test('the_not_found_page_passes', async () => {
    const page = await signedIn();
    allowStatus(page, 404);
    await page.goto('/orders/ord_nowhere');
    await check(page, 'Nothing is here');
  });

  test('the_dialogs_that_remove_a_member_and_archive_a_store_pass', async () => {
    const { creds } = workspace;
    const { store_id: store } = await must(gateway, creds.api_key, 'core.rpc_create_store', { p_name: 'Closed soon' });
    const member = await insertPerson(gateway, creds, 'member');
    const page = await signedIn();
    await page.goto(`/settings/team/${member.user_id}/remove`);
    await check(page, /^Remove /);
    await page.goto(`/settings/stores/${store}/archive`);
    await check(page, /^Archive /);
  });
});

describe('a member', () => {
  const browser = useBrowser(() => gateway);

  test('the_restricted_pages_pass', async () => {
    const member = await insertPerson(gateway, workspace.creds, 'member');
    const page = await browser.newPage();
    allowStatus(page, 403);
    await logIn(page, { owner_email: member.email, owner_password: member.password });
    for (const path of Object.values(MAIN_PAGES)) {
      await page.goto(path);
      await check(page);
    }
  });
});
