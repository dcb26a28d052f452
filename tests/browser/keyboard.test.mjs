/** Every task can be done with the keyboard alone, and focus is never lost. No mouse is touched here. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { must, useGateway } from '../workerd/support/gateway.mjs';
import { logIn, useBrowser } from './support/browser.mjs';
import { populateWorkspace, keyPath } from './support/tour.mjs';

/** More presses of Tab than any page needs until the wanted element has focus. */
const MOST_STOPS = 120;

const gateway = await useGateway();
let workspace;
before(async () => {
  workspace = await populateWorkspace(gateway);
});
const browser = useBrowser(() => gateway);

let session;
/** Opens a page as the owner, who signs in once for the whole file. */
async function signedIn(path = '/') {
  if (!session) {
    const page = await browser.newPage();
    await logIn(page, workspace.creds);
    session = await page.context().storageState();
  }
  const page = await browser.newPage({ storageState: session });
  await page.goto(path, { waitUntil: 'networkidle' });
  return page;
}

/** The focused element: its name as a screen reader speaks it, its layer, and whether it is visible. */
const focused = (page) =>
  page.evaluate(() => {
    const element = document.activeElement;
    const label = element.labels?.[0]?.textContent ?? element.ariaLabel ?? element.textContent;
    return {
      tag: element.localName,
      id: element.id,
      name: label.replace(/\s+/g, ' ').trim() || element.title,
      layer: element.closest('dialog')?.id ?? null,
      visible: element.checkVisibility({ visibilityProperty: true }),
    };
  });

/** Presses Tab until the focused element is called `name`, and returns it. */
async function tabTo(page, name, key = 'Tab') {
  const passed = [];
  for (let stop = 0; stop < MOST_STOPS; stop += 1) {
    await page.keyboard.press(key);
    const element = await focused(page);
    if (typeof name === 'string' ? element.name === name : name.test(element.name)) {
      assert.ok(element.visible, `${element.name} has focus and cannot be seen`);
      return element;
    }
    passed.push(element.name);
  }
  return assert.fail(`Tab never comes to ${name}: ${passed.join(' | ')}`);
}

const enter = async (page, name) => {
  await tabTo(page, name);
  await page.keyboard.press('Enter');
};

const waitForLayer = (page, id) => page.locator(`dialog#${id}:modal`).waitFor();
const waitForNoLayer = (page) => page.waitForFunction(() => !document.querySelector('#layer dialog'));

/** Asserts that an element of the page has focus, and returns it. */
async function assertFocused(page) {
  const element = await focused(page);
  assert.notEqual(element.tag, 'body', 'focus is lost');
  return element;
}

/** Asserts that Tab and Shift+Tab stay within the open layer, or go to the browser itself (`body`). */
async function assertTrapped(page, id) {
  for (const key of ['Tab', 'Shift+Tab']) {
    const seen = new Set();
    for (let stop = 0; stop < MOST_STOPS; stop += 1) {
      await page.keyboard.press(key);
      const { tag, layer, name } = await focused(page);
      if (tag === 'body') continue;
      assert.equal(layer, id, `${key} leads out of ${id}, to ${name}`);
      seen.add(name);
    }
    assert.ok(seen.size > 1, `${key} moves nowhere in ${id}`);
  }
}

