/**
 * KeyGates that older code has made and filled: the code of today wakes them, finds everything there,
 * and goes on.
 */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { gateOf } from './support/credentials.mjs';
import { createStore, must, setup, useGateway } from './support/gateway.mjs';
import { changed, deliver, discard, log, mintShop, orders, parked, retry } from './support/shop.mjs';
import { until } from './support/waiting.mjs';

const gateway = await useGateway({ own: true });
let creds;
before(async () => {
  creds = await setup(gateway);
});

/** The statements that made the tables of each version, as they were deployed. */
const MADE = [
  `CREATE TABLE IF NOT EXISTS record (id INTEGER PRIMARY KEY CHECK (id = 1), schema INTEGER NOT NULL, json TEXT NOT NULL);
   CREATE TABLE IF NOT EXISTS stats_hour (start INTEGER PRIMARY KEY, tallies TEXT NOT NULL);
   CREATE TABLE IF NOT EXISTS stats_day (start INTEGER PRIMARY KEY, tallies TEXT NOT NULL, log_bytes INTEGER NOT NULL, capture_bytes INTEGER NOT NULL);
   CREATE TABLE IF NOT EXISTS parked (id INTEGER PRIMARY KEY, reason TEXT NOT NULL, detail TEXT, topic TEXT, parent TEXT, attempts INTEGER NOT NULL, next_at INTEGER, retrying INTEGER NOT NULL, ingest TEXT NOT NULL, body BLOB NOT NULL);`,
  `ALTER TABLE parked ADD COLUMN token TEXT;
   CREATE UNIQUE INDEX parked_by_token ON parked (token) WHERE token IS NOT NULL;
   CREATE INDEX parked_until ON parked (next_at) WHERE next_at IS NOT NULL;
   CREATE INDEX parked_by_reason ON parked (reason, parent);
   CREATE INDEX parked_in_hand ON parked (retrying) WHERE retrying = 1;
   CREATE TABLE parked_bytes (id INTEGER PRIMARY KEY CHECK (id = 1), bytes INTEGER NOT NULL);
   INSERT INTO parked_bytes SELECT 1, coalesce(sum(length(body)), 0) FROM parked;
   CREATE TRIGGER parked_is_counted AFTER INSERT ON parked BEGIN UPDATE parked_bytes SET bytes = bytes + length(NEW.body); END;
   CREATE TRIGGER parked_is_discounted AFTER DELETE ON parked BEGIN UPDATE parked_bytes SET bytes = bytes - length(OLD.body); END;`,
];
/** The columns of version 1 by table. */
const COLUMNS = {
  record: 'id, schema, json',
  stats_hour: 'start, tallies',
  stats_day: 'start, tallies, log_bytes, capture_bytes',
  parked: 'id, reason, detail, topic, parent, attempts, next_at, retrying, ingest, body',
};

const inGate = (key, sql, params) => gateway.sql('KeyGate', gateOf(key.key_id), sql, params);

/** Makes the tables of a key anew, as `version` made them, over the same rows. */
async function takenBackTo(version, key) {
  const tables = Object.keys(COLUMNS);
  await inGate(key, `${tables.map((name) => `ALTER TABLE ${name} RENAME TO ${name}_now;`).join('')} DROP TABLE object; DROP TABLE parked_bytes;`);
  await inGate(key, MADE[0]);
  await inGate(key, tables.map((name) => `INSERT INTO ${name} (${COLUMNS[name]}) SELECT ${COLUMNS[name]} FROM ${name}_now; DROP TABLE ${name}_now;`).join(''));
  for (const made of MADE.slice(1, version)) await inGate(key, made);
  await inGate(key, `UPDATE record SET schema = ${version}`);
}

/** A shop with a taken order, an event that waits for its parent, one for the store, and written stats. */
async function filled() {
  const key = await mintShop(gateway, { ...creds, store_id: await createStore(gateway, creds, 'Shop') });
  const hour = Math.floor(gateway.now() / 3_600_000) * 3_600_000 - 7_200_000;
  await deliver(gateway, key, 'order.created', changed('order.created', { id: 1 }));
  await deliver(gateway, key, 'order.deleted', JSON.stringify({ id: 2 }));
  await gateway.fault({ class: 'StoreLedger', mode: 'throw' });
  await deliver(gateway, key, 'order.created', changed('order.created', { id: 3 }));
  await gateway.fault();
  const tally = JSON.stringify({ 5: { requests: 7, errors: 2 } });
  await inGate(key, 'INSERT INTO stats_hour (start, tallies) VALUES (CAST(?1 AS INTEGER), ?2)', [hour, tally]);
  return key;
}

