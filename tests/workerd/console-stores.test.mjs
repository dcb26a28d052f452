/** Settings → Stores: who may do what, names, and archiving against keys that live. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { Visitor, escaped, login, loginAs } from './support/console.mjs';
import { insertWorkspace } from './support/credentials.mjs';
import { assertProblem, createStore, mint, must, postOrder, rpc, setup, useGateway } from './support/gateway.mjs';

const STORES = '/settings/stores';
const HOSTILE = `<script>alert("1")</script>'&`;

const gateway = await useGateway();
let creds;
/** Another workspace. */
let globex;
let owner;

before(async () => {
  creds = await setup(gateway);
  globex = await insertWorkspace(gateway);
  owner = await login(gateway, creds.owner_email, creds.owner_password);
});

const storeRow = async (id) => (await gateway.d1('SELECT name, archived_at FROM stores WHERE id = ?1', [id]))[0];
const storeCount = async () => (await gateway.d1('SELECT count(*) AS n FROM stores'))[0].n;

test('nobody who is not signed in sees or changes a store', async () => {
  const nobody = new Visitor(gateway);
  const page = await nobody.get(STORES);
  assert.equal(page.status, 303);
  assert.match(page.location, /^\/login\?next=%2Fsettings%2Fstores/);
  const before = await storeCount();
  const created = await nobody.post(STORES, { name: 'Sneaked in' });
  assert.equal(created.status, 303);
  assert.match(created.location, /^\/login/);
  assert.equal(await storeCount(), before);
});

for (const role of ['owner', 'admin']) {
  test(`an ${role} lists, creates, renames, archives and restores stores of their own workspace`, async () => {
    const visitor = await loginAs(gateway, creds, role);
    const created = await visitor.post(STORES, { name: `  Shop of ${role} ` });
    assert.deepEqual([created.status, created.location], [303, STORES]);
    const list = await visitor.get(STORES);
    assert.equal(list.status, 200);
    assert.match(list.text, new RegExp(`Shop of ${role}`));
    const [{ id }] = await gateway.d1('SELECT id FROM stores WHERE name = ?1', [`Shop of ${role}`]);

    assert.equal((await visitor.post(`${STORES}/${id}/rename`, { name: `Renamed by ${role}` })).status, 303);
    assert.equal((await storeRow(id)).name, `Renamed by ${role}`);

    const dialog = await visitor.get(`${STORES}/${id}/archive`, 'layer');
    assert.equal(dialog.status, 200);
    assert.match(dialog.text, new RegExp(`^<dialog[^]*Archive “Renamed by ${role}”\\?`));
    assert.equal((await visitor.post(`${STORES}/${id}/archive`)).status, 303);
    assert.ok((await storeRow(id)).archived_at);
    const told = await visitor.get(STORES);
    assert.match(told.text, new RegExp(`data-toast[^]*“Renamed by ${role}” is archived\\.`));

    assert.equal((await visitor.post(`${STORES}/${id}/restore`)).status, 303);
    assert.equal((await storeRow(id)).archived_at, null);

    const entries = await gateway.d1('SELECT action FROM audit_log WHERE subject = ?1 ORDER BY at, rowid', [id]);
    assert.deepEqual(
      entries.map((entry) => entry.action),
      ['store.created', 'store.renamed', 'store.archived', 'store.restored'],
    );
  });
}

test('a member sees the restricted card, no store, and can change none', async () => {
  const member = await loginAs(gateway, creds, 'member');
  const before = await storeCount();
  for (const path of [STORES, `${STORES}/${creds.store_id}/archive`]) {
    const page = await member.get(path);
    assert.equal(page.status, 403, path);
    assert.match(page.text, /Ask an owner or admin/);
    assert.doesNotMatch(page.text, /Main store|sto_/, 'no data behind it');
  }
  const id = creds.store_id;
  for (const [path, fields] of [
    [STORES, { name: 'Mine' }],
    [`${STORES}/${id}/rename`, { name: 'Mine' }],
    [`${STORES}/${id}/archive`, {}],
    [`${STORES}/${id}/restore`, {}],
  ]) {
    assert.equal((await member.post(path, fields)).status, 403, path);
  }
  assert.equal(await storeCount(), before);
  assert.deepEqual(await storeRow(id), { name: 'Main store', archived_at: null });
});