describe('getting in and about', () => {
  test('signing_in_and_out_needs_no_mouse', async () => {
    const page = await browser.newPage();
    await page.goto('/login');
    assert.equal((await focused(page)).name, 'E-mail');
    await page.keyboard.type(workspace.creds.owner_email);
    await tabTo(page, 'Password');
    await page.keyboard.type(workspace.creds.owner_password);
    await enter(page, 'Sign in');
    await page.waitForURL((url) => url.pathname === '/');

    await enter(page, /mara@harbour-coffee/);
    await enter(page, 'Sign out');
    await page.waitForURL((url) => url.pathname === '/login');
    await page.goto('/orders');
    assert.equal(new URL(page.url()).pathname, '/login');
  });

  test('the_first_link_of_a_page_skips_to_its_content', async () => {
    const page = await signedIn('/orders');
    await page.keyboard.press('Tab');
    assert.equal((await focused(page)).name, 'Skip to content');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    assert.ok(await page.evaluate(() => !!document.activeElement.closest('#main')));
  });

  test('shortcuts_lead_to_every_page_of_the_navigation', async () => {
    const page = await signedIn();
    for (const [key, path] of [
      ['c', '/settings/connectors'],
      ['o', '/orders'],
      ['s', '/settings/stores'],
      ['t', '/settings/team'],
      ['a', '/settings/audit'],
      ['h', '/'],
    ]) {
      await page.keyboard.press('g');
      await page.keyboard.press(key);
      await page.waitForURL((url) => url.pathname === path);
      await page.waitForLoadState('networkidle');
    }
  });

  test('slash_goes_to_the_search_and_question_mark_lists_the_shortcuts', async () => {
    const page = await signedIn('/settings/connectors');
    await page.keyboard.press('/');
    assert.equal((await focused(page)).name, 'Search orders');
    await page.keyboard.type('g c?');
    assert.equal(await page.locator('#q-side').inputValue(), 'g c?', 'shortcuts are off where text is typed');
    await page.keyboard.press('Enter');
    await page.waitForURL((url) => url.pathname === '/orders' && url.searchParams.get('q') === 'g c?');

    await page.keyboard.press('?');
    await page.locator('#shortcuts:modal').waitFor();
    await page.keyboard.press('Escape');
    await page.locator('#shortcuts').waitFor({ state: 'hidden' });
  });

  test('every_focused_element_of_the_main_pages_is_visible', async () => {
    const page = await signedIn();
    for (const path of ['/', '/orders', '/settings/connectors', '/settings/team']) {
      await page.goto(path, { waitUntil: 'networkidle' });
      for (let stop = 0; stop < 40; stop += 1) {
        await page.keyboard.press('Tab');
        const { tag, name, visible } = await focused(page);
        assert.ok(tag === 'body' || visible, `${path}: ${tag} ${name}`);
      }
    }
  });
});

describe('keys', () => {
  test('a_key_is_minted_from_a_card_and_its_reveal_closed', async () => {
    const page = await signedIn('/settings/connectors');
    page.on('dialog', (dialog) => dialog.accept());
    await enter(page, /^Custom integration/);
    await waitForLayer(page, 'new-key');
    assert.equal((await assertFocused(page)).layer, 'new-key');
    await tabTo(page, 'Name');
    await page.keyboard.press('ControlOrMeta+a');
    await page.keyboard.type('Typed by hand');
    await tabTo(page, /^clients:write/);
    await page.keyboard.press('Space');
    await tabTo(page, '30');
    await page.keyboard.press('Enter');
    assert.equal((await focused(page)).name, 'Expires in');
    assert.equal(await page.locator('#new-key [name=expires_in_days]').inputValue(), '30');
    await enter(page, 'Create key');
    await waitForLayer(page, 'reveal');
    assert.equal((await assertFocused(page)).layer, 'reveal');
    await assertTrapped(page, 'reveal');
    await enter(page, 'I have saved them');
    await page.waitForURL((url) => url.pathname === '/settings/connectors');
    await waitForNoLayer(page);
    await page.getByRole('link', { name: 'Typed by hand', exact: true }).waitFor();

    const { keys } = await must(gateway, workspace.creds.api_key, 'core.rpc_list_integration_keys');
    const minted = keys.find(({ name }) => name === 'Typed by hand');
    assert.deepEqual(minted.scopes, ['orders:write', 'clients:write']);
  });

  test('n_opens_the_modal_which_traps_focus_and_returns_it_on_closing', async () => {
    const page = await signedIn('/settings/connectors');
    await tabTo(page, 'New key');
    await page.keyboard.press('n');
    await waitForLayer(page, 'new-key');
    await assertTrapped(page, 'new-key');
    await page.keyboard.press('Escape');
    await waitForNoLayer(page);
    assert.equal((await assertFocused(page)).name, 'New key');
    assert.equal(new URL(page.url()).pathname, '/settings/connectors');
  });

  test('the_drawer_is_opened_filtered_read_and_closed', async () => {
    const page = await signedIn('/settings/connectors');
    await enter(page, 'Checkout');
    await waitForLayer(page, 'key');
    assert.equal((await assertFocused(page)).layer, 'key');
    await assertTrapped(page, 'key');

    await enter(page, /^Parked events/);
    await page.waitForURL((url) => url.pathname.endsWith('/parked'));
    await page.getByText('Nothing is parked').waitFor();
    assert.equal((await assertFocused(page)).layer, 'key');
    await enter(page, 'Settings');
    await page.waitForURL((url) => url.pathname.endsWith('/settings'));
    await page.getByText('Pause or revoke').waitFor();
    assert.equal((await assertFocused(page)).layer, 'key');
    await enter(page, 'Requests');
    await page.waitForURL((url) => url.pathname === keyPath(workspace.keys.checkout));
    await page.locator('#requests').waitFor();

    await tabTo(page, 'Status');
    await page.keyboard.type('4xx and');
    await enter(page, 'Filter');
    await page.waitForURL((url) => url.searchParams.get('status') === 'errors');
    await page.waitForFunction(() => !document.querySelector('#requests')?.textContent.includes('201'));
    assert.equal((await assertFocused(page)).layer, 'key');

    await tabTo(page, /^\d+ Nov|^\d+ \w{3}, /);
    await page.keyboard.press('Enter');
    await page.waitForURL((url) => url.pathname.includes('/requests/req_'));
    await page.getByText('What to do').waitFor();
    assert.equal((await assertFocused(page)).layer, 'key');

    await page.keyboard.press('Escape');
    await waitForNoLayer(page);
    assert.equal((await assertFocused(page)).name, 'Checkout');
  });

  test('a_key_is_paused_and_resumed', async () => {
    const page = await signedIn('/settings/connectors');
    const { key_id: id } = workspace.keys.unused;
    await enter(page, 'Pause Unused');
    await page.locator(`#row-${id}`).getByText('Paused', { exact: true }).waitFor();
    await enter(page, 'Resume Unused');
    await page.locator(`#row-${id}`).getByText('Active', { exact: true }).waitFor();
  });

  test('revoking_asks_with_focus_on_cancel_and_returns_it_on_closing', async () => {
    const page = await signedIn('/settings/connectors');
    await enter(page, 'Revoke Unused');
    await waitForLayer(page, 'revoke');
    assert.equal((await focused(page)).name, 'Cancel');
    await assertTrapped(page, 'revoke');
    await page.keyboard.press('Escape');
    await waitForNoLayer(page);
    assert.equal((await assertFocused(page)).name, 'Revoke Unused');

    await page.keyboard.press('Enter');
    await waitForLayer(page, 'revoke');
    assert.equal((await focused(page)).name, 'Cancel');
    await page.keyboard.press('Enter');
    await waitForNoLayer(page);
    assert.equal((await assertFocused(page)).name, 'Revoke Unused');

    await page.keyboard.press('Enter');
    await waitForLayer(page, 'revoke');
    await enter(page, 'Revoke Unused');
    await page.getByText('Receipt', { exact: true }).waitFor();
    const { keys } = await must(gateway, workspace.creds.api_key, 'core.rpc_list_integration_keys');
    assert.equal(keys.find(({ key_id: id }) => id === workspace.keys.unused.key_id).status, 'revoked');
  });
});

