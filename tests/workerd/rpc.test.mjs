/**
 * `POST /rpc/core.rpc_*`: everything the console does, for scripts. Each procedure's answer, the
 * errors of its arguments, and who may call it.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import {
  gateOf,
  insertApiKey,
  insertIntegrationKey,
  insertUser,
  insertWorkspace,
  keyId,
  newId,
  secretKey,
} from './support/credentials.mjs';
import {
  createStore,
  mint,
  must,
  order,
  postOrder,
  rpc,
  send,
  setup,
  signBody,
  startGateway,
  useGateway,
} from './support/gateway.mjs';
import { PROCEDURES } from './support/documented.mjs';
import { captured, deliver, mintShop } from './support/shop.mjs';

const gateway = await useGateway({ own: true });
let creds;
before(async () => {
  creds = await setup(gateway);
});

const DAY = 86_400_000;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const call = (name, args, apiKey = creds.api_key) => rpc(gateway, apiKey, `core.rpc_${name}`, args);
const get = async (name, args) => {
  const { status, body } = await call(name, args);
  assert.equal(status, 200, JSON.stringify(body));
  return body;
};
const row = async (key) => (await gateway.d1('SELECT * FROM integration_keys WHERE key_id = ?1', [key.key_id]))[0];
const audit = (subject) => gateway.d1('SELECT * FROM audit_log WHERE subject = ?1 ORDER BY at, id', [subject]);
const actions = async (key) => (await audit(key.key_id)).map((entry) => entry.action);

/** Asserts a refusal with this status and code. */
function refused({ status, headers, body }, expectedStatus, code) {
  assert.deepEqual([status, body?.code], [expectedStatus, code], JSON.stringify(body));
  assert.equal(headers.get('content-type'), 'application/problem+json');
  assert.deepEqual([body.status, typeof body.title, typeof body.detail], [expectedStatus, 'string', 'string']);
  assert.match(body.type, new RegExp(`/docs/errors.*${code}`));
  assert.equal(body.request_id, headers.get('x-request-id'));
}

/** Asserts a 422 whose `errors` are at these pointers and have these codes. */
function invalid(answer, ...expected) {
  refused(answer, 422, 'validation_failed');
  assert.deepEqual(answer.body.errors.map(({ pointer, code }) => [pointer, code]), expected);
}

