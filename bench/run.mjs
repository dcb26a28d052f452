/**
 * `npm run bench [-- --json FILE] [--rounds N] [--seconds S]`
 *
 * Measures what Tidegate costs above its floor. Each runs under a runtime of its own on this machine,
 * with its state on tmpfs. They take turns, so that a change of the machine's speed affects both.
 * Only the ratios can be compared between machines. Billable units are counted in a separate pass,
 * because metering costs time.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { builtModules } from '../miniflare.config.js';
import { buildWorker } from '../scripts/build.mjs';
import { preflight } from '../scripts/toolchain.mjs';
import { setup, startGateway } from '../tests/workerd/support/gateway.mjs';
import { buildFloor, floorRequests, startFloor } from './floor.mjs';
import { CONNECTIONS, median, medians, timed, units } from './measure.mjs';
import { forgedOrders, mintKeys, orderBodies, signedOrders } from './orders.mjs';
import { report, rounded } from './report.mjs';

/** The most requests a second that one key gets: with the pauses, half its limit of 6,000 a minute. */
const RPS_PER_KEY = 100;
const WARM_UP_SECONDS = 3;
const COUNTED_REQUESTS = 200;

const { values: options } = parseArgs({
  options: {
    json: { type: 'string' },
    rounds: { type: 'string', default: '7' },
    seconds: { type: 'string', default: '4' },
  },
});
const rounds = Number(options.rounds);
const seconds = Number(options.seconds);
if (!(Number.isInteger(rounds) && rounds > 0 && seconds > 0)) throw new TypeError('--rounds and --seconds are positive numbers');

const state = mkdtempSync(path.join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'tidegate-bench-'));
const running = [];
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => end().then(() => process.exit(130)));

try {
  await build();
  const result = rounded({ ...(await race()), wasm_gzip_bytes: wasmGzipBytes() });
  report(result);
  if (options.json) writeFileSync(options.json, `${JSON.stringify(result, null, 2)}\n`);
} finally {
  await end();
}

async function build() {
  await preflight();
  if (!process.env.TIDEGATE_BUILD) await buildWorker();
  await buildFloor();
}

async function race() {
  const floor = await started(startFloor(path.join(state, 'floor')));
  const tidegate = await started(startGateway({ state: path.join(state, 'tidegate'), metered: false, vars: { FAULT_INJECTION: 'off' } }));

  // Tidegate is no faster than the floor, so the floor's speed tells how many keys and requests the
  // rounds need.
  const { rps } = await timed(floor, floorRequests(orderBodies(100_000), CONNECTIONS), 201, WARM_UP_SECONDS);
  const count = Math.ceil(rps / RPS_PER_KEY);
  const creds = await setup(tidegate);
  const keys = await mintKeys(tidegate, creds, count, false);
  const capturingKeys = await mintKeys(tidegate, creds, count, true);
  const bodiesFor = (span) => orderBodies(Math.ceil(rps * 1.5 * span));

  const contestants = {
    floor: (span) => [floor, floorRequests(bodiesFor(span), keys.length), 201],
    order: (span) => [tidegate, signedOrders(bodiesFor(span), keys), 201],
    order_with_body: (span) => [tidegate, signedOrders(bodiesFor(span), capturingKeys), 201],
    forged: (span) => [tidegate, forgedOrders(bodiesFor(span * 2)), 401],
  };
  for (const prepare of Object.values(contestants)) await timed(...prepare(WARM_UP_SECONDS), WARM_UP_SECONDS);

  const records = Object.fromEntries(Object.keys(contestants).map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    const turns = Object.entries(contestants);
    if (round % 2) turns.reverse();
    for (const [name, prepare] of turns) {
      const prepared = prepare(seconds);
      records[name].push(await timed(...prepared, seconds));
    }
    const speeds = Object.entries(records).map(([name, measured]) => `${name} ${latestSpeed(measured)}`);
    console.error(`  round ${round + 1} of ${rounds}: ${speeds.join(', ')}`);
  }

  const ratioToFloor = (name, member) => median(records[name].map((order, round) => order[member] / records.floor[round][member]));
  const counted = await countUnits();
  const summary = (name) => ({ ...medians(records[name]), ...counted[name] });
  return {
    ratio_to_floor: ratioToFloor('order', 'rps'),
    cpu_ratio_to_floor: ratioToFloor('order', 'cpu_us'),
    order: summary('order'),
    order_with_body: {
      ratio_to_floor: ratioToFloor('order_with_body', 'rps'),
      cpu_ratio_to_floor: ratioToFloor('order_with_body', 'cpu_us'),
      ...summary('order_with_body'),
    },
    forged: summary('forged'),
    floor: medians(records.floor),
  };
}

function latestSpeed(records) {
  return `${Math.round(records.at(-1).rps)}/s`;
}

/** Counts the billable units of a warm order and of a forged one, on a metered gateway of its own. */
async function countUnits() {
  const gateway = await started(startGateway({ state: path.join(state, 'metered'), vars: { FAULT_INJECTION: 'off' } }));
  const creds = await setup(gateway);
  const keys = await mintKeys(gateway, creds, 1, false);
  const capturingKeys = await mintKeys(gateway, creds, 1, true);
  const pass = async (requests, expected) => {
    await units(gateway, requests.slice(0, CONNECTIONS), expected);
    return units(gateway, requests.slice(CONNECTIONS), expected);
  };
  const bodies = orderBodies(CONNECTIONS + COUNTED_REQUESTS);
  return {
    order: await pass(signedOrders(bodies, keys), 201),
    order_with_body: await pass(signedOrders(bodies, capturingKeys), 201),
    forged: await pass(forgedOrders(bodies), 401),
  };
}

function wasmGzipBytes() {
  const wasm = builtModules(process.env.TIDEGATE_BUILD).find((module) => module.type === 'CompiledWasm');
  return gzipSync(readFileSync(wasm.path), { level: 9 }).length;
}

async function started(starting) {
  const server = await starting;
  running.push(server);
  return server;
}

async function end() {
  await Promise.all(running.splice(0).map((server) => server.stop()));
  rmSync(state, { recursive: true, force: true });
}