const stats = async (key) => (await must(gateway, creds.api_key, 'core.rpc_get_integration_key_stats', { p_key_id: key.key_id })).h24;
const answered = async (expected, answer) => assert.equal((await answer).body.outcome, expected);
const externalIds = async (key) => (await orders(gateway, creds, key.store_id)).map((order) => order.external_id);
const detail = async (key, request) =>
  (await gateway.command('KeyGate', gateOf(key.key_id), { get_request: { row: request.row } })).reply.Ok.request.detail;
const rows = async (key) => {
  const [{ name }] = await inGate(key, "SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB 'log_[0-9]*'");
  return inGate(key, `SELECT id AS row FROM ${name} ORDER BY id`);
};

for (const version of MADE.map((_, index) => index + 1)) {
  describe(`a KeyGate of version ${version}`, () => {
    test('is found whole, with its log, captures, stats and parked events', async () => {
      const key = await filled();
      const seen = async () => ({
        log: await log(gateway, creds, key),
        details: await Promise.all((await rows(key)).map((row) => detail(key, row))),
        parked: (await parked(gateway, creds, key)).map(({ event_id, reason, topic, bytes }) => [event_id, reason, topic, bytes]),
        requests: (await stats(key)).requests,
      });
      // No retry comes between.
      await inGate(key, "UPDATE parked SET next_at = next_at + 3600000 WHERE next_at IS NOT NULL");
      const before = await seen();
      assert.deepEqual([before.log.length, before.parked.length, before.requests], [3, 2, 10]);
      await takenBackTo(version, key);
      await gateway.evict();
      assert.deepEqual(await seen(), before);
      const [{ name, version: now }] = await inGate(key, 'SELECT name, version FROM object');
      assert.deepEqual([name, now >= version], [gateOf(key.key_id), true]);
    });

    test('goes on: it takes orders, counts what is parked, and lets go what waits', async () => {
      const key = await filled();
      await takenBackTo(version, key);
      await gateway.evict();
      await answered('accepted', deliver(gateway, key, 'order.created', changed('order.created', { id: 2 })));
      await gateway.later(() => parked(gateway, creds, key), (events) => events.length === 0);
      assert.deepEqual(await externalIds(key), ['1', '2', '3']);
      assert.deepEqual(await inGate(key, 'SELECT bytes FROM parked_bytes'), [{ bytes: 0 }]);
    });

    test('woken by its alarm after a restart, which does not tell it its name, it is migrated and retries', async () => {
      const key = await filled();
      await takenBackTo(version, key);
      await gateway.kill();
      await gateway.start();
      // Nothing calls the object: its own alarm must wake it, in real time, because the harness forgets
      // the alarms of a runtime that was killed.
      await until(() => externalIds(key), (ids) => ids.length === 2);
      assert.deepEqual(await externalIds(key), ['1', '3']);
      assert.equal((await inGate(key, 'SELECT name FROM object'))[0].name, gateOf(key.key_id));
    });
  });
}

/** Takes the tables of today back to how they were made before a log entry had these columns. */
async function beforeColumns(key) {
  const [{ name }] = await inGate(key, "SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB 'log_[0-9]*'");
  const day = Number(name.slice('log_'.length));
  const OLD = 'id, attempt, units, count, method, path, status, latency_ms, outcome, topic, idempotency_key, external_id, internal_id, error_code, detail';
  await inGate(
    key,
    `DROP VIEW entries_${day};
     ALTER TABLE ${name} RENAME TO newer;
     CREATE TABLE ${name} (id INTEGER PRIMARY KEY,
       attempt INTEGER NOT NULL, units INTEGER NOT NULL, count INTEGER NOT NULL,
       method TEXT NOT NULL, path TEXT NOT NULL, status INTEGER NOT NULL,
       latency_ms INTEGER NOT NULL, outcome TEXT NOT NULL, topic TEXT,
       idempotency_key TEXT, external_id TEXT, internal_id TEXT, error_code TEXT,
       detail TEXT);
     INSERT INTO ${name} (${OLD}) SELECT ${OLD} FROM newer;
     DROP TABLE newer;
     CREATE VIEW entries_${day} AS SELECT ${name}.*, headers, body, answer FROM ${name} JOIN capture_${day} USING (id);`,
  );
  return name;
}

