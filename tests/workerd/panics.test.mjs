/** A panic is its own request's alone, in the Worker and in each object. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, test } from 'node:test';
import {
  assertProblem,
  count,
  mint,
  must,
  order,
  postOrder,
  send,
  setup,
  startGateway,
  useGateway,
  statuses,
  times,
} from './support/gateway.mjs';
import { until } from './support/waiting.mjs';

const gateway = await useGateway({ own: true });
let creds;
let key;

before(async () => {
  creds = await setup(gateway);
  key = await mint(gateway, creds);
});

const faulty = (fault) => ({ headers: { 'x-tidegate-fault': fault } });

async function orderCount() {
  return (await gateway.sql('StoreLedger', creds.store_id, 'SELECT count(*) AS n FROM orders'))[0].n;
}

const PANICS = {
  panic_worker: 'the Worker',
  panic_key_gate: 'a KeyGate',
  panic_store_ledger: 'a StoreLedger',
};

for (const [fault, where] of Object.entries(PANICS)) {
  test(`a panic in ${where} is a 500 to its own request and touches none of the 20 in flight`, async () => {
    assert.equal((await postOrder(gateway, key)).status, 201);
    const before = await orderCount();
    await gateway.resetMeter();
    await gateway.fault({ class: 'StoreLedger', mode: 'hang', ms: 800, times: 20 });
    const neighbours = Array.from({ length: 20 }, () => postOrder(gateway, key));
    await until(async () => (await gateway.meter()).StoreLedger.fetches === 20);

    const sent = Array.from({ length: 3 }, () => order());
    const panicked = await Promise.all(sent.map((body) => postOrder(gateway, key, body, faulty(fault))));
    for (const answer of panicked) {
      assertProblem(answer, 500, 'internal_error');
      assert.doesNotMatch(answer.text, /panic|src\/|\.rs|purpose/i, 'nothing of the inside is told');
    }
    assert.deepEqual(statuses(await Promise.all(neighbours)), { 201: 20 });
    const { KeyGate, StoreLedger } = await gateway.meter();
    assert.deepEqual([KeyGate.wakes, StoreLedger.wakes], [0, 0], 'no object lost its memory');

    assert.equal(await orderCount(), before + 20, 'what panicked left nothing behind');
    const again = await Promise.all(sent.map((body) => postOrder(gateway, key, body)));
    assert.deepEqual(statuses(again), { 201: 3 });
  });

  test(`after a panic in ${where} a revoke waits for nobody`, async () => {
    const doomed = await mint(gateway, creds);
    assertProblem(await postOrder(gateway, doomed, order(), faulty(fault)), 500, 'internal_error');
    assert.equal((await postOrder(gateway, doomed)).status, 201);
    const args = { p_key_id: doomed.key_id };
    const receipt = await must(gateway, creds.api_key, 'core.rpc_revoke_integration_key', args);
    assert.equal(receipt.in_flight, 0);
  });
}

test('a panic in one key’s gate or one store’s ledger is nothing to others', async () => {
  const other = await mint(gateway, creds);
  const answers = await Promise.all([
    times(10, () => postOrder(gateway, key, order(), faulty('panic_key_gate'))),
    times(10, () => postOrder(gateway, key, order(), faulty('panic_store_ledger'))),
    times(10, () => postOrder(gateway, other)),
  ]);
  assert.deepEqual(answers.map(statuses), [{ 500: 10 }, { 500: 10 }, { 201: 10 }]);
});

test('a panic leaves a limit as it was', async () => {
  const limited = await mint(gateway, creds, { p_rate_limit_per_minute: 3 });
  const passed = [];
  for (let turn = 0; turn < 6; turn++) {
    await postOrder(gateway, limited, order(), faulty('panic_key_gate'));
    passed.push((await postOrder(gateway, limited)).status);
  }
  assert.deepEqual(passed, [201, 201, 201, 429, 429, 429]);
});

test('the Worker’s panic is contained on every path', async () => {
  const headers = { authorization: `Bearer ${creds.api_key}`, 'x-tidegate-fault': 'panic_worker' };
  for (const [method, path] of [
    ['GET', '/healthz'],
    ['GET', '/v1/orders'],
    ['POST', '/rpc/core.rpc_list_stores'],
    ['GET', '/integrations/v1/whoami'],
    ['POST', '/integrations/v1/webhook/woocommerce'],
  ]) {
    const panicked = await send(gateway, { method, path, headers });
    assertProblem(panicked, 500, 'internal_error');
  }
  assert.equal((await send(gateway, { method: 'GET', path: '/healthz' })).status, 200);
});

test('a trap ends the instance of the wasm module, and the next one has all that was acknowledged', async () => {
  const own = await mint(gateway, creds);
  const acknowledged = order();
  assert.equal((await postOrder(gateway, own, acknowledged)).status, 201);
  for (let turn = 0; turn < 3; turn++) {
    const before = await orderCount();
    await postOrder(gateway, own, order(), faulty('trap_worker')).catch((error) => error);
    // The ledger hears of it first here, before the Worker has made a new instance.
    const { reply } = await gateway.command('StoreLedger', creds.store_id, { summary: { store_id: creds.store_id, since: 0 } });
    assert.equal(reply.message?.done?.status, 200, JSON.stringify(reply));
    // What was being sent may fail with it; nothing after that does.
    const sent = order();
    await until(async () => [200, 201].includes((await postOrder(gateway, own, sent)).status));
    assert.deepEqual(statuses(await times(10, () => postOrder(gateway, own))), { 201: 10 });
    assert.equal((await postOrder(gateway, own, acknowledged)).status, 200, 'it is known');
    assert.equal(await orderCount(), before + 11);
  }
});

test('only FAULT_INJECTION=on lets a request ask for a fault, and no deployment has it', async () => {
  const toml = readFileSync(new URL('../../wrangler.toml', import.meta.url), 'utf8');
  assert.ok(!toml.includes('FAULT_INJECTION'));
  for (const value of ['', 'off', 'true', '1', 'ON']) {
    const production = await startGateway({ vars: { FAULT_INJECTION: value } });
    try {
      const owner = await setup(production);
      const live = await mint(production, owner);
      for (const fault of [...Object.keys(PANICS), 'ledger_error', 'ledger_hang'])
        assert.equal((await postOrder(production, live, order(), faulty(fault))).status, 201, `${value}: ${fault}`);
    } finally {
      await production.stop();
    }
  }
});