test("another workspace's store is not found, nor one that is none, and stays as it is", async () => {
  const foreign = await loginAs(gateway, creds, 'owner', globex.workspace_id);
  const list = await foreign.get(STORES);
  assert.equal(list.status, 200);
  assert.ok(list.text.includes(globex.store_id) && !list.text.includes(creds.store_id));
  for (const id of [creds.store_id, `sto_${'a'.repeat(16)}`, 'sto_x', '%00']) {
    assert.equal((await foreign.get(`${STORES}/${id}/archive`)).status, 404, id);
    for (const act of ['rename', 'archive', 'restore']) {
      assert.equal((await foreign.post(`${STORES}/${id}/${act}`, { name: 'Taken' })).status, 404, `${id} ${act}`);
    }
  }
  assert.deepEqual(await storeRow(creds.store_id), { name: 'Main store', archived_at: null });
});

test('a form without its token changes nothing', async () => {
  const before = await storeCount();
  for (const csrf of ['', 'x', (await loginAs(gateway, creds, 'owner')).csrf]) {
    assert.equal((await owner.post(STORES, { csrf, name: 'Forged' })).status, 403);
  }
  assert.equal(await storeCount(), before);
});

test('a wrong name comes back beside its field with what was typed', async () => {
  for (const [name, message] of [
    ['', 'Name is required.'],
    ['   ', 'Name is required.'],
    ['x'.repeat(101), /Name .*100/],
    ['a\nb', 'Name must be a name without line breaks.'],
  ]) {
    for (const path of [STORES, `${STORES}/${creds.store_id}/rename`]) {
      const page = await owner.post(path, { name });
      assert.equal(page.status, 422, `${path} ${JSON.stringify(name)}`);
      const error = /<p class="error" id="([^"]+)">.*?<span>([^<]+)<\/span>/.exec(page.text);
      assert.ok(error, page.text);
      assert.match(error[2], message instanceof RegExp ? message : new RegExp(`^${message}$`));
      assert.ok(page.text.includes(`aria-describedby="${error[1]}"`), 'the field is described by its error');
      assert.ok(page.text.includes(`value="${name}"`), 'what was typed stays');
    }
  }
});

test('a store is not archived while a live key points to it, and the page says how many', async () => {
  const store_id = await createStore(gateway, creds, 'In use');
  const path = `${STORES}/${store_id}/archive`;
  const keys = [await mint(gateway, { ...creds, store_id }), await mint(gateway, { ...creds, store_id })];
  await must(gateway, creds.api_key, 'core.rpc_pause_integration_key', { p_key_id: keys[1].key_id });
  const refusal = async (expected, link) => {
    for (const answer of [await owner.get(path), await owner.post(path)]) {
      assert.match(answer.text, expected);
      assert.ok(answer.text.includes(`href="/settings/connectors?store=${store_id}${link}"`), answer.text);
    }
    assert.equal((await owner.post(path)).status, 409);
    assert.equal((await storeRow(store_id)).archived_at, null);
  };
  await refusal(/2 live keys point to this store/, '');
  await must(gateway, creds.api_key, 'core.rpc_revoke_integration_key', { p_key_id: keys[0].key_id });
  await refusal(/1 live key points to this store/, '&amp;status=paused');
  await must(gateway, creds.api_key, 'core.rpc_revoke_integration_key', { p_key_id: keys[1].key_id });
  assert.equal((await owner.post(path)).status, 303);
  assert.ok((await storeRow(store_id)).archived_at);
});

test('no key is minted for an archived store, by procedure or console', async () => {
  const store_id = await createStore(gateway, creds, 'Closed');
  // The form was opened while the store was in use.
  const form = /name="form" value="([^"]+)"/.exec((await owner.get('/settings/connectors/new')).text)[1];
  assert.equal((await owner.post(`${STORES}/${store_id}/archive`)).status, 303);

  const args = {
    p_store_id: store_id, p_name: 'Late', p_source: 'custom', p_payload_format: 'peptideclients', p_scopes: ['orders:write'],
  };
  assertProblem(await rpc(gateway, creds.api_key, 'core.rpc_create_integration_key', args), 409, 'invalid_state');
  const fields = {
    form, store_id, name: 'Late', source: 'custom', payload_format: 'peptideclients', scopes: ['orders:write'],
    rate_limit_per_minute: '120', expires_in_days: '', require_signature: 'on',
  };
  const answer = await owner.post('/settings/connectors', fields);
  assert.equal(answer.status, 409, answer.text);
  assert.match(answer.text, /archived/);
  assert.deepEqual(await gateway.d1('SELECT key_id FROM integration_keys WHERE store_id = ?1', [store_id]), []);
  assert.ok(!(await owner.get('/settings/connectors/new', 'layer')).text.includes(`value="${store_id}"`), 'it cannot be chosen');
});

