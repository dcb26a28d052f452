/** The console's connectors over HTTP: who gets in, what forms do once, and what is shown once. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { login, loginAs, Visitor } from './support/console.mjs';
import { insertIntegrationKey, insertWorkspace } from './support/credentials.mjs';
import { mint, must, postOrder, setup, useGateway } from './support/gateway.mjs';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

const gateway = await useGateway();
let creds;
let key;
let event;
let visitors;

before(async () => {
  creds = await setup(gateway);
  key = await mint(gateway, creds, { p_name: 'Quartz connection' });
  event = (await postOrder(gateway, key)).headers.get('x-request-id');
  const foreign = await insertWorkspace(gateway);
  visitors = {
    nobody: new Visitor(gateway),
    owner: await login(gateway, creds.owner_email, creds.owner_password),
    admin: await loginAs(gateway, creds, 'admin'),
    member: await loginAs(gateway, creds, 'member'),
    foreign: await loginAs(gateway, creds, 'owner', foreign.workspace_id),
  };
});

/** What can be asked for of a key; each leaves it as it was, so that the next visitor finds it. */
const READS = {
  'its log': (id) => id,
  'its parked events': (id) => `${id}/parked`,
  'its settings': (id) => `${id}/settings`,
  'one request': (id) => `${id}/requests/${event}`,
  'its log as a file': (id) => `${id}/export.ndjson`,
  'the dialog before it is revoked': (id) => `${id}/revoke`,
  'the form that rotates it': (id) => `${id}/rotate`,
  'the dialog before an event is discarded': (id) => `${id}/parked/${event}/discard`,
};
const WRITES = {
  'pausing it': (id) => [`${id}/pause`, {}],
  'resuming it': (id) => [`${id}/resume`, {}],
  'setting its secret': (id) => [`${id}/secret`, { signing_secret: 'a secret of the sender', overlap_hours: '720' }],
  'retrying an event': (id) => [`${id}/parked/${event}/retry`, {}],
  'discarding an event': (id) => [`${id}/parked/${event}/discard`, {}],
};
const PATH = '/settings/connectors';

/** Fails where an answer shows anything of the key. */
function assertNothingShown(answer) {
  for (const shown of ['Quartz', key.key_id, key.api_key.slice(0, 12), creds.store_id]) {
    assert.ok(!answer.text.includes(shown), `shows ${shown}: ${answer.text.slice(0, 400)}`);
  }
}

for (const [what, of] of Object.entries(READS)) {
  test(`${what}: shown to owners and admins, refused to members, not found elsewhere, and asks strangers to sign in`, async () => {
    const path = `${PATH}/${of(key.key_id)}`;
    for (const role of ['owner', 'admin']) assert.equal((await visitors[role].get(path)).status, 200, role);
    const member = await visitors.member.get(path);
    assert.equal(member.status, 403);
    assertNothingShown(member);
    const foreign = await visitors.foreign.get(path);
    assert.equal(foreign.status, 404);
    assert.ok(!foreign.text.includes('Quartz'));
    const stranger = await visitors.nobody.get(path);
    assert.deepEqual([stranger.status, stranger.location], [303, `/login?next=${encodeURIComponent(path)}`]);
  });
}

for (const [what, of] of Object.entries(WRITES)) {
  test(`${what}: refused to members, not found elsewhere, refused without the form's token`, async () => {
    const [end, fields] = of(key.key_id);
    const path = `${PATH}/${end}`;
    await visitors.member.get('/orders');
    const member = await visitors.member.post(path, fields);
    assert.equal(member.status, 403);
    assertNothingShown(member);
    await visitors.foreign.get('/orders');
    assert.equal((await visitors.foreign.post(path, fields)).status, 404);
    await visitors.owner.get('/orders');
    for (const csrf of ['', 'x'.repeat(32), visitors.admin.csrf]) {
      assert.equal((await visitors.owner.post(path, { ...fields, csrf })).status, 403);
    }
    const elsewhere = { origin: 'https://evil.test' };
    assert.equal((await visitors.owner.post(path, fields, elsewhere)).status, 403);
    const stranger = await visitors.nobody.post(path, fields);
    assert.deepEqual([stranger.status, stranger.location], [303, '/login?reason=ended']);
  });
}

