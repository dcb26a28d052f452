/**
 * Builds and runs the floor, the minimal Worker that Tidegate is measured against: see
 * floor/src/lib.rs.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Log, LogLevel, Miniflare } from 'miniflare';
import { WORKER, builtModules } from '../miniflare.config.js';
import { compileWorker, NIGHTLY } from '../scripts/toolchain.mjs';
import { SMALL } from '../scripts/build.mjs';
import { step } from '../scripts/processes.mjs';
import { childListeningOn, cpuMillis } from '../tests/workerd/support/runtime-process.mjs';

const CRATE = fileURLToPath(new URL('floor', import.meta.url));
const BUILD = path.join(CRATE, 'build');
const STAMP = path.join(BUILD, '.inputs');

/** Builds the floor unless build/ was made from the very same sources and compiler. */
export async function buildFloor() {
  const inputs = digest();
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === inputs) return;
  await step('Building the floor', () =>
    compileWorker({ cwd: CRATE, crate: 'floor', profile: 'release', entry: path.join(CRATE, 'entry.mjs'), out: BUILD, rustFlags: SMALL }),
  );
  writeFileSync(STAMP, inputs);
}

function digest() {
  const sources = readdirSync(path.join(CRATE, 'src')).map((name) => path.join('src', name));
  const hash = createHash('sha256').update(NIGHTLY).update(SMALL.join());
  hash.update(readFileSync(new URL('../scripts/toolchain.mjs', import.meta.url)));
  for (const name of ['Cargo.toml', 'Cargo.lock', 'entry.mjs', ...sources.sort()]) {
    hash.update(`\0${name}\0`).update(readFileSync(path.join(CRATE, name)));
  }
  return hash.digest('hex');
}

/**
 * Runs the floor under the same runtime and settings as Tidegate.
 *
 * @param {string} state - directory of its storage
 * @returns {Promise<{url: string, cpuMillis: () => number, stop: () => Promise<void>}>}
 */
export async function startFloor(state) {
  const miniflare = new Miniflare({
    name: 'floor',
    compatibilityDate: WORKER.compatibilityDate,
    compatibilityFlags: WORKER.compatibilityFlags,
    modulesRoot: '/',
    modules: builtModules(BUILD),
    durableObjects: { FLOOR: { className: 'Floor', useSQLite: true } },
    host: '127.0.0.1',
    port: 0,
    defaultPersistRoot: path.join(state, 'v3'),
    cf: false,
    log: new Log(LogLevel.WARN),
  });
  const { origin, port } = await miniflare.ready;
  const pid = childListeningOn(Number(port));
  return { url: origin, cpuMillis: () => cpuMillis(pid), stop: () => miniflare.dispose() };
}

/** Requests with the given bodies, spread over as many objects as Tidegate has stores. */
export function floorRequests(bodies, stores) {
  return bodies.map((body, index) => ({
    method: 'POST',
    path: '/',
    headers: { 'content-type': 'application/json', 'x-store': `store-${index % stores}` },
    body,
  }));
}