test('entries from before their columns are read like those of today, and their day goes on with the columns', async () => {
  const key = await filled();
  const event = (await parked(gateway, creds, key)).find(({ topic }) => topic === 'order.deleted');
  await retry(gateway, creds, key, event);
  const seen = async () =>
    Promise.all((await rows(key)).map(async (row) => (await detail(key, row)).request)).then((all) => all.map(({ detail: text, about }) => ({ text, about })));
  const before = await seen();
  const retried = before.find(({ about }) => about?.retry_of);
  assert.equal(retried.text, `Retry of ${retried.about.retry_of}. parent_unknown: order 2 has not arrived yet`);
  assert.deepEqual([retried.about.retry_of, retried.about.park_reason], [event.event_id, 'parent_unknown']);
  const name = await beforeColumns(key);
  for (const [n, { text }] of before.entries()) {
    await inGate(key, `UPDATE ${name} SET detail = ?1 WHERE id = (SELECT id FROM ${name} ORDER BY id LIMIT 1 OFFSET ${n})`, [text]);
  }
  await gateway.evict();
  assert.deepEqual(await seen(), before);
  // The day goes on with the columns, and its earlier entries stay as they are.
  await answered('accepted', deliver(gateway, key, 'order.created', changed('order.created', { id: 9 })));
  assert.deepEqual((await seen()).slice(0, before.length), before);
});

test('a reply has a version for whoever says that it reads one, and none for older code', async () => {
  const key = await mintShop(gateway, creds);
  const ask = async (reads) => (await gateway.command('KeyGate', gateOf(key.key_id), 'stats', reads)).reply;
  const [older, newer] = [await ask(), await ask(2)];
  assert.deepEqual(newer, { v: 2, message: older });
  assert.equal(older.Ok.stats.h24.requests, 0);
});

test('the Worker understands an object that still runs code from before replies had a version', async () => {
  const key = await filled();
  const [before, events] = [await log(gateway, creds, key), await parked(gateway, creds, key)];
  await gateway.fault({ class: 'KeyGate', mode: 'older' });
  assert.deepEqual(await log(gateway, creds, key), before);
  assert.deepEqual((await parked(gateway, creds, key)).length, events.length);
  await answered('accepted', deliver(gateway, key, 'order.created', changed('order.created', { id: 8 })));
  const taken = before.find(({ outcome }) => outcome === 'accepted');
  assert.equal((await discard(gateway, creds, key, { event_id: taken.id })).status, 404);
  await gateway.fault();
});

test('a key id that nobody has makes no tables', async () => {
  const key = await mintShop(gateway, creds);
  const stranger = 'ab'.repeat(gateOf(key.key_id).length / 2);
  const { reply } = await gateway.command('KeyGate', stranger, 'stats');
  assert.equal(reply.Err.code, 'invalid_api_key');
  assert.deepEqual(await gateway.sql('KeyGate', stranger, "SELECT name FROM sqlite_master WHERE name NOT GLOB '_cf_*'"), []);
});

test('a retry that fails on our side leaves the event to be retried again', async () => {
  const key = await filled();
  const event = (await parked(gateway, creds, key)).find(({ topic }) => topic === 'order.deleted');
  await inGate(
    key,
    `CREATE TRIGGER broken BEFORE UPDATE ON parked WHEN NEW.attempts > OLD.attempts
     BEGIN SELECT RAISE(ABORT, 'broken on purpose'); END`,
  );
  assert.equal((await retry(gateway, creds, key, event)).status, 500);
  assert.deepEqual(await inGate(key, 'SELECT count(*) AS n FROM parked WHERE retrying = 1'), [{ n: 0 }]);
  await inGate(key, 'DROP TRIGGER broken');
  const { status, body } = await retry(gateway, creds, key, event);
  assert.deepEqual([status, body.reason], [200, 'parent_unknown']);
});