test('nothing of what was refused has changed the key', async () => {
  const { keys } = await must(gateway, creds.api_key, 'core.rpc_list_integration_keys');
  assert.equal(keys.find(({ key_id }) => key_id === key.key_id).status, 'active');
  assert.equal((await postOrder(gateway, key)).status, 201);
});

const MINTED = {
  name: 'Minted once', source: 'custom', payload_format: 'peptideclients', scopes: ['orders:write', 'clients:write'],
  rate_limit_per_minute: '120', expires_in_days: '', require_signature: 'on',
};

/** The fields of the modal as it comes, filled in. */
async function modal(visitor, fields = {}) {
  const { text } = await visitor.get(`${PATH}/new`);
  return { ...MINTED, form: /name="form" value="([^"]+)"/.exec(text)[1], store_id: creds.store_id, ...fields };
}

test('a form that is sent several times at once mints one key, and shows it once', async () => {
  const visitor = visitors.owner;
  const fields = await modal(visitor, { name: 'Sent five times' });
  const answers = await Promise.all(Array.from({ length: 5 }, () => visitor.post(PATH, fields)));
  const shown = answers.filter(({ text }) => text.includes('pck_int_') && text.includes('reveal-key'));
  assert.equal(shown.length, 1, answers.map(({ status }) => status).join());
  const again = await visitor.post(PATH, fields);
  assert.deepEqual([again.status, /^\/settings\/connectors\/key_/.test(again.location)], [303, true]);
  const rows = await gateway.d1("SELECT count(*) AS n FROM integration_keys WHERE name = 'Sent five times'");
  assert.deepEqual(rows, [{ n: 1 }]);
});

test('a reveal is kept by no cache and stands in no other page, row or log', async () => {
  const visitor = visitors.owner;
  const { headers, text } = await visitor.post(PATH, await modal(visitor));
  assert.equal(headers.get('cache-control'), 'no-store');
  const secrets = [/id="reveal-key"[^>]*>([^<]+)</, /id="reveal-secret"[^>]*>([^<]+)</].map((part) => part.exec(text)[1]);
  const [{ key_id: id }] = await gateway.d1("SELECT key_id FROM integration_keys WHERE name = 'Minted once'");
  for (const path of ['/', PATH, `${PATH}/${id}`, `${PATH}/${id}/settings`, '/settings/audit', '/settings/audit/export.ndjson']) {
    const page = await visitor.get(path);
    assert.equal(page.status, 200, path);
    for (const secret of secrets) assert.ok(!page.text.includes(secret), path);
  }
  const audit = await gateway.d1('SELECT action, detail FROM audit_log WHERE subject = ?', [id]);
  assert.deepEqual(audit.map(({ action, detail }) => [action, JSON.parse(detail).secret_revealed]), [['integration_key.created', true]]);
  for (const secret of secrets) assert.ok(!gateway.output.some((line) => line.includes(secret)));
});

test('what is wrong with a new key stands beside its field, and what was typed comes back', async () => {
  const visitor = visitors.owner;
  const typed = { name: 'Kept <text>', rate_limit_per_minute: '10001', expires_in_days: 'soon', scopes: [] };
  const { status, text } = await visitor.post(PATH, await modal(visitor, typed));
  assert.equal(status, 422);
  for (const part of ['Kept &lt;text&gt;', 'value="10001"', 'value="soon"', 'f-rate_limit_per_minute-error', 'f-expires_in_days-error', 'f-scopes-error']) {
    assert.ok(text.includes(part), part);
  }
});

