/** The console's budgets: bytes, layout shifts, foreign origins, rows read. And its use without JavaScript. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { Visitor, insertPerson, login } from '../workerd/support/console.mjs';
import { gateOf, integrationKeyRow } from '../workerd/support/credentials.mjs';
import { mint, postOrder, setup, startGateway, useGateway } from '../workerd/support/gateway.mjs';
import { layoutShift, logIn, useBrowser, weight } from './support/browser.mjs';
import { MAIN_PAGES, addresses, populateWorkspace, keyPath } from './support/tour.mjs';

/** The most bytes that a page may transfer before its images. */
const WEIGHT = 60_000;
const DAY = 86_400_000;

const gateway = await useGateway();
let workspace;
before(async () => {
  workspace = await populateWorkspace(gateway);
});

/** Inserts keys directly into the database. */
async function insertKeys(target, creds, count) {
  const rows = Array.from({ length: count }, (_, index) =>
    integrationKeyRow(target, creds, { name: `Inserted ${index}`, created_at: Date.now() - index * 60_000 }).row);
  const columns = Object.keys(rows[0]);
  const values = columns.map((column) => `value ->> '${column}'`);
  while (rows.length > 0) {
    await target.d1(`INSERT INTO integration_keys (${columns}) SELECT ${values} FROM json_each(?1)`, [JSON.stringify(rows.splice(0, 500))]);
  }
}

/** Inserts rows directly into the log of a key, evenly over the last 28 days. */
async function writeLog(target, key, count) {
  const gate = gateOf(key.key_id);
  const [{ sql }] = await target.sql('KeyGate', gate, "SELECT sql FROM sqlite_master WHERE name GLOB 'log_[0-9]*'");
  const today = Math.floor(Date.now() / DAY);
  const perDay = Math.ceil(count / 28);
  for (let day = today - 28; day < today; day += 1) {
    await target.sql('KeyGate', gate, sql.replace(/CREATE TABLE \S+/, `CREATE TABLE IF NOT EXISTS log_${day}`));
    await target.sql(
      'KeyGate',
      gate,
      `WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ${perDay})
       INSERT INTO log_${day} (id, attempt, units, count, method, path, status, latency_ms, outcome)
       SELECT (${day * DAY} + ${DAY} * i / ${perDay}) * 1024 + i % 1024, i, 1, 1, 'POST', '/integrations/v1/orders',
         CASE WHEN i % 4 THEN 201 ELSE 422 END, 3, CASE WHEN i % 4 THEN 'accepted' ELSE 'rejected' END FROM n`,
    );
  }
}

describe('pages', () => {
  const browser = useBrowser(() => gateway);

  async function signedIn(choice) {
    const page = await browser.newPage(choice);
    await logIn(page, workspace.creds);
    return page;
  }

  test('no_page_weighs_more_than_60_kB_before_its_images', async (t) => {
    const page = await signedIn();
    await insertKeys(gateway, workspace.creds, 50);
    await page.goto('/settings/connectors');
    assert.equal(await page.locator('#keys > tr').count(), 50);
    await page.goto(keyPath(workspace.keys.checkout));
    assert.equal(await page.locator('#requests > tr').count(), 50);
    const heavy = [];
    for (const [name, path] of Object.entries({ login: '/login', ...addresses(workspace) })) {
      const { beforeImages } = await weight(page, path);
      t.diagnostic(`${name}: ${beforeImages} B`);
      if (beforeImages > WEIGHT) heavy.push(`${name}: ${beforeImages}`);
    }
    assert.deepEqual(heavy, []);
  });

  for (const width of [1280, 390]) {
    test(`nothing_moves_while_a_page_loads_its_late_parts_at_${width}`, async () => {
      const page = await signedIn({ width });
      for (const path of Object.values({ ...MAIN_PAGES, drawer: keyPath(workspace.keys.checkout), request: keyPath(workspace.keys.checkout, `/requests/${workspace.failure.id}`) })) {
        // The late parts are delayed, so that the page is drawn without them first.
        await page.route(/usage|attention/, async (route) => {
          await new Promise((waited) => setTimeout(waited, 300));
          await route.continue();
        });
        await page.goto(path, { waitUntil: 'networkidle' });
        await page.unroute(/usage|attention/);
        const shift = await layoutShift(page);
        assert.ok(shift === 0, `${path} moves by ${shift}`);
      }
    });
  }

  test('no_page_contacts_another_origin_throws_or_violates_its_policy', async () => {
    const page = await signedIn();
    // The guard (support/guard.mjs) fails the test if one does.
    for (const path of Object.values(addresses(workspace))) await page.goto(path, { waitUntil: 'networkidle' });
  });
});

