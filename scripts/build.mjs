/**
 * Builds the Worker into build/ and the documentation into build/assets/. Fails if the Worker exceeds its
 * budget. Does nothing if no input has changed. Used by `npm run build` and by wrangler's custom build.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Failure, isMain, runScript, step } from './processes.mjs';
import { BUILD_DIR, MAX_WORKER_GZIP_BYTES, ROOT, WASM_TARGET } from './project.mjs';
import { compileWorker, NIGHTLY, preflight } from './toolchain.mjs';

const INPUTS = ['src', 'crates', 'Cargo.toml', 'Cargo.lock', 'rust-toolchain.toml', 'package-lock.json', 'scripts/build.mjs', 'scripts/toolchain.mjs', 'scripts/wasm-bindgen'];

/**
 * Flags that make the Worker smaller: they leave out where in the source a panic comes from (its message
 * stays), and the fields of types that derive `Debug` (their names stay). Only the nightly knows them.
 */
export const SMALL = ['-Zlocation-detail=none', '-Zfmt-debug=shallow'];

const MODULES = ['entry.mjs', 'index_bg.wasm'];

const ENTRY = join(ROOT, 'src/entry.mjs');

/** The inputs of the last good build: `{ digest, included, profile }`. */
const STAMP = join(BUILD_DIR, '.inputs.json');

/** The profile that is deployed, tested and measured. */
export const DEPLOYED = 'release';

/** The profile without link-time optimisation, for `npm start`: an edited page appears in seconds. */
export const LOCAL = 'local';

const HINTS = {
  [DEPLOYED]: 'about three minutes when it starts from nothing',
  [LOCAL]: 'about two minutes when it starts from nothing',
};

/**
 * Builds what is not up to date. Returns whether it built anything. `preflight()` must have run.
 *
 * @param {string} [profile] - of Cargo.toml. An up-to-date build of the deployed profile also satisfies 'local'
 */
export async function buildWorker(profile = process.env.TIDEGATE_PROFILE ?? DEPLOYED) {
  const worker = await buildWasm(profile);
  // It needs npm's packages, which a fresh clone has only after `preflight()`.
  const { buildDocs } = await import('./docs.mjs');
  const docs = await buildDocs();
  return worker || docs;
}

async function buildWasm(profile) {
  const stamp = readStamp();
  const isBuilt = stamp && MODULES.every((name) => existsSync(join(BUILD_DIR, name)));
  if (isBuilt && [profile, DEPLOYED].includes(stamp.profile) && stamp.digest === digest(stamp.included)) return false;
  // Computed before the build, so that a file that is edited during it does not count as built.
  const before = digest(stamp?.included ?? []);
  const worker = { cwd: ROOT, crate: 'tidegate', profile, entry: ENTRY, out: BUILD_DIR, rustFlags: SMALL };
  await step('Building the Worker', () => compileWorker(worker), { hint: HINTS[profile] });
  if (profile === DEPLOYED) checkSize();
  const included = includedFiles(profile);
  const unchanged = before === digest(stamp?.included ?? []);
  if (unchanged) writeFileSync(STAMP, JSON.stringify({ digest: digest(included), included, profile }));
  return true;
}

function readStamp() {
  try {
    return JSON.parse(readFileSync(STAMP, 'utf8'));
  } catch {
    return undefined;
  }
}

function digest(included) {
  const hash = createHash('sha256').update(NIGHTLY);
  const files = new Set([...INPUTS.flatMap((path) => filesUnder(join(ROOT, path))), ...included.map((path) => join(ROOT, path))]);
  for (const file of [...files].sort()) {
    hash.update(`\0${relative(ROOT, file)}\0`);
    hash.update(existsSync(file) ? readFileSync(file) : 'absent');
  }
  return hash.digest('hex');
}

function filesUnder(path) {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { withFileTypes: true }).flatMap((entry) => filesUnder(join(path, entry.name)));
}

/** Files outside INPUTS that the crate reads (by `include_str!`, for example), according to rustc. */
function includedFiles(profile) {
  const target = resolve(ROOT, process.env.CARGO_TARGET_DIR ?? 'target');
  const notes = join(target, WASM_TARGET, profile, 'tidegate.d');
  if (!existsSync(notes)) return [];
  return readFileSync(notes, 'utf8')
    .replace(/^[^\n]*?: /, '')
    .split(/(?<!\\)\s+/)
    .map((path) => relative(ROOT, path.replaceAll('\\ ', ' ')))
    .filter((path) => path !== '' && !path.startsWith('..') && !/^(src|crates)[/\\]/.test(path));
}

function checkSize() {
  const kib = (bytes) => `${(bytes / 1024).toFixed(0)} KiB`;
  const contents = MODULES.map((name) => readFileSync(join(BUILD_DIR, name)));
  const wasm = contents[MODULES.indexOf('index_bg.wasm')];
  const compressed = contents.reduce((sum, bytes) => sum + gzipSync(bytes, { level: 9 }).length, 0);
  console.log(`  The Worker: ${kib(wasm.length)} of wasm; ${kib(compressed)} compressed, of at most ${kib(MAX_WORKER_GZIP_BYTES)}`);
  if (compressed > MAX_WORKER_GZIP_BYTES) {
    throw new Failure(`The Worker is ${compressed} bytes compressed, over its budget of ${MAX_WORKER_GZIP_BYTES}.`);
  }
}

if (isMain(import.meta)) {
  await runScript(async () => {
    await preflight();
    if (!(await buildWorker())) console.log('  The Worker and the documentation are up to date.');
  });
}
