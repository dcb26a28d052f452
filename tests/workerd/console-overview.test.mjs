/** The overview: what a new workspace is told, what needs attention, and who is told of it. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { Visitor, login, loginAs } from './support/console.mjs';
import { insertIntegrationKey, insertWorkspace } from './support/credentials.mjs';
import { mint, must, order, postOrder, setup, useGateway } from './support/gateway.mjs';
import { deliver, mintShop } from './support/shop.mjs';

const PART = '/?part=attention';
const DAY = 86_400_000;

const gateway = await useGateway();
let creds;
let owner;

before(async () => {
  creds = await setup(gateway);
  owner = await login(gateway, creds.owner_email, creds.owner_password);
});

/** What is loaded after the page. */
async function part(visitor = owner) {
  const answer = await visitor.get(PART, 'attention');
  assert.equal(answer.status, 200, answer.text);
  return answer.text;
}

/** The texts of what needs attention. */
const items = (markup) =>
  [...markup.matchAll(/<li class="attention-item">([^]*?)<\/li>/g)].map(([, item]) => ({
    text: item.replace(/<(a|svg)[^]*?<\/\1>/g, '').replace(/<[^>]*>/g, '').trim(),
    href: /href="([^"]+)"/.exec(item)[1],
  }));

test('a workspace is led from its store to its first order, and what is done is checked', async () => {
  const done = (markup) => [...markup.matchAll(/<li class="first-step( done)?">/g)].map(([, done]) => Boolean(done));
  const frame = await owner.get('/');
  assert.deepEqual(done(frame.text), [true, false, false]);
  assert.match(frame.text, /href="\/settings\/connectors\/new"/);
  assert.ok(!frame.text.includes('part=attention'), 'there is nothing to load yet');

  const key = await mint(gateway, creds, { p_name: 'First' });
  assert.match((await owner.get('/')).text, /hx-get="\/\?part=attention"/);
  assert.deepEqual(done(await part()), [true, true, false]);

  assert.equal((await postOrder(gateway, key, order({ number: 'FIRST' }))).status, 201);
  const markup = await part();
  assert.deepEqual(done(markup), []);
  assert.match(markup, /Nothing needs attention/);
  assert.match(markup, /Main store<[^]*?stat-value">1</);
  assert.match(markup, /class="row-link"[^>]*>FIRST</);

  const other = await insertWorkspace(gateway, 'Fresh');
  await gateway.d1('DELETE FROM stores WHERE id = ?1', [other.store_id]);
  const fresh = await loginAs(gateway, creds, 'owner', other.workspace_id);
  assert.deepEqual(done((await fresh.get('/')).text), [false, false, false]);
});

test('without a script the same address is a whole page with everything in it', async () => {
  const page = await owner.get(PART);
  assert.equal(page.status, 200);
  assert.match(page.text, /^<!DOCTYPE html>/);
  assert.match(page.text, /<main[^]*Nothing needs attention[^]*<\/main>/);
  assert.match((await owner.get('/')).text, /<noscript>[^]*href="\/\?part=attention"[^]*<\/noscript>/);
  assert.match(await part(), /^<section/, 'and htmx gets the part alone');
});

test('what needs attention is told with the link that mends it', async () => {
  const shop = await mintShop(gateway, creds, { p_name: 'Failing shop' });
  for (let n = 0; n < 3; n += 1) {
    assert.equal((await deliver(gateway, shop, 'order.created', { id: n }, { secret: 'wrong' })).status, 401);
  }
  const unmappable = await mintShop(gateway, creds, { p_name: 'Parking shop' });
  assert.equal((await deliver(gateway, unmappable, 'order.created', { id: 1 })).status, 200);
  const paused = await mint(gateway, creds, { p_name: 'Paused key' });
  await must(gateway, creds.api_key, 'core.rpc_pause_integration_key', { p_key_id: paused.key_id });
  const soon = await mint(gateway, creds, { p_name: 'Expiring key', p_expires_in_days: 2 });
  const expired = await insertIntegrationKey(gateway, { ...creds }, {
    name: 'Expired key', created_at: Date.now() - 9 * DAY, expires_at: Date.now() - DAY, secrets: '[{"sealed":"x","valid_until":null}]',
  });
  const waiting = await insertIntegrationKey(gateway, creds, { name: 'Waiting key', require_signature: 1, payload_format: 'shopify', source: 'shopify' });
  const stranger = new Visitor(gateway);
  await stranger.get('/login');
  assert.equal((await stranger.post('/login', { email: creds.owner_email, password: 'wrong' })).status, 422);

  let told;
  // The failed sign-in is noted after its answer.
  for (let tries = 0; tries < 20; tries += 1) {
    told = items(await part());
    if (told.some(({ text }) => text.includes('sign-in'))) break;
  }
  const key = (id, rest = '') => `/settings/connectors/${id}${rest}`;
  for (const [text, href] of [
    [/^Failing shop WooCommerce switches its webhook order\.created off after 4 more failures\.$/, key(shop.key_id, '?status=errors')],
    [/^Failing shop answered 3 of 3 requests with an error/, key(shop.key_id, '?status=errors')],
    [/^Parking shop keeps 1 parked event /, key(unmappable.key_id, '/parked')],
    [/^Paused key is paused\.$/, key(paused.key_id, '/settings')],
    [/^Expiring key expires in 2 days\.$/, key(soon.key_id, '/rotate')],
    [/^Expired key has expired, 1 day ago\./, key(expired.key_id, '/rotate')],
    [/^Waiting key awaits its signing secret\./, key(waiting.key_id, '/settings')],
    [/^1 failed sign-in in the last 24 hours\.$/, '/settings/audit?action=session.refused'],
  ]) {
    assert.ok(told.some((item) => text.test(item.text) && item.href === href), `${text} ${href}: ${JSON.stringify(told, null, 1)}`);
  }
});

test('a key whose gate does not answer is said, and takes nothing else along', async () => {
  await gateway.fault({ class: 'KeyGate', mode: 'hang', ms: 5_000, times: 1 });
  // The page's deadline is a timer of the platform, which the clock does not move.
  const began = Date.now();
  const markup = await part();
  assert.ok(Date.now() - began < 4_500, `it took ${Date.now() - began} ms`);
  await gateway.fault();
  assert.equal(items(markup).filter(({ text }) => text.includes('did not answer in time')).length, 1);
  assert.match(markup, /class="row-link"[^>]*>FIRST</);
});

test('a member is told of orders only, and no gate is asked', async () => {
  const member = await loginAs(gateway, creds, 'member');
  const cost = await gateway.cost(async () => {
    const markup = await part(member);
    assert.match(markup, /class="row-link"[^>]*>FIRST</);
    assert.ok(!/attention-item|key_|Failing shop|connectors/.test(markup), markup);
  });
  assert.equal(cost.KeyGate.fetches, 0);
});

test('a new key that takes the place of an expiring one ends its being told', async () => {
  const old = await mint(gateway, creds, { p_name: 'To renew', p_expires_in_days: 3 });
  const about = async () => items(await part()).filter(({ text }) => text.startsWith('To renew')).length;
  assert.equal(await about(), 1);
  const [{ namespace }] = await gateway.d1('SELECT namespace FROM integration_keys WHERE key_id = ?1', [old.key_id]);
  await insertIntegrationKey(gateway, creds, { name: 'Renewed', namespace, rotated_from: old.key_id, secrets: '[{"sealed":"x","valid_until":null}]' });
  assert.equal(await about(), 0);
});

test('what is asked for a workspace with many keys is bounded', async () => {
  const other = await insertWorkspace(gateway, 'Large');
  const visitor = await loginAs(gateway, creds, 'owner', other.workspace_id);
  for (let n = 0; n < 70; n += 1) await insertIntegrationKey(gateway, other, { name: `Key ${n}`, created_at: Date.now() + n, secrets: '[{"sealed":"x","valid_until":null}]' });
  const cost = await gateway.cost(() => part(visitor));
  assert.equal(cost.KeyGate.fetches, 50);
  assert.ok(cost.d1.rows_read < 400, `${cost.d1.rows_read} rows`);
});