describe('responses', () => {
  test('every_page_has_the_security_headers_and_is_not_cached', async () => {
    const visitor = await login(gateway, workspace.creds.owner_email, workspace.creds.owner_password);
    const anonymous = new Visitor(gateway);
    const responses = [['/login', await anonymous.get('/login')], ['/setup', await anonymous.get('/setup')]];
    for (const path of [...Object.values(addresses(workspace)), '/orders/ord_nowhere']) responses.push([path, await visitor.get(path)]);
    for (const [path, { headers }] of responses) {
      const policy = headers.get('content-security-policy');
      assert.match(policy, /default-src 'none'/, path);
      assert.match(policy, /frame-ancestors 'none'/, path);
      assert.doesNotMatch(policy, /unsafe|\*|https?:/, path);
      assert.equal(headers.get('x-frame-options'), 'DENY', path);
      assert.match(headers.get('strict-transport-security'), /max-age=\d{8}/, path);
      assert.match(headers.get('referrer-policy'), /^(no-referrer|same-origin|strict-origin)/, path);
      assert.equal(headers.get('x-content-type-options'), 'nosniff', path);
      assert.match(headers.get('cache-control'), /no-store/, path);
    }
  });

  test('assets_are_named_by_their_content_and_cached_for_good', async () => {
    const { text } = await new Visitor(gateway).get('/login');
    const assets = [...text.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, path]) => path);
    assert.ok(assets.length >= 4, assets.join());
    for (const path of assets) {
      assert.match(path, /\.[0-9a-f]{8,}\.(css|js|svg)$/);
      const response = await fetch(gateway.url + path);
      assert.equal(response.status, 200);
      assert.equal(response.headers.get('cache-control'), 'public, max-age=31536000, immutable');
      const other = await fetch(gateway.url + path.replace(/\.[0-9a-f]+\./, '.00000000.'));
      assert.notEqual(other.headers.get('cache-control'), 'public, max-age=31536000, immutable');
    }
  });
});