/** Calls a procedure under another hostname, which `fetch` cannot. */
function onHost(on, host, name, token, args) {
  return new Promise((resolve, reject) => {
    const headers = { host, authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const request = http.request(`${on.url}/rpc/core.rpc_${name}`, { method: 'POST', headers }, async (response) => {
      let text = '';
      for await (const chunk of response) text += chunk;
      resolve({ status: response.statusCode, body: JSON.parse(text) });
    });
    request.on('error', reject);
    request.end(JSON.stringify(args));
  });
}

/** The least arguments that make a key. */
const minimal = (args = {}) => ({
  p_store_id: creds.store_id,
  p_name: 'Storefront',
  p_source: 'custom',
  p_payload_format: 'peptideclients',
  p_scopes: ['orders:write'],
  ...args,
});

describe('core.rpc_setup_workspace', () => {
  const args = {
    p_workspace_name: 'Acme',
    p_owner_email: 'Owner@Example.com',
    p_owner_password: 'correct horse battery staple',
    p_store_name: 'Main store',
  };

  test('makes one workspace, however many ask at once; later ones are told', async () => {
    const fresh = await startGateway();
    try {
      const ask = (name) => rpc(fresh, fresh.setupToken, 'core.rpc_setup_workspace', { ...args, p_workspace_name: name, p_owner_email: `${name}@example.com` });
      const answers = await Promise.all(Array.from({ length: 8 }, (_, n) => ask(`w${n}`)));
      answers.push(await ask('late'));
      assert.deepEqual(answers.map(({ status }) => status).sort(), [201, ...Array(8).fill(409)]);
      for (const answer of answers.filter(({ status }) => status === 409)) refused(answer, 409, 'invalid_state');
      const [made] = answers.filter(({ status }) => status === 201);
      const counts = await fresh.d1(`SELECT (SELECT count(*) FROM workspaces) AS workspaces, (SELECT count(*) FROM users) AS users,
        (SELECT count(*) FROM memberships) AS memberships, (SELECT count(*) FROM stores) AS stores,
        (SELECT count(*) FROM api_keys) AS api_keys, (SELECT count(*) FROM audit_log) AS audit_log`);
      assert.deepEqual(counts, [{ workspaces: 1, users: 1, memberships: 1, stores: 1, api_keys: 1, audit_log: 1 }]);
      assert.equal((await rpc(fresh, made.body.api_key, 'core.rpc_list_stores')).body.stores.length, 1);
    } finally {
      await fresh.stop();
    }
  });

  test('takes only the deployment\'s token, and says what is wrong with its arguments', async () => {
    const fresh = await startGateway({ rateLimits: { LOGIN_LIMITER: 1000 } });
    try {
      const ask = (token, changes) => rpc(fresh, token, 'core.rpc_setup_workspace', { ...args, ...changes });
      for (const token of ['', 'x', fresh.setupToken.slice(1), `${fresh.setupToken}0`, secretKey(fresh, 'pck_api_').text]) {
        refused(await ask(token), 401, 'invalid_api_key');
      }
      const bare = await send(fresh, { method: 'POST', path: '/rpc/core.rpc_setup_workspace', body: JSON.stringify(args) });
      refused(bare, 401, 'invalid_api_key');
      for (const [changes, ...expected] of [
        [{ p_workspace_name: '' }, ['/p_workspace_name', 'required']],
        [{ p_workspace_name: 'x'.repeat(101) }, ['/p_workspace_name', 'too_long']],
        [{ p_owner_email: 'owner' }, ['/p_owner_email', 'invalid_email']],
        [{ p_owner_email: undefined }, ['/p_owner_email', 'required']],
        [{ p_owner_password: 'fourteen chars' }, ['/p_owner_password', 'too_short']],
        [{ p_owner_password: 'x'.repeat(201) }, ['/p_owner_password', 'too_long']],
        [{ p_store_name: 'a\nb' }, ['/p_store_name', 'invalid_text']],
        [{ p_role: 'owner' }, ['/p_role', 'unknown_field']],
      ]) {
        invalid(await ask(fresh.setupToken, changes), ...expected);
      }
      assert.deepEqual(await fresh.d1('SELECT * FROM users'), []);
      const { status, body } = await ask(fresh.setupToken);
      assert.equal(status, 201);
      assert.deepEqual(Object.keys(body).sort(), ['api_key', 'api_key_id', 'store_id', 'user_id', 'workspace_id']);
      const [user] = await fresh.d1('SELECT email, password_hash FROM users');
      assert.equal(user.email, 'owner@example.com');
      assert.match(user.password_hash, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
      const [entry] = await fresh.d1('SELECT * FROM audit_log');
      assert.deepEqual([entry.action, entry.user_id, entry.subject], ['workspace.created', body.user_id, body.workspace_id]);
    } finally {
      await fresh.stop();
    }
  });

  test('takes no more guesses of the token than the limit of sign-ins, and then not the right one either', async () => {
    const fresh = await startGateway({ rateLimits: { LOGIN_LIMITER: 3 } });
    try {
      const ask = (token) => rpc(fresh, token, 'core.rpc_setup_workspace', args);
      for (const token of ['x', 'y', 'z']) refused(await ask(token), 401, 'invalid_api_key');
      const late = await ask(fresh.setupToken);
      refused(late, 429, 'rate_limited');
      assert.equal(late.headers.get('retry-after'), '60');
      assert.deepEqual(await fresh.d1('SELECT * FROM workspaces'), []);
    } finally {
      await fresh.stop();
    }
  });

  test('is closed where the deployment has no token', async () => {
    const fresh = await startGateway({ vars: { SETUP_TOKEN: '' } });
    try {
      for (const token of ['', 'undefined', 'null']) refused(await rpc(fresh, token, 'core.rpc_setup_workspace', args), 401, 'invalid_api_key');
    } finally {
      await fresh.stop();
    }
  });
});

describe('stores', () => {
  test('core.rpc_create_store makes one and audits it; core.rpc_list_stores lists all, oldest first', async () => {
    const { status, body } = await call('create_store', { p_name: 'Second store' });
    assert.equal(status, 201);
    assert.deepEqual(Object.keys(body).sort(), ['archived_at', 'created_at', 'name', 'store_id']);
    assert.match(body.store_id, /^sto_[a-z2-7]{16}$/);
    assert.deepEqual([body.name, TIME.test(body.created_at), body.archived_at], ['Second store', true, null]);
    const { stores } = await get('list_stores');
    assert.equal(stores[0].store_id, creds.store_id);
    assert.deepEqual(stores.find(({ store_id }) => store_id === body.store_id), body);
    const [entry] = await audit(body.store_id);
    assert.deepEqual(
      [entry.action, entry.user_id, entry.api_key_id, entry.workspace_id, JSON.parse(entry.detail)],
      ['store.created', creds.user_id, creds.api_key_id, creds.workspace_id, { name: 'Second store' }],
    );
  });

  test('core.rpc_list_stores takes an empty body for no arguments', async () => {
    const headers = { authorization: `Bearer ${creds.api_key}` };
    const answer = await send(gateway, { method: 'POST', path: '/rpc/core.rpc_list_stores', headers });
    assert.equal(answer.status, 200);
  });

  test('a name is text of 1 to 100 characters in one line', async () => {
    for (const [p_name, code] of [
      [undefined, 'required'],
      [null, 'required'],
      ['', 'required'],
      ['   ', 'invalid_text'],
      ['a\u0000b', 'invalid_text'],
      ['x'.repeat(101), 'too_long'],
      [7, 'invalid_type'],
      [['x'], 'invalid_type'],
    ]) {
      invalid(await call('create_store', { p_name }), ['/p_name', code]);
    }
    for (const p_name of ['x', '🏪'.repeat(100), 'Café "Ñandú" <b>']) assert.equal((await call('create_store', { p_name })).status, 201);
    invalid(await call('list_stores', { p_name: 'x' }), ['/p_name', 'unknown_field']);
  });
});

describe('core.rpc_rename_store, core.rpc_archive_store, core.rpc_restore_store', () => {
  test('a store is renamed, archived and taken back, and each is noted once', async () => {
    const p_store_id = await createStore(gateway, creds, 'Old name');
    assert.equal((await get('rename_store', { p_store_id, p_name: 'New name' })).name, 'New name');
    for (let twice = 0; twice < 2; twice += 1) assert.match((await get('archive_store', { p_store_id })).archived_at, TIME);
    refused(await call('create_integration_key', minimal({ p_store_id })), 409, 'invalid_state');
    assert.ok((await get('list_stores')).stores.find(({ store_id }) => store_id === p_store_id).archived_at);
    for (let twice = 0; twice < 2; twice += 1) assert.equal((await get('restore_store', { p_store_id })).archived_at, null);
    assert.equal((await call('create_integration_key', minimal({ p_store_id }))).status, 201);
    assert.deepEqual((await audit(p_store_id)).map(({ action }) => action), ['store.created', 'store.renamed', 'store.archived', 'store.restored']);
    invalid(await call('rename_store', { p_store_id, p_name: ' ' }), ['/p_name', 'invalid_text']);
  });

  test('a store that a live key points to is not archived', async () => {
    const p_store_id = await createStore(gateway, creds, 'In use');
    const key = await mint(gateway, { ...creds, store_id: p_store_id });
    refused(await call('archive_store', { p_store_id }), 409, 'invalid_state');
    await get('pause_integration_key', { p_key_id: key.key_id });
    refused(await call('archive_store', { p_store_id }), 409, 'invalid_state');
    await get('revoke_integration_key', { p_key_id: key.key_id });
    assert.match((await get('archive_store', { p_store_id })).archived_at, TIME);
  });
});

describe('core.rpc_rotate_integration_key', () => {
  test('mints a key with the settings of another, in its namespace; both work until the old one is revoked', async () => {
    const old = (await call('create_integration_key', minimal({ p_rate_limit_per_minute: 7, p_require_signature: true }))).body;
    const { status, body } = await call('rotate_integration_key', { p_key_id: old.key_id, p_expires_in_days: 30 });
    assert.equal(status, 201);
    for (const same of ['name', 'store_id', 'namespace', 'source', 'payload_format', 'scopes', 'rate_limit_per_minute', 'require_signature']) {
      assert.deepEqual(body[same], old[same], same);
    }
    assert.equal(body.rotated_from, old.key_id);
    assert.ok(body.api_key !== old.api_key && body.signing_secret !== old.signing_secret && body.key_id !== old.key_id);
    assert.equal(Date.parse(body.expires_at) - Date.parse(body.created_at), 30 * DAY);
    const sent = order();
    const first = await postOrder(gateway, old, sent);
    const second = await postOrder(gateway, body, sent);
    assert.deepEqual([first.status, second.status, second.body.id], [201, 200, first.body.id], 'one order, whichever key it came by');
    await get('revoke_integration_key', { p_key_id: old.key_id });
    assert.equal((await postOrder(gateway, body)).status, 201);
    refused(await call('rotate_integration_key', { p_key_id: old.key_id }), 409, 'invalid_state');
    assert.equal((await call('rotate_integration_key', { p_key_id: body.key_id, p_name: 'Renewed' })).body.name, 'Renewed');
    invalid(await call('rotate_integration_key', { p_key_id: body.key_id, p_expires_in_days: 0, p_name: 'a\nb' }), ['/p_name', 'invalid_text'], ['/p_expires_in_days', 'out_of_range']);
    assert.deepEqual(await actions(body), ['integration_key.rotated']);
  });
});

describe('core.rpc_create_integration_key', () => {
  test('answers the key, its secret and all that it is, with the defaults', async () => {
    const { status, body, headers } = await call('create_integration_key', minimal());
    assert.equal(status, 201);
    const { key_id, api_key, signing_secret, signing_secret_whsec, preview, namespace, created_at, ...rest } = body;
    assert.match(key_id, /^key_[a-z2-7]{26}$/);
    assert.match(api_key, /^pck_int_[0-9A-Za-z]{34}$/);
    assert.match(signing_secret, /^[0-9a-f]{64}$/);
    assert.equal(signing_secret_whsec, `whsec_${Buffer.from(signing_secret).toString('base64')}`);
    assert.equal(preview, api_key.slice(0, 12));
    assert.match(namespace, /^ns_[a-z2-7]{16}$/);
    assert.match(created_at, TIME);
    assert.deepEqual(rest, {
      store_id: creds.store_id,
      name: 'Storefront',
      source: 'custom',
      payload_format: 'peptideclients',
      scopes: ['orders:write'],
      rate_limit_per_minute: 120,
      require_signature: true,
      capture_bodies: true,
      status: 'active',
      awaiting_secret: false,
      webhook_url: null,
      notification_url: null,
      expires_at: null,
      revoked_at: null,
      rotated_from: null,
    });
    assert.equal(headers.get('cache-control'), 'no-store');
    assert.equal((await postOrder(gateway, body)).status, 201);
  });

  test('every argument is kept as it was given', async () => {
    const scopes = ['clients:write', 'orders:write', 'orders:write'];
    const { body } = await call('create_integration_key', {
      ...minimal({ p_name: 'Ünïcode shop' }),
      p_source: 'zapier',
      p_scopes: scopes,
      p_rate_limit_per_minute: 7,
      p_expires_in_days: 30,
      p_require_signature: false,
      p_capture_bodies: false,
      p_signing_secret: null,
    });
    assert.deepEqual(
      [body.name, body.source, body.scopes, body.rate_limit_per_minute, body.require_signature, body.capture_bodies],
      ['Ünïcode shop', 'zapier', ['orders:write', 'clients:write'], 7, false, false],
    );
    assert.equal(Date.parse(body.expires_at) - Date.parse(body.created_at), 30 * DAY);
    const kept = await row(body);
    assert.deepEqual(
      [kept.scopes, kept.rate_limit_per_minute, kept.require_signature, kept.capture_bodies, kept.expires_at - kept.created_at, kept.created_by],
      ['orders:write clients:write', 7, 0, 0, 30 * DAY, creds.user_id],
    );
    assert.equal((await postOrder(gateway, body, order(), { sign: null })).status, 201);
  });

  test('each source can be minted, a webhook URL given where the sender has a webhook here', async () => {
    for (const p_source of ['custom', 'woocommerce', 'zapier', 'make', 'shopify', 'square', 'bigcommerce', 'stripe_checkout', 'squarespace', 'wix', 'webflow', 'other']) {
      const { status, body } = await call('create_integration_key', minimal({ p_source }));
      assert.deepEqual([status, body.source, body.webhook_url], [201, p_source, null]);
    }
    const shop = await call('create_integration_key', minimal({ p_source: 'woocommerce', p_payload_format: 'woocommerce' }));
    assert.equal(shop.body.webhook_url, `${gateway.url}/integrations/v1/webhook/woocommerce/${shop.body.key_id}`);
  });

  test('a webhook URL is of the deployment\'s public address where that is set', async () => {
    const fresh = await startGateway({ vars: { PUBLIC_API_URL: 'https://api.example.test/' } });
    try {
      const ask = async (name, token, args) => {
        const { status, body } = await onHost(fresh, 'api.example.test', name, token, args);
        assert.equal(status, 201, JSON.stringify(body));
        return body;
      };
      const owner = await ask('setup_workspace', fresh.setupToken, {
        p_workspace_name: 'Acme', p_owner_email: 'o@example.com', p_owner_password: 'correct horse battery', p_store_name: 'Main',
      });
      const key = await ask('create_integration_key', owner.api_key, {
        ...minimal({ p_store_id: owner.store_id }), p_source: 'woocommerce', p_payload_format: 'woocommerce',
      });
      assert.equal(key.webhook_url, `https://api.example.test/integrations/v1/webhook/woocommerce/${key.key_id}`);
      assert.equal((await rpc(fresh, owner.api_key, 'core.rpc_list_stores')).status, 404, 'another host answers nothing');
    } finally {
      await fresh.stop();
    }
  });

  for (const [given, kept] of [[1, 1], [120, 120], [6000, 6000], [6001, 6000], [10_000, 6000]]) {
    test(`a limit of ${given} is kept as ${kept}`, async () => {
      const { status, body } = await call('create_integration_key', minimal({ p_rate_limit_per_minute: given }));
      assert.deepEqual([status, body.rate_limit_per_minute, (await row(body)).rate_limit_per_minute], [201, kept, kept]);
      const me = await send(gateway, { method: 'GET', path: '/integrations/v1/whoami', headers: { authorization: `Bearer ${body.api_key}` } });
      assert.equal(me.body.rate_limit.per_minute, kept);
    });
  }

  for (const days of [1, 3650]) {
    test(`an expiry of ${days} days is kept to the millisecond`, async () => {
      const { body } = await call('create_integration_key', minimal({ p_expires_in_days: days }));
      assert.equal(Date.parse(body.expires_at) - Date.parse(body.created_at), days * DAY);
      const kept = await row(body);
      assert.deepEqual([kept.created_at, kept.expires_at], [Date.parse(body.created_at), Date.parse(body.expires_at)]);
      assert.equal((await postOrder(gateway, body)).status, 201);
    });
  }

  test('an expiry takes effect', async () => {
    const key = await insertIntegrationKey(gateway, creds, { created_at: gateway.now() - 2 * DAY, expires_at: gateway.now() - 1 });
    const answer = await postOrder(gateway, key);
    refused(answer, 401, 'api_key_expired');
    const { keys } = await get('list_integration_keys', { p_limit: 200 });
    assert.equal(keys.find(({ key_id }) => key_id === key.key_id).status, 'expired');
    const soon = await insertIntegrationKey(gateway, creds, { created_at: gateway.now() - DAY, expires_at: gateway.now() + 60_000 });
    assert.equal((await postOrder(gateway, soon)).status, 201);
    await gateway.advance(60_000);
    refused(await postOrder(gateway, soon), 401, 'api_key_expired');
  });

  test('each argument is checked and named', async () => {
    for (const [changes, pointer, code] of [
      [{ p_store_id: undefined }, '/p_store_id', 'required'],
      [{ p_store_id: 'sto_x' }, '/p_store_id', 'invalid_id'],
      [{ p_store_id: creds.workspace_id }, '/p_store_id', 'invalid_id'],
      [{ p_store_id: 7 }, '/p_store_id', 'invalid_type'],
      [{ p_name: undefined }, '/p_name', 'required'],
      [{ p_name: 'x'.repeat(101) }, '/p_name', 'too_long'],
      [{ p_name: 'a\nb' }, '/p_name', 'invalid_text'],
      [{ p_source: undefined }, '/p_source', 'required'],
      [{ p_source: 'magento' }, '/p_source', 'invalid_choice'],
      [{ p_source: 'WooCommerce' }, '/p_source', 'invalid_choice'],
      [{ p_payload_format: undefined }, '/p_payload_format', 'required'],
      [{ p_payload_format: 'custom' }, '/p_payload_format', 'invalid_choice'],
      [{ p_scopes: undefined }, '/p_scopes', 'required'],
      [{ p_scopes: [] }, '/p_scopes', 'empty'],
      [{ p_scopes: 'orders:write' }, '/p_scopes', 'invalid_type'],
      [{ p_scopes: ['orders:write', 'orders:read'] }, '/p_scopes/1', 'invalid_choice'],
      [{ p_scopes: [7] }, '/p_scopes/0', 'invalid_type'],
      [{ p_rate_limit_per_minute: 0 }, '/p_rate_limit_per_minute', 'out_of_range'],
      [{ p_rate_limit_per_minute: -1 }, '/p_rate_limit_per_minute', 'out_of_range'],
      [{ p_rate_limit_per_minute: 10_001 }, '/p_rate_limit_per_minute', 'out_of_range'],
      [{ p_rate_limit_per_minute: 1.5 }, '/p_rate_limit_per_minute', 'invalid_type'],
      [{ p_rate_limit_per_minute: '120' }, '/p_rate_limit_per_minute', 'invalid_type'],
      [{ p_expires_in_days: 0 }, '/p_expires_in_days', 'out_of_range'],
      [{ p_expires_in_days: 3_651 }, '/p_expires_in_days', 'out_of_range'],
      [{ p_expires_in_days: 'never' }, '/p_expires_in_days', 'invalid_type'],
      [{ p_require_signature: 'yes' }, '/p_require_signature', 'invalid_type'],
      [{ p_signing_secret: 'short' }, '/p_signing_secret', 'invalid_secret'],
      [{ p_signing_secret: 'pasted with its\nline break' }, '/p_signing_secret', 'invalid_secret'],
      [{ p_signing_secret: 'x'.repeat(513) }, '/p_signing_secret', 'invalid_secret'],
      [{ p_signing_secret: 'x'.repeat(4_097) }, '/p_signing_secret', 'too_long'],
      [{ p_notification_url: 'https://example.com/' }, '/p_notification_url', 'not_applicable'],
      [{ p_capture_bodies: 1 }, '/p_capture_bodies', 'invalid_type'],
      [{ p_namespace: newId('ns_') }, '/p_namespace', 'unknown_field'],
      [{ p_key_id: 'key_x' }, '/p_key_id', 'unknown_field'],
      [{ p_source: 'woocommerce', p_require_signature: false }, '/p_require_signature', 'signature_required'],
      [{ p_payload_format: 'woocommerce', p_require_signature: false }, '/p_require_signature', 'signature_required'],
    ]) {
      invalid(await call('create_integration_key', minimal(changes)), [pointer, code]);
    }
  });

  test('all that is wrong is said at once', async () => {
    const answer = await call('create_integration_key', { p_name: '', p_source: 'x', p_rate_limit_per_minute: 0 });
    assert.deepEqual(
      answer.body.errors.map(({ pointer }) => pointer).sort(),
      ['/p_name', '/p_payload_format', '/p_rate_limit_per_minute', '/p_scopes', '/p_source', '/p_store_id'],
    );
  });

  test('a store that there is not is 404', async () => {
    refused(await call('create_integration_key', minimal({ p_store_id: newId('sto_') })), 404, 'not_found');
  });

  test('a pasted secret works and is not echoed, not even where it is refused', async () => {
    const secret = 'whsec_c2VjcmV0IHRoYXQgd2FzIHBhc3RlZA==';
    const { status, body } = await call('create_integration_key', minimal({ p_signing_secret: secret }));
    assert.deepEqual([status, body.signing_secret, body.signing_secret_whsec, body.awaiting_secret], [201, null, null, false]);
    assert.ok(!JSON.stringify(body).includes(secret));
    assert.equal((await postOrder(gateway, { ...body, signing_secret: secret })).status, 201);
    const wrong = await call('create_integration_key', minimal({ p_signing_secret: `${secret}\n` }));
    assert.equal(wrong.status, 422);
    assert.ok(!JSON.stringify(wrong.body).includes(secret));
  });

  test('the key, its audit entry and nothing less are written in one batch', async () => {
    await gateway.d1("CREATE TRIGGER no_audit BEFORE INSERT ON audit_log BEGIN SELECT RAISE(ABORT, 'no audit today'); END");
    const keys = await gateway.d1('SELECT count(*) AS n FROM integration_keys');
    try {
      const answer = await call('create_integration_key', minimal());
      assert.equal(answer.status, 500);
      assert.equal(answer.body.code, 'internal_error');
      assert.ok(!JSON.stringify(answer.body).includes('no audit today'));
    } finally {
      await gateway.d1('DROP TRIGGER no_audit');
    }
    assert.deepEqual(await gateway.d1('SELECT count(*) AS n FROM integration_keys'), keys);
    const key = await mint(gateway, creds);
    const [entry, ...others] = await audit(key.key_id);
    assert.deepEqual(others, []);
    const stored = await row(key);
    assert.deepEqual(
      [entry.action, entry.user_id, entry.api_key_id, entry.workspace_id, entry.at, JSON.parse(entry.detail)],
      ['integration_key.created', creds.user_id, creds.api_key_id, creds.workspace_id, stored.created_at, { name: key.name, rotated_from: null, secret_revealed: true }],
    );
  });

  test('a key whose KeyGate could not be told works all the same', async () => {
    await gateway.fault({ class: 'KeyGate', mode: 'throw', times: 2 });
    const key = await mint(gateway, creds);
    await gateway.fault();
    assert.equal((await postOrder(gateway, key)).status, 201);
  });

  test('no key is told where D1 did not take it', async () => {
    await gateway.fault({ class: 'D1', mode: 'throw' });
    const answer = await call('create_integration_key', minimal());
    await gateway.fault();
    assert.ok(answer.status >= 500, String(answer.status));
    assert.equal(answer.body.api_key, undefined);
  });
});

describe('core.rpc_list_integration_keys', () => {
  test('lists what was minted, newest first and without secrets, in pages', async () => {
    const store_id = await createStore(gateway, creds, 'Listed');
    const minted = [];
    for (let n = 0; n < 5; n += 1) minted.push(await mint(gateway, { ...creds, store_id }, { p_name: `Key ${n}` }));
    const shown = ({ api_key, signing_secret, signing_secret_whsec, ...rest }) => rest;
    const newest = [...minted].reverse().map(shown);
    assert.deepEqual(await get('list_integration_keys', { p_store_id: store_id }), { keys: newest, next_cursor: null });
    const paged = [];
    let p_cursor = null;
    do {
      const page = await get('list_integration_keys', { p_store_id: store_id, p_cursor, p_limit: 2 });
      assert.ok(page.keys.length <= 2);
      paged.push(...page.keys);
      p_cursor = page.next_cursor;
    } while (p_cursor);
    assert.deepEqual(paged, newest);
    const everything = await get('list_integration_keys', { p_limit: 200 });
    for (const { key_id } of minted) assert.ok(everything.keys.some((key) => key.key_id === key_id));
  });

  test('shows the state that a key is in', async () => {
    const store_id = await createStore(gateway, creds, 'States');
    const [active, paused, revoked] = [await mint(gateway, { ...creds, store_id }), await mint(gateway, { ...creds, store_id }), await mint(gateway, { ...creds, store_id })];
    await get('pause_integration_key', { p_key_id: paused.key_id });
    await get('revoke_integration_key', { p_key_id: revoked.key_id });
    const { keys } = await get('list_integration_keys', { p_store_id: store_id });
    const states = Object.fromEntries(keys.map((key) => [key.key_id, [key.status, key.revoked_at !== null]]));
    assert.deepEqual(states, { [active.key_id]: ['active', false], [paused.key_id]: ['paused', false], [revoked.key_id]: ['revoked', true] });
  });

  test('names what is wrong with its arguments', async () => {
    for (const [args, pointer, code] of [
      [{ p_store_id: 'x' }, '/p_store_id', 'invalid_id'],
      [{ p_limit: 0 }, '/p_limit', 'out_of_range'],
      [{ p_limit: 201 }, '/p_limit', 'out_of_range'],
      [{ p_cursor: 'x' }, '/p_cursor', 'invalid_cursor'],
      [{ p_status: 'active' }, '/p_status', 'unknown_field'],
    ]) {
      invalid(await call('list_integration_keys', args), [pointer, code]);
    }
  });
});

describe('pause and resume', () => {
  test('a paused key is refused on the next request, and resumed it is admitted on the next', async () => {
    const key = await mint(gateway, creds);
    assert.equal((await postOrder(gateway, key)).status, 201);
    const paused = await get('pause_integration_key', { p_key_id: key.key_id });
    assert.deepEqual([paused.key_id, paused.status, paused.in_flight], [key.key_id, 'paused', 0]);
    refused(await postOrder(gateway, key), 403, 'key_paused');
    assert.equal((await row(key)).status, 'paused');
    await gateway.evict();
    refused(await postOrder(gateway, key), 403, 'key_paused');
    assert.equal((await get('resume_integration_key', { p_key_id: key.key_id })).status, 'active');
    assert.equal((await postOrder(gateway, key)).status, 201);
    assert.deepEqual(await actions(key), ['integration_key.created', 'integration_key.paused', 'integration_key.resumed']);
    assert.ok((await audit(key.key_id)).every((entry) => entry.user_id === creds.user_id && entry.api_key_id === creds.api_key_id));
  });

  test('twice is once', async () => {
    const key = await mint(gateway, creds);
    for (const name of ['pause_integration_key', 'pause_integration_key', 'resume_integration_key', 'resume_integration_key']) await get(name, { p_key_id: key.key_id });
    assert.deepEqual(await actions(key), ['integration_key.created', 'integration_key.paused', 'integration_key.resumed']);
  });
});

describe('core.rpc_revoke_integration_key', () => {
  test('refuses the key on the very next request, for good, and says so in D1', async () => {
    const key = await mint(gateway, creds);
    assert.equal((await postOrder(gateway, key)).status, 201);
    const receipt = await get('revoke_integration_key', { p_key_id: key.key_id });
    assert.deepEqual([receipt.key_id, receipt.status, receipt.in_flight], [key.key_id, 'revoked', 0]);
    assert.match(receipt.revoked_at, TIME);
    refused(await postOrder(gateway, key), 401, 'invalid_api_key');
    await gateway.evict();
    refused(await postOrder(gateway, key), 401, 'invalid_api_key');
    const stored = await row(key);
    assert.deepEqual([stored.status, stored.revoked_at], ['revoked', Date.parse(receipt.revoked_at)]);
  });

  test('again answers the same, and one audit entry stays one', async () => {
    const key = await mint(gateway, creds);
    const receipts = [];
    for (let n = 0; n < 3; n += 1) receipts.push(await get('revoke_integration_key', { p_key_id: key.key_id }));
    receipts.push(...(await Promise.all([1, 2, 3].map(() => get('revoke_integration_key', { p_key_id: key.key_id })))));
    for (const receipt of receipts) assert.deepEqual(receipt, receipts[0]);
    const entries = (await audit(key.key_id)).filter((entry) => entry.action === 'integration_key.revoked');
    assert.equal(entries.length, 1);
    assert.deepEqual([entries[0].user_id, entries[0].api_key_id, entries[0].workspace_id], [creds.user_id, creds.api_key_id, creds.workspace_id]);
  });

  test('works from any state: paused, never used, expired, unknown to its KeyGate', async () => {
    const paused = await mint(gateway, creds);
    await get('pause_integration_key', { p_key_id: paused.key_id });
    const keys = {
      paused,
      'never used': await mint(gateway, creds),
      expired: await insertIntegrationKey(gateway, creds, { created_at: gateway.now() - 2 * DAY, expires_at: gateway.now() - 1 }),
      'unknown to its KeyGate': await insertIntegrationKey(gateway, creds),
    };
    for (const [state, key] of Object.entries(keys)) {
      assert.equal((await get('revoke_integration_key', { p_key_id: key.key_id })).status, 'revoked', state);
      refused(await postOrder(gateway, key), 401, 'invalid_api_key');
      assert.equal((await row(key)).status, 'revoked', state);
    }
  });

  test('is final: what would change the key is 409', async () => {
    const key = await mint(gateway, creds);
    await get('revoke_integration_key', { p_key_id: key.key_id });
    const entries = await actions(key);
    for (const [name, args] of [
      ['pause_integration_key', {}],
      ['resume_integration_key', {}],
      ['set_signing_secret', { p_signing_secret: 'another secret' }],
    ]) {
      refused(await call(name, { p_key_id: key.key_id, ...args }), 409, 'invalid_state');
    }
    assert.equal((await row(key)).status, 'revoked');
    assert.deepEqual(await actions(key), entries);
    refused(await postOrder(gateway, key), 401, 'invalid_api_key');
  });

  test('holds at once though D1 fails; D1 and one audit entry follow together', async () => {
    const key = await mint(gateway, creds);
    await gateway.d1(`CREATE TRIGGER no_revoke BEFORE INSERT ON audit_log WHEN NEW.action = 'integration_key.revoked'
      BEGIN SELECT RAISE(ABORT, 'no audit today'); END`);
    try {
      await get('revoke_integration_key', { p_key_id: key.key_id });
      refused(await postOrder(gateway, key), 401, 'invalid_api_key');
      assert.equal((await row(key)).status, 'active', 'not without its audit entry');
    } finally {
      await gateway.d1('DROP TRIGGER no_revoke');
    }
    await gateway.later(() => row(key), ({ status }) => status === 'revoked');
    assert.deepEqual(await actions(key), ['integration_key.created', 'integration_key.revoked']);
  });

  test('holds through a kill while D1 fails, and D1 is told after the start', async () => {
    const key = await mint(gateway, creds);
    await gateway.d1(`CREATE TRIGGER no_revoke BEFORE INSERT ON audit_log WHEN NEW.action = 'integration_key.revoked'
      BEGIN SELECT RAISE(ABORT, 'no audit today'); END`);
    await get('revoke_integration_key', { p_key_id: key.key_id });
    await gateway.kill();
    await gateway.start();
    refused(await postOrder(gateway, key), 401, 'invalid_api_key');
    await gateway.d1('DROP TRIGGER no_revoke');
    await gateway.later(() => row(key), ({ status }) => status === 'revoked');
    assert.deepEqual(await actions(key), ['integration_key.created', 'integration_key.revoked']);
  });
});

describe('core.rpc_set_signing_secret', () => {
  const NEW = 'the new secret, pasted';
  const signed = (key, secret) => postOrder(gateway, { ...key, signing_secret: secret });

  test('both secrets are good while they overlap, and only the new one after', async () => {
    const key = await mint(gateway, creds);
    const answer = await get('set_signing_secret', { p_key_id: key.key_id, p_signing_secret: NEW });
    assert.ok(!JSON.stringify(answer).includes(NEW));
    assert.deepEqual([answer.key_id, answer.status, answer.awaiting_secret], [key.key_id, 'active', false]);
    for (const secret of [NEW, key.signing_secret]) assert.equal((await signed(key, secret)).status, 201);
    await gateway.evict();
    for (const secret of [NEW, key.signing_secret]) assert.equal((await signed(key, secret)).status, 201);
    await gateway.advance(DAY);
    assert.equal((await signed(key, NEW)).status, 201);
    refused(await signed(key, key.signing_secret), 401, 'signature_invalid');
  });

  test('without an overlap only the new one is good, at once', async () => {
    const key = await mint(gateway, creds);
    await get('set_signing_secret', { p_key_id: key.key_id, p_signing_secret: NEW, p_overlap_hours: 0 });
    refused(await signed(key, key.signing_secret), 401, 'signature_invalid');
    assert.equal((await signed(key, NEW)).status, 201);
  });

  test('an overlap of 0 ends earlier overlaps too', async () => {
    const key = await mint(gateway, creds);
    await get('set_signing_secret', { p_key_id: key.key_id, p_signing_secret: 'the second secret' });
    await get('set_signing_secret', { p_key_id: key.key_id, p_signing_secret: NEW, p_overlap_hours: 0 });
    for (const secret of [key.signing_secret, 'the second secret']) refused(await signed(key, secret), 401, 'signature_invalid');
    assert.equal((await signed(key, NEW)).status, 201);
  });

  test('serves a shop\'s own secret', async () => {
    const key = await mintShop(gateway, creds);
    await get('set_signing_secret', { p_key_id: key.key_id, p_signing_secret: NEW, p_overlap_hours: 0 });
    assert.equal((await deliver(gateway, key, 'order.created', captured('order.created'))).status, 401);
    assert.equal((await deliver(gateway, key, 'order.created', captured('order.created'), { secret: NEW })).status, 200);
  });

  test('reaches D1, sealed, and the audit log, without the secret', async () => {
    const key = await mint(gateway, creds);
    const before = JSON.parse((await row(key)).secrets);
    await get('set_signing_secret', { p_key_id: key.key_id, p_signing_secret: NEW });
    const after = JSON.parse((await row(key)).secrets);
    assert.deepEqual([before.length, after.length], [1, 2]);
    assert.equal(after[1].sealed, before[0].sealed);
    const entries = await audit(key.key_id);
    assert.deepEqual(entries.map((entry) => entry.action), ['integration_key.created', 'integration_key.secret_set']);
    assert.ok(!JSON.stringify([after, entries]).includes(NEW));
  });

  test('the secret that D1 has is the one that counts in a KeyGate that has lost everything', async () => {
    const key = await mint(gateway, creds);
    await get('set_signing_secret', { p_key_id: key.key_id, p_signing_secret: NEW, p_overlap_hours: 0 });
    await gateway.sql('KeyGate', gateOf(key.key_id), 'DELETE FROM record');
    await gateway.evict();
    assert.equal((await signed(key, NEW)).status, 201);
  });

  test('names what is wrong with its arguments, and does not echo the secret', async () => {
    const key = await mint(gateway, creds);
    const good = { p_key_id: key.key_id, p_signing_secret: NEW };
    for (const [changes, pointer, code] of [
      [{ p_signing_secret: undefined }, '/p_signing_secret', 'required'],
      [{ p_signing_secret: 'seven77' }, '/p_signing_secret', 'invalid_secret'],
      [{ p_signing_secret: `${NEW}\n` }, '/p_signing_secret', 'invalid_secret'],
      [{ p_signing_secret: 12345678 }, '/p_signing_secret', 'invalid_type'],
      [{ p_overlap_hours: -1 }, '/p_overlap_hours', 'out_of_range'],
      [{ p_overlap_hours: 721 }, '/p_overlap_hours', 'out_of_range'],
      [{ p_overlap_hours: 1.5 }, '/p_overlap_hours', 'invalid_type'],
      [{ p_key_id: undefined }, '/p_key_id', 'required'],
    ]) {
      const answer = await call('set_signing_secret', { ...good, ...changes });
      invalid(answer, [pointer, code]);
      assert.ok(!JSON.stringify(answer.body).includes(NEW));
    }
  });
});

describe('core.rpc_reseal_secrets', () => {
  test('seals again what is under an older sealing key; then that key may be dropped', async () => {
    const old = `1:${'11'.repeat(32)}`;
    const newer = `2:${'22'.repeat(32)}`;
    const directory = mkdtempSync(path.join(tmpdir(), 'tidegate-reseal-'));
    let running;
    const under = async (SEALING_KEYS) => {
      await running?.stop();
      running = await startGateway({ state: directory, vars: { SEALING_KEYS } });
    };
    try {
      await under(old);
      const owner = await setup(running);
      const keys = [await mint(running, owner), await mint(running, owner), await mint(running, owner)];
      await under(`${newer},${old}`);
      for (const key of keys) assert.equal((await postOrder(running, key)).status, 201);
      const done = await must(running, owner.api_key, 'core.rpc_reseal_secrets');
      assert.deepEqual(done, { resealed: 3, next_cursor: null });
      assert.deepEqual(await must(running, owner.api_key, 'core.rpc_reseal_secrets'), { resealed: 0, next_cursor: null });
      await under(newer);
      for (const key of keys) assert.equal((await postOrder(running, key)).status, 201);
    } finally {
      await running?.stop();
      rmSync(directory, { recursive: true, force: true });
    }
  });
});

describe('core.rpc_get_integration_key_stats', () => {
  test('counts requests and errors of the last day, week and month', async () => {
    const key = await mint(gateway, creds);
    const none = { requests: 0, errors: 0 };
    assert.deepEqual(await get('get_integration_key_stats', { p_key_id: key.key_id }), { h24: none, d7: none, d30: none, last_used_at: null });
    for (let n = 0; n < 3; n += 1) assert.equal((await postOrder(gateway, key)).status, 201);
    assert.equal((await postOrder(gateway, key, '{}')).status, 422);
    assert.equal((await postOrder(gateway, key, order(), { sign: null })).status, 401);
    const expected = { requests: 5, errors: 2 };
    const { last_used_at, ...counts } = await get('get_integration_key_stats', { p_key_id: key.key_id });
    assert.deepEqual(counts, { h24: expected, d7: expected, d30: expected });
    assert.ok(Math.abs(Date.parse(last_used_at) - gateway.now()) < 60_000);
    await gateway.evict();
    assert.deepEqual((await get('get_integration_key_stats', { p_key_id: key.key_id })).h24, expected, 'after an eviction');
  });
});

describe('core.rpc_list_integration_requests', () => {
  test('lists each request with what became of it, newest first', async () => {
    const key = await mint(gateway, creds);
    const made = await postOrder(gateway, key, order({ external_id: 'A-1' }), { idempotencyKey: 'first' });
    const replayed = await postOrder(gateway, key, order({ external_id: 'A-2', total: '21.00' }));
    const unsigned = await postOrder(gateway, key, order(), { sign: null });
    const { requests, next_cursor } = await get('list_integration_requests', { p_key_id: key.key_id });
    assert.equal(next_cursor, null);
    assert.deepEqual(requests.map(({ id }) => id), [unsigned, replayed, made].map(({ headers }) => headers.get('x-request-id')));
    const [last] = requests.slice(-1);
    const { id, received_at, latency_ms, ...rest } = last;
    assert.match(received_at, TIME);
    assert.ok(Number.isInteger(latency_ms) && latency_ms >= 0);
    assert.deepEqual(rest, {
      method: 'POST',
      path: '/integrations/v1/orders',
      status: 201,
      outcome: 'accepted',
      count: 1,
      topic: null,
      idempotency_key: 'first',
      external_id: 'A-1',
      internal_id: made.body.id,
      error_code: null,
      detail: null,
    });
    assert.deepEqual(requests.map(({ status, error_code }) => [status, error_code]), [
      [401, 'signature_missing'],
      [422, 'validation_failed'],
      [201, null],
    ]);
  });

  test('pages and filters', async () => {
    const key = await mint(gateway, creds);
    for (let n = 0; n < 7; n += 1) await postOrder(gateway, key, order({ external_id: `B-${n}` }), { idempotencyKey: `k${n}` });
    await postOrder(gateway, key, '{}');
    const list = (args) => get('list_integration_requests', { p_key_id: key.key_id, ...args });
    const paged = [];
    let p_cursor = null;
    do {
      const page = await list({ p_limit: 3, p_cursor });
      paged.push(...page.requests);
      p_cursor = page.next_cursor;
    } while (p_cursor);
    assert.deepEqual(paged, (await list({ p_limit: 200 })).requests);
    assert.equal(paged.length, 8);
    const found = async (args) => (await list(args)).requests.map(({ external_id, status }) => external_id ?? status);
    assert.deepEqual(await found({ p_external_id: 'B-3' }), ['B-3']);
    assert.deepEqual(await found({ p_idempotency_key: 'k5' }), ['B-5']);
    assert.deepEqual(await found({ p_status: 422 }), [422]);
    assert.deepEqual(await found({ p_outcome: 'rejected' }), [422]);
    assert.deepEqual(await found({ p_error_code: 'validation_failed' }), [422]);
    assert.deepEqual(await found({ p_received_from: new Date(gateway.now() + 60_000).toISOString() }), []);
    assert.equal((await found({ p_received_to: new Date(gateway.now() + 60_000).toISOString() })).length, 8);
    assert.deepEqual(await found({ p_received_to: new Date(gateway.now() - 60_000).toISOString() }), []);
  });

  test('names what is wrong with its arguments', async () => {
    const key = await mint(gateway, creds);
    for (const [args, pointer, code] of [
      [{ p_limit: 0 }, '/p_limit', 'out_of_range'],
      [{ p_limit: 201 }, '/p_limit', 'out_of_range'],
      [{ p_cursor: 'x' }, '/p_cursor', 'invalid_cursor'],
      [{ p_cursor: '-1' }, '/p_cursor', 'invalid_cursor'],
      [{ p_status: 99 }, '/p_status', 'out_of_range'],
      [{ p_status: '200' }, '/p_status', 'invalid_type'],
      [{ p_outcome: 'fine' }, '/p_outcome', 'invalid_choice'],
      [{ p_error_code: 'x' }, '/p_error_code', 'invalid_choice'],
      [{ p_method: 'POST' }, '/p_method', 'unknown_field'],
    ]) {
      invalid(await call('list_integration_requests', { p_key_id: key.key_id, ...args }), [pointer, code]);
    }
    const answer = await call('list_integration_requests', { p_key_id: key.key_id, p_received_from: 'yesterday' });
    assert.deepEqual([answer.status, answer.body.errors[0].pointer], [422, '/p_received_from']);
  });
});

describe('who may call', () => {
  /** Every procedure that takes an API key, with arguments that are good, given a key, a store and an event. */
  const procedures = {
    create_store: () => ({ p_name: 'Matrix' }),
    list_stores: () => ({}),
    create_integration_key: ({ store_id }) => minimal({ p_store_id: store_id }),
    list_integration_keys: ({ store_id }) => ({ p_store_id: store_id }),
    pause_integration_key: ({ key_id }) => ({ p_key_id: key_id }),
    resume_integration_key: ({ key_id }) => ({ p_key_id: key_id }),
    set_signing_secret: ({ key_id }) => ({ p_key_id: key_id, p_signing_secret: 'matrix secret' }),
    reseal_secrets: () => ({}),
    get_integration_key_stats: ({ key_id }) => ({ p_key_id: key_id }),
    list_integration_requests: ({ key_id }) => ({ p_key_id: key_id }),
    list_parked_events: ({ key_id }) => ({ p_key_id: key_id }),
    retry_parked_event: ({ key_id, event_id }) => ({ p_key_id: key_id, p_event_id: event_id }),
    discard_parked_event: ({ key_id, event_id }) => ({ p_key_id: key_id, p_event_id: event_id }),
    rotate_integration_key: ({ key_id }) => ({ p_key_id: key_id }),
    rename_store: ({ spare_id }) => ({ p_store_id: spare_id, p_name: 'Renamed' }),
    archive_store: ({ spare_id }) => ({ p_store_id: spare_id }),
    restore_store: ({ spare_id }) => ({ p_store_id: spare_id }),
    list_members: () => ({}),
    invite_member: () => ({ p_email: `${newId('usr_')}@example.com`, p_role: 'member' }),
    list_invites: () => ({}),
    withdraw_invite: ({ invite_id }) => ({ p_invite_id: invite_id }),
    change_member_role: ({ user_id }) => ({ p_user_id: user_id, p_role: 'admin' }),
    remove_member: ({ user_id }) => ({ p_user_id: user_id }),
    list_audit_entries: () => ({}),
    revoke_integration_key: ({ key_id }) => ({ p_key_id: key_id }),
  };
  test('the table above names every procedure', () => {
    assert.deepEqual(Object.keys(procedures).sort(), [...PROCEDURES].sort());
  });

  const OF_A_KEY = Object.keys(procedures).filter((name) => /key_id/.test(procedures[name].toString()));
  const CREATES = ['create_store', 'create_integration_key', 'rotate_integration_key', 'invite_member'];
  /** What names a store, a member or an invite. */
  const OF_THE_TEAM = ['rename_store', 'archive_store', 'restore_store', 'withdraw_invite', 'change_member_role', 'remove_member'];

  /** A key with one event that only an operator lets go; a store without keys, a member and an invite. */
  async function target(owner) {
    const key = await mintShop(gateway, owner, { p_scopes: ['clients:write'] });
    const { body } = await deliver(gateway, key, 'order.created', captured('order.created'));
    assert.equal(body.outcome, 'parked');
    const spare_id = await createStore(gateway, owner, 'Spare');
    const { user_id } = await insertUser(gateway, owner.workspace_id, 'member');
    const p_email = `${newId('inv_')}@example.com`;
    const { invite_id } = await must(gateway, owner.api_key, 'core.rpc_invite_member', { p_email, p_role: 'member' });
    return { ...key, store_id: owner.store_id, event_id: body.request_id, spare_id, user_id, invite_id };
  }

  for (const role of ['owner', 'admin', 'member']) {
    test(`a user who is ${role} ${role === 'member' ? 'may call nothing' : 'may call everything'}`, async () => {
      const user = await insertUser(gateway, creds.workspace_id, role);
      const on = await target(creds);
      const before = await gateway.d1('SELECT * FROM audit_log');
      for (const [name, args] of Object.entries(procedures)) {
        const answer = await call(name, args(on), user.api_key);
        if (role === 'member') refused(answer, 403, 'forbidden');
        else assert.equal(answer.status, CREATES.includes(name) ? 201 : 200, `${name}: ${JSON.stringify(answer.body)}`);
      }
      const entries = (await gateway.d1('SELECT * FROM audit_log')).filter(({ id }) => !before.some((entry) => entry.id === id));
      assert.ok(entries.every((entry) => entry.user_id === user.user_id && entry.api_key_id === user.api_key_id));
      assert.deepEqual(
        entries.map((entry) => entry.action).sort(),
        role === 'member' ? [] : [
          'integration_key.created', 'integration_key.paused', 'integration_key.resumed', 'integration_key.revoked',
          'integration_key.rotated', 'integration_key.secret_set', 'invite.withdrawn', 'member.invited', 'member.removed',
          'member.role_changed', 'parked_event.discarded', 'store.archived', 'store.created', 'store.renamed', 'store.restored',
        ],
      );
    });
  }

  test('a member reads orders all the same', async () => {
    const user = await insertUser(gateway, creds.workspace_id, 'member');
    const answer = await send(gateway, { method: 'GET', path: `/v1/orders?store_id=${creds.store_id}`, headers: { authorization: `Bearer ${user.api_key}` } });
    assert.equal(answer.status, 200);
  });

  test('another workspace\'s stores, members and invites are not found, nor changed, nor listed', async () => {
    const other = await insertWorkspace(gateway);
    const on = await target(creds);
    const tables = ['stores', 'memberships', 'invites', 'audit_log'];
    const everything = () => Promise.all(tables.map((table) => gateway.d1(`SELECT * FROM ${table} ORDER BY 1, 2`)));
    const before = await everything();
    for (const name of OF_THE_TEAM) refused(await call(name, procedures[name](on), other.api_key), 404, 'not_found');
    assert.deepEqual(await everything(), before);
    assert.deepEqual((await call('list_members', {}, other.api_key)).body.members.map(({ user_id }) => user_id), [other.user_id]);
    assert.deepEqual((await call('list_invites', {}, other.api_key)).body, { invites: [] });
    assert.deepEqual((await call('list_audit_entries', {}, other.api_key)).body, { entries: [], next_cursor: null });
    for (const name of OF_THE_TEAM) {
      const wrong = Object.fromEntries(Object.entries(procedures[name](on)).map(([field, value]) => [field, field.endsWith('_id') ? 'x' : value]));
      const answer = await call(name, wrong);
      refused(answer, 422, 'validation_failed');
      assert.deepEqual(answer.body.errors.map(({ code }) => code), ['invalid_id']);
    }
  });

  test('another workspace\'s keys and stores are not found, nor changed, nor listed', async () => {
    const other = await insertWorkspace(gateway);
    const on = await target(creds);
    const before = [await row(on), await audit(on.key_id)];
    for (const name of [...OF_A_KEY, 'create_integration_key']) refused(await call(name, procedures[name](on), other.api_key), 404, 'not_found');
    assert.deepEqual([await row(on), await audit(on.key_id)], before);
    assert.deepEqual((await call('list_stores', {}, other.api_key)).body.stores.map(({ store_id }) => store_id), [other.store_id]);
    assert.deepEqual((await call('list_integration_keys', {}, other.api_key)).body, { keys: [], next_cursor: null });
    assert.deepEqual((await call('list_integration_keys', { p_store_id: creds.store_id }, other.api_key)).body, { keys: [], next_cursor: null });
    const theirs = await mint(gateway, other);
    assert.equal((await postOrder(gateway, theirs)).status, 201);
    assert.ok(!(await get('list_integration_keys', { p_limit: 200 })).keys.some(({ key_id }) => key_id === theirs.key_id));
    for (const path of [`/v1/orders?store_id=${other.store_id}`]) {
      const answer = await send(gateway, { method: 'GET', path, headers: { authorization: `Bearer ${creds.api_key}` } });
      refused(answer, 404, 'not_found');
    }
  });

  test('a key id that is well formed and nobody\'s is 404; one that is not is 422', async () => {
    const nobody = keyId(gateway, secretKey(gateway, 'pck_int_').hash);
    const on = await target(creds);
    const forged = on.key_id.slice(0, -1) + (on.key_id.endsWith('a') ? 'q' : 'a');
    for (const name of OF_A_KEY) {
      refused(await call(name, procedures[name]({ ...on, key_id: nobody })), 404, 'not_found');
      for (const key_id of [forged, 'key_', '', 7, on.event_id]) {
        const answer = await call(name, procedures[name]({ ...on, key_id }));
        refused(answer, 422, 'validation_failed');
        assert.equal(answer.body.errors[0].pointer, '/p_key_id');
      }
    }
  });

  test('without a good API key everything is 401, and a made-up one costs no query', async () => {
    const user = await insertUser(gateway, creds.workspace_id, 'owner');
    await gateway.d1('UPDATE api_keys SET revoked_at = ?1 WHERE id = ?2', [gateway.now(), user.api_key_id]);
    const integration = await mint(gateway, creds);
    const unknown = secretKey(gateway, 'pck_api_').text;
    const forged = creds.api_key.slice(0, -1) + (creds.api_key.endsWith('a') ? 'b' : 'a');
    const made = [undefined, '', 'Bearer', `Basic ${creds.api_key}`, creds.api_key, 'Bearer x', `Bearer ${forged}`, `Bearer ${integration.api_key}`, `Bearer ${gateway.setupToken}`, `Bearer ${creds.api_key} ${creds.api_key}`];
    for (const name of Object.keys(procedures)) {
      const ask = (authorization) =>
        send(gateway, { method: 'POST', path: `/rpc/core.rpc_${name}`, headers: authorization === undefined ? {} : { authorization }, body: '{}' });
      const cost = await gateway.cost(async () => {
        for (const authorization of made) {
          const answer = await ask(authorization);
          refused(answer, 401, 'invalid_api_key');
          assert.ok(answer.headers.get('www-authenticate'));
        }
      });
      assert.deepEqual([cost.d1.queries, cost.KeyGate.fetches, cost.StoreLedger.fetches], [0, 0, 0], name);
      for (const key of [unknown, user.api_key]) refused(await ask(`Bearer ${key}`), 401, 'invalid_api_key');
    }
  });

  test('whoever leaves the workspace takes the keys along', async () => {
    const user = await insertUser(gateway, creds.workspace_id, 'admin');
    const second = await insertApiKey(gateway, creds.workspace_id, user.user_id);
    for (const { api_key } of [user, second]) assert.equal((await call('list_stores', {}, api_key)).status, 200);
    await gateway.d1('DELETE FROM memberships WHERE user_id = ?1', [user.user_id]);
    for (const { api_key } of [user, second]) refused(await call('list_stores', {}, api_key), 401, 'invalid_api_key');
  });

  test('a role that is taken away is gone on the next call', async () => {
    const user = await insertUser(gateway, creds.workspace_id, 'admin');
    assert.equal((await call('list_stores', {}, user.api_key)).status, 200);
    await gateway.d1("UPDATE memberships SET role = 'member' WHERE user_id = ?1", [user.user_id]);
    refused(await call('list_stores', {}, user.api_key), 403, 'forbidden');
  });
});

describe('how it is called', () => {
  const headers = () => ({ authorization: `Bearer ${creds.api_key}` });

  test('a procedure that there is not is 404', async () => {
    for (const name of ['core.rpc_drop_everything', 'core.rpc_', 'rpc_list_stores', 'core.rpc_list_stores ', 'CORE.RPC_LIST_STORES']) {
      refused(await rpc(gateway, creds.api_key, encodeURIComponent(name)), 404, 'not_found');
    }
  });

  test('only by POST', async () => {
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const answer = await send(gateway, { method, path: '/rpc/core.rpc_list_stores', headers: headers() });
      refused(answer, 405, 'method_not_allowed');
      assert.equal(answer.headers.get('allow'), 'POST');
    }
  });

  test('with a JSON object', async () => {
    for (const body of ['{', 'p_name=x', '{"p_name":"x"} x']) {
      refused(await send(gateway, { method: 'POST', path: '/rpc/core.rpc_create_store', headers: headers(), body }), 400, 'invalid_json');
    }
    for (const body of ['[]', '"x"', 'null', '7']) {
      const answer = await send(gateway, { method: 'POST', path: '/rpc/core.rpc_create_store', headers: headers(), body });
      assert.ok([400, 422].includes(answer.status), `${body}: ${answer.status}`);
    }
  });

  test('a body of more than a mebibyte is 413', async () => {
    const body = JSON.stringify({ p_name: 'x'.repeat(1 << 20) });
    refused(await send(gateway, { method: 'POST', path: '/rpc/core.rpc_create_store', headers: headers(), body }), 413, 'payload_too_large');
  });
});