describe('stores and team', () => {
  test('a_store_is_created_renamed_and_archived', async () => {
    const page = await signedIn('/settings/stores');
    await tabTo(page, 'Name');
    await page.keyboard.type('Pop-up');
    await page.keyboard.press('Enter');
    await page.getByRole('rowheader', { name: /^Pop-up/ }).waitFor();
    await enter(page, 'Rename Pop-up');
    await tabTo(page, /^New name/);
    await page.keyboard.press('ControlOrMeta+a');
    await page.keyboard.type('Pop-up shop');
    await page.keyboard.press('Enter');
    await page.getByRole('rowheader', { name: /^Pop-up shop/ }).waitFor();
    await enter(page, 'Archive Pop-up shop');
    await waitForLayer(page, 'archive-store');
    assert.equal((await focused(page)).name, 'Cancel');
    await enter(page, 'Archive Pop-up shop');
    await page.getByRole('heading', { name: 'Archived' }).waitFor();
  });

  test('somebody_is_invited_and_the_invite_withdrawn', async () => {
    const page = await signedIn('/settings/team');
    page.on('dialog', (dialog) => dialog.accept());
    await tabTo(page, 'E-mail');
    await page.keyboard.type('keys@example.com');
    await enter(page, 'Make an invite link');
    await waitForLayer(page, 'invited');
    assert.equal((await assertFocused(page)).layer, 'invited');
    await assertTrapped(page, 'invited');
    await enter(page, 'I have sent it');
    await waitForNoLayer(page);
    await page.getByRole('rowheader', { name: 'keys@example.com' }).waitFor();
    await enter(page, 'Withdraw the invite of keys@example.com');
    await page.getByRole('rowheader', { name: 'keys@example.com' }).waitFor({ state: 'detached' });
  });
});