test('a session ends idle and in any case; what loads by itself keeps none alive', async () => {
  const visitor = await login(gateway, creds.owner_email, creds.owner_password);
  const newest = "(SELECT hash FROM sessions ORDER BY created_at DESC LIMIT 1)";
  const seen = async () => (await gateway.d1(`SELECT seen_at FROM sessions WHERE hash = ${newest}`))[0].seen_at;
  const set = (column, at) => gateway.d1(`UPDATE sessions SET ${column} = ? WHERE hash = ${newest}`, [at]);
  const before = Date.now() - 20 * MINUTE;
  await set('seen_at', before);
  const polled = await fetch(`${gateway.url}${PATH}/usage?keys=${key.key_id}`, {
    headers: { cookie: visitor.cookie, 'hx-request': 'true', 'x-tidegate-poll': '1' },
  });
  assert.equal(polled.status, 200);
  assert.equal(await seen(), before);
  assert.equal((await visitor.get(PATH)).status, 200);
  assert.ok((await seen()) > before);
  await set('seen_at', Date.now() - 12 * 60 * MINUTE - 1);
  assert.equal((await visitor.get(PATH)).status, 303);
  await set('seen_at', Date.now());
  assert.equal((await visitor.get(PATH)).status, 200);
  await set('expires_at', Date.now() - 1);
  assert.equal((await visitor.get(PATH)).status, 303);
  const part = await visitor.get(PATH, 'layer');
  assert.deepEqual([part.status, part.headers.get('x-session-expired')], [401, '1']);
});

test('a made-up session costs no query', async () => {
  const cost = await gateway.cost(() =>
    fetch(`${gateway.url}${PATH}`, { redirect: 'manual', headers: { cookie: `__Host-tidegate=${'a'.repeat(64)}` } }));
  assert.equal(cost.d1.queries, 0, JSON.stringify(cost));
});

test('every page says what browsers may do with it', async () => {
  for (const path of ['/login', '/', PATH, `${PATH}/new`, '/orders', '/settings/team', '/settings/nowhere']) {
    const headers = (await fetch(gateway.url + path, { headers: { accept: 'text/html', cookie: visitors.owner.cookie } })).headers;
    assert.match(headers.get('content-type'), /^text\/html/);
    const policy = headers.get('content-security-policy');
    assert.ok(policy.includes("default-src 'none'") && !policy.includes('unsafe'), policy);
    assert.equal(headers.get('x-frame-options'), 'DENY');
    assert.match(headers.get('strict-transport-security'), /max-age=\d{8}/);
    assert.equal(headers.get('referrer-policy'), 'same-origin');
    assert.equal(headers.get('x-content-type-options'), 'nosniff');
    assert.equal(headers.get('cache-control'), 'no-store');
  }
});

test('keys that expire are noted 14 and 3 days before and when they have, each notice once', async () => {
  const soon = async (days) => insertIntegrationKey(gateway, creds, {
    name: `Expires in ${days}`, created_at: Date.now() - 20 * DAY, expires_at: Date.now() + days * DAY - MINUTE,
  });
  const [far, two_weeks, three_days, now] = [await soon(15), await soon(14), await soon(3), await soon(0)];
  assert.equal(await gateway.scheduled(), 'ok');
  assert.equal(await gateway.scheduled(), 'ok');
  const noted = async ({ key_id: id }) =>
    (await gateway.d1("SELECT action, detail, user_id FROM audit_log WHERE subject = ? AND action LIKE '%.expir%'", [id]))
      .map(({ action, detail, user_id: user }) => [action, JSON.parse(detail).notice_days, user]);
  assert.deepEqual(await noted(far), []);
  assert.deepEqual(await noted(two_weeks), [['integration_key.expiring', 14, null]]);
  assert.deepEqual(await noted(three_days), [['integration_key.expiring', 3, null]]);
  assert.deepEqual(await noted(now), [['integration_key.expired', 0, null]]);
  const { text } = await visitors.owner.get(PATH);
  assert.ok(text.includes('Expires in 0</strong> has expired, and 2 more within 14 days'), 'the banner');
  assert.ok(text.includes('3 days left') && text.includes('14 days left'), 'the badges');
});
