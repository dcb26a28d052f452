/**
 * A StoreLedger over the rows of an older version: when it wakes, everything is still there, repeated
 * commands get what they got, and further writes work. The rows were recorded from the code of that
 * time (support/ledger-versions/record.mjs).
 */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { insert, insertIntegrationKey } from './support/credentials.mjs';
import { ALL_SCOPES, order, post, postOrder, send, setup, signedRequest, startGateway } from './support/gateway.mjs';

const DIRECTORY = new URL('support/ledger-versions/', import.meta.url);
const WEEK = 7 * 86_400_000;

let gateway;
let creds;
before(async () => {
  gateway = await startGateway();
  creds = await setup(gateway);
});
after(() => gateway?.stop());

for (const file of readdirSync(DIRECTORY).filter((name) => name.endsWith('.json'))) {
  describe(file, () => {
    const recorded = JSON.parse(readFileSync(new URL(file, DIRECTORY), 'utf8'));
    const { store_id, namespace, native, requests } = recorded;
    const sql = (statement, params) => gateway.sql('StoreLedger', store_id, statement, params);
    const changes = (table) => sql(`SELECT change, id FROM ${table} ORDER BY updated_at, id`);
    const integers = (numbers) => numbers.every(Number.isSafeInteger);
    const read = async (id) => (await send(gateway, { method: 'GET', path: `/v1/orders/${id}`, headers: { authorization: `Bearer ${creds.api_key}` } })).body;
    const repeat = ({ idempotencyKey, method, path, body }, key = idempotencyKey) =>
      send(gateway, signedRequest(storefront, path, body, { method, idempotencyKey: key }));
    const created = (resource) => requests.filter(({ path, status }) => path.endsWith(resource) && status === 201).map(({ text }) => JSON.parse(text));
    let storefront;

    before(async () => {
      await insert(gateway, 'stores', { id: store_id, workspace_id: creds.workspace_id, name: file, created_at: Date.now() });
      storefront = await insertIntegrationKey(gateway, { ...creds, store_id }, { namespace, scopes: ALL_SCOPES.join(' ') });
      // The answers to repeat are of this week, whenever the test runs.
      const week = Math.floor(Date.now() / WEEK);
      const today = (text) => text.replaceAll(/idempotency_\d+/g, `idempotency_${week}`);
      for (const statement of recorded.schema) await sql(today(statement));
      for (const [table, rows] of Object.entries(recorded.rows)) {
        for (const row of rows) {
          const values = Object.values(table.startsWith('idempotency_') ? { ...row, at: Date.now() - 60_000 } : row);
          const known = table === 'schema' || table === 'object' ? 'OR REPLACE ' : '';
          await sql(`INSERT ${known}INTO ${today(table)} (${Object.keys(row)}) VALUES (${values.map(() => '?')})`, values);
        }
      }
    });

    test('every order is read as it was, and its history too', async () => {
      for (const { id, external_id, total, lines, metadata, key_id } of created('/orders')) {
        const now = await read(id);
        assert.deepEqual({ ...now, status: 0 }, { ...now, id, external_id, total, lines, metadata, key_id, status: 0 });
        assert.deepEqual(now.created_by, { kind: 'integration_key', id: recorded.key_id });
        const { body } = await gateway.command('StoreLedger', store_id, { describe_order: { store_id, row: (await sql("SELECT id FROM orders WHERE created_at = ?1", [Date.parse(now.created_at)]))[0].id } });
        const { history } = JSON.parse(body);
        assert.equal(history[0].event, 'created');
      }
      const paid = await read(created('/orders')[0].id);
      assert.deepEqual([paid.paid_total, paid.refunded_total, paid.payments.length, paid.refunds.length], ['20.00', '5.50', 1, 1]);
    });

    test('the object has its name and every row a change number of its own, in the order of the changes', async () => {
      assert.equal((await sql('SELECT name FROM object'))[0].name, store_id);
      for (const table of ['orders', 'clients']) {
        const numbers = (await changes(table)).map(({ change }) => change);
        assert.ok(numbers.length > 2 && integers(numbers));
        assert.deepEqual(numbers, [...new Set(numbers)].sort((a, b) => a - b), table);
      }
    });

    test('every request that had an Idempotency-Key gets its first answer again', async () => {
      for (const request of requests.filter(({ idempotencyKey }) => idempotencyKey)) {
        const answer = await repeat(request);
        assert.equal(answer.status, request.status, answer.text);
        assert.equal(answer.headers.get('idempotency-replayed'), 'true');
        const { created_by: _, ...body } = answer.body;
        assert.deepEqual(body, JSON.parse(request.text));
      }
    });

    test('the same command by its external id is no conflict, and another one is', async () => {
      for (const request of requests.filter(({ body, status }) => status === 201 && JSON.parse(body).external_id && !body.includes('max@'))) {
        const answer = await repeat(request, null);
        assert.deepEqual([answer.status, answer.body.id], [200, JSON.parse(request.text).id], request.body);
        const body = JSON.parse(request.body);
        const other = JSON.stringify(body.total ? { ...body, note: 'Other' } : { ...body, amount: '1.23' });
        const conflict = await repeat({ ...request, body: other }, null);
        assert.deepEqual([conflict.status, conflict.body.code], [409, 'external_id_conflict'], other);
      }
    });

    test('orders, payments, cancellations, clients and native events are written as before', async () => {
      const fresh = await postOrder(gateway, storefront, order({ client: { external_id: 'c-1' } }), { sign: null, idempotencyKey: 'fresh' });
      assert.equal(fresh.status, 201, fresh.text);
      assert.equal(fresh.body.client.id, created('/orders')[0].client.id);
      const third = created('/orders')[2].id;
      const unsigned = { sign: null };
      assert.equal((await post(gateway, storefront, `orders/${third}/payments`, { external_id: 'p-2', amount: '1.00' }, unsigned)).status, 201);
      assert.equal((await post(gateway, storefront, `orders/${third}/cancel`, { reason: 'Late' }, unsigned)).status, 200);
      assert.equal((await post(gateway, storefront, 'clients', { external_id: 'c-2', name: 'Max' }, { ...unsigned, method: 'PUT' })).status, 200);
      const version = { sequence: 0, modified_at: Date.now(), refunds: 0, progress: 3, body_hash: 'b' };
      const payment = { order: native.order, payment: { external_id: native.payment, amount: 1_000 }, status: 'completed', currency: 'USD', refunded: 500, version };
      const origin = { store_id, namespace: native.namespace, key_id: native.key_id, request_id: `req_${'a'.repeat(31)}`, source: 'stripe_checkout' };
      const { reply } = await gateway.command('StoreLedger', store_id, { apply: { origin, topic: 'charge.refunded', delivery: null, event: { payment: { snapshot: payment } } } });
      assert.equal(reply.message.done.outcome, 'accepted', JSON.stringify(reply));
      for (const table of ['orders', 'clients']) {
        const rows = await changes(table);
        assert.deepEqual(rows.map(({ change }) => change), rows.map(({ change }) => change).sort((a, b) => a - b), table);
      }
    });
  });
}