describe('without javascript', () => {
  const browser = useBrowser(() => gateway);

  test('everything_but_the_live_parts_works', async () => {
    const page = await browser.newPage({ javaScriptEnabled: false });
    const person = await insertPerson(gateway, workspace.creds, 'admin');
    const submit = (name, exact = true) => page.getByRole('button', { name, exact }).locator('visible=true').first().click();
    await logIn(page, workspace.creds);

    await page.goto('/settings/connectors');
    await page.getByRole('link', { name: /^Zapier/ }).first().click();
    await page.locator('#new-key [name=name]').fill('Without a script');
    await submit('Create key');
    const key = await page.locator('#reveal-key').textContent();
    assert.match(key, /^pck_int_/);
    await page.getByRole('link', { name: 'I have saved them' }).click();
    await page.getByRole('link', { name: 'Without a script', exact: true }).click();
    await page.getByText('No request yet').waitFor();
    assert.doesNotMatch(await page.content(), new RegExp(key));

    await page.goto(keyPath(workspace.keys.checkout));
    assert.equal(await page.locator('#requests > tr').count(), 50);
    await page.locator('dialog [rel=next]').click();
    assert.ok((await page.locator('#requests > tr').count()) < 50);
    await page.goto(keyPath(workspace.keys.checkout));
    await page.locator('dialog select[name=status]').selectOption('errors');
    await page.locator('dialog').getByRole('button', { name: 'Filter' }).click();
    assert.equal(new URL(page.url()).searchParams.get('status'), 'errors');
    assert.doesNotMatch(await page.locator('#requests').textContent(), /201/);
    await page.locator('#requests a.row-link').first().click();
    await page.getByText('What to do').waitFor();
    await page.getByRole('link', { name: 'Close' }).click();

    await page.locator('main [name=q]').fill('Without a');
    await page.locator('main').getByRole('button', { name: 'Filter' }).click();
    assert.equal(await page.locator('tbody > tr').count(), 1);
    await submit('Pause Without a script');
    await page.goto('/settings/connectors?q=Without+a');
    await page.getByText('Paused', { exact: true }).locator('visible=true').last().waitFor();
    await page.getByRole('link', { name: 'Revoke Without a script' }).click();
    await submit('Revoke Without a script');
    await page.getByText('Receipt').waitFor();

    await page.goto('/settings/stores');
    await page.locator('main').getByLabel('Name', { exact: true }).fill('Plain');
    await submit('Create store');
    await page.locator('details.pop', { hasText: 'Rename Plain' }).locator('summary').click();
    await page.locator('details.pop[open] [name=name]').fill('Plain shop');
    await submit('Rename');
    await page.getByRole('link', { name: 'Archive Plain shop' }).click();
    await submit('Archive Plain shop');
    await page.getByRole('heading', { name: 'Archived' }).waitFor();

    await page.goto('/settings/team');
    await page.locator('main [name=email]').fill('plain@example.com');
    await submit('Make an invite link');
    assert.match(await page.locator('#invite-link').textContent(), /\/invite\//);
    await page.goto('/settings/team');
    const row = page.locator('tr', { hasText: person.email });
    await row.locator('select').selectOption('member');
    await row.getByRole('button', { name: /^Change the role/ }).click();
    await page.goto('/settings/team');
    assert.equal(await row.locator('select').inputValue(), 'member');

    await page.goto('/settings/account');
    const password = 'another long sentence to log in with';
    await page.locator('[name=current]').fill(workspace.creds.owner_password);
    await page.locator('[name=new]').fill(password);
    await submit('Change the password');
    await page.locator('details.user-menu summary').locator('visible=true').click();
    await submit('Sign out');
    await page.waitForURL((url) => url.pathname === '/login');
    await logIn(page, { ...workspace.creds, owner_password: password });
    workspace.creds.owner_password = password;
  });
});

describe('rows read', () => {
  /** A gateway with nothing in it but a workspace. */
  async function startFresh(t) {
    const fresh = await startGateway();
    t.after(() => fresh.stop());
    const creds = await setup(fresh);
    return { fresh, creds, visitor: await login(fresh, creds.owner_email, creds.owner_password) };
  }
  const d1Rows = async (fresh, visitor, path) => {
    const { d1 } = await fresh.cost(async () => assert.equal((await visitor.get(path)).status, 200));
    return d1.rows_read;
  };

  test('the_first_page_of_10000_keys_reads_at_most_half_again_the_rows_of_100', async (t) => {
    const { fresh, creds, visitor } = await startFresh(t);
    const path = '/settings/connectors';
    await insertKeys(fresh, creds, 100);
    const few = await d1Rows(fresh, visitor, path);
    await insertKeys(fresh, creds, 9_900);
    const many = await d1Rows(fresh, visitor, path);
    t.diagnostic(`rows of D1: ${few} of 100 keys, ${many} of 10,000`);
    assert.ok(many <= few * 1.5, `${few} rows of 100 keys, ${many} of 10,000`);

    for (const filter of ['q=nothing-like-it', 'status=revoked', 'source=wix', `store=${creds.store_id}&status=paused`]) {
      const rows = await d1Rows(fresh, visitor, `${path}?${filter}`);
      t.diagnostic(`rows of D1 for ${filter}: ${rows}`);
      assert.ok(rows <= 2_100, `${filter} reads ${rows} rows`);
    }
  });

  test('the_drawer_of_1000000_requests_reads_at_most_half_again_the_rows_of_100', async (t) => {
    const { fresh, creds, visitor } = await startFresh(t);
    const read = {};
    for (const count of [100, 1_000_000]) {
      const key = await mint(fresh, creds);
      await postOrder(fresh, key);
      await writeLog(fresh, key, count);
      const { KeyGate, d1 } = await fresh.cost(async () => {
        const { text } = await visitor.get(keyPath(key));
        assert.equal(text.match(/<tr id="req_/g).length, 50);
      });
      read[count] = KeyGate.rows_read + d1.rows_read;
      t.diagnostic(`${count} requests: ${KeyGate.rows_read} rows of the KeyGate, ${d1.rows_read} of D1`);
    }
    assert.ok(read[1_000_000] <= read[100] * 1.5, JSON.stringify(read));
  });
});