test('a store without keys leads to the form of a new one, with itself chosen', async () => {
  const store_id = await createStore(gateway, creds, 'Unconnected');
  const link = `/settings/connectors/new?store=${store_id}`;
  assert.ok((await owner.get(STORES)).text.includes(`href="${link}"`));
  assert.match((await owner.get(link, 'layer')).text, new RegExp(`<option value="${store_id}" selected>Unconnected<`));
});

test('a hostile name is text wherever it stands', async () => {
  assert.equal((await owner.post(STORES, { name: HOSTILE })).status, 303);
  const [{ id }] = await gateway.d1('SELECT id FROM stores WHERE name = ?1', [HOSTILE]);
  // The overview counts orders by store once there is one.
  assert.equal((await postOrder(gateway, await mint(gateway, creds))).status, 201);
  for (const path of [STORES, `${STORES}/${id}/archive`, '/orders', `/orders?store=${id}`, '/?part=attention']) {
    const page = await owner.get(path);
    assert.equal(page.status, 200, path);
    assert.ok(!page.text.includes('<script>alert'), path);
    assert.ok(page.text.includes(escaped(HOSTILE)), `${path} shows it`);
  }
  assert.equal((await owner.post(`${STORES}/${id}/archive`)).status, 303);
  const told = await owner.get(STORES);
  assert.ok(told.text.includes(`“${escaped(HOSTILE)}” is archived.`) && !told.text.includes('<script>alert'));
});

test('of an archiving and a minting at the same time exactly one succeeds', async () => {
  const outcomes = new Set();
  for (let round = 0; round < 12; round += 1) {
    const store_id = await createStore(gateway, creds, `Race ${round}`);
    const args = {
      p_store_id: store_id, p_name: 'Racer', p_source: 'custom', p_payload_format: 'peptideclients', p_scopes: ['orders:write'],
    };
    const acts = [
      () => owner.post(`${STORES}/${store_id}/archive`),
      () => rpc(gateway, creds.api_key, 'core.rpc_create_integration_key', args),
    ];
    // Whichever is sent first.
    const [archived, minted] =
      round % 2 ? await Promise.all(acts.map((act) => act())) : (await Promise.all(acts.reverse().map((act) => act()))).reverse();
    const keys = await gateway.d1('SELECT key_id FROM integration_keys WHERE store_id = ?1', [store_id]);
    const closed = (await storeRow(store_id)).archived_at !== null;
    assert.deepEqual([archived.status, minted.status], closed ? [303, 409] : [409, 201], archived.text);
    assert.equal(keys.length, closed ? 0 : 1);
    outcomes.add(closed);
  }
});

test('counting the keys of stores reads no row of a revoked key', async () => {
  const store_id = await createStore(gateway, creds, 'Old');
  await mint(gateway, { ...creds, store_id });
  const rows = async () => {
    const { d1 } = await gateway.cost(() => owner.get(STORES));
    return d1.rows_read;
  };
  const few = await rows();
  await gateway.d1(
    `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
     INSERT INTO integration_keys (key_id, gate, key_hash, preview, workspace_id, store_id, namespace, name, source,
       payload_format, scopes, rate_limit_per_minute, require_signature, capture_bodies, status, secrets, created_at,
       created_by, revoked_at)
     SELECT 'key_' || printf('%026d', i), printf('%024d', i), printf('%024d', i) || printf('%040d', 0), 'pck_int_0000',
       workspace_id, store_id, namespace, name, source, payload_format, scopes, rate_limit_per_minute, require_signature,
       capture_bodies, 'revoked', secrets, created_at, created_by, created_at
     FROM n, integration_keys WHERE store_id = ?1 AND status = 'active'`,
    [store_id],
  );
  assert.equal(await rows(), few);
});