test('a creation is answered again as it was, also once the content of the order has changed', async () => {
  const key = await insertIntegrationKey(gateway, creds, { scopes: ALL_SCOPES.join(' ') });
  const body = order({ external_id: 'changes', note: 'As created', client: { external_id: 'c-1' } });
  const first = await postOrder(gateway, key, body, { sign: null, idempotencyKey: 'creation' });
  assert.equal(first.status, 201, first.text);
  const inLedger = (sql) => gateway.sql('StoreLedger', creds.store_id, sql);
  const [row] = await inLedger("SELECT content, created, namespace FROM orders JOIN identities ON identities.id = orders.id WHERE value = 'changes'");
  assert.equal(row.created, null);
  const version = { sequence: 0, modified_at: Date.now(), refunds: 0, progress: 0, body_hash: 'b' };
  const origin = { store_id: creds.store_id, namespace: row.namespace, key_id: key.key_id, request_id: `req_${'a'.repeat(31)}`, source: 'custom' };
  for (const [at, note] of [[1, 'Changed'], [2, 'Changed again']]) {
    const snapshot = { content: { ...JSON.parse(row.content), note, client: { external_id: 'c-9' } }, payments: [], refunds: [], version: { ...version, sequence: at } };
    const { reply } = await gateway.command('StoreLedger', creds.store_id, { apply: { origin, topic: 'order.updated', delivery: null, event: { order: { snapshot } } } });
    assert.equal(reply.message.done.outcome, 'accepted', JSON.stringify(reply));
  }
  const replayed = await postOrder(gateway, key, body, { sign: null, idempotencyKey: 'creation' });
  assert.deepEqual([replayed.status, replayed.text], [201, first.text]);
  const again = await postOrder(gateway, key, body, { sign: null });
  assert.deepEqual([again.status, again.body.note], [200, 'Changed again'], 'the order as it is now');
  const [{ history }] = await inLedger("SELECT history FROM orders WHERE created IS NOT NULL");
  const entries = JSON.parse(history);
  assert.deepEqual(entries.map(({ author }) => author), Array(3).fill(key.key_id));
  assert.deepEqual(entries.map(({ changes = [] }) => changes), [[], ['client', 'note'], ['note']]);
});

test('lists by change number use their indexes', async () => {
  const plan = async (sql) => (await gateway.sql('StoreLedger', creds.store_id, `EXPLAIN QUERY PLAN ${sql}`)).map(({ detail }) => detail).join();
  assert.match(await plan('SELECT id FROM orders WHERE change > 5 ORDER BY change'), /orders_by_change/);
  assert.match(await plan('SELECT id FROM clients WHERE change > 5 AND change <> id ORDER BY change'), /clients_by_change/);
});
