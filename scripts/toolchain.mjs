/**
 * Installs what a machine with rustup and Node lacks to build, run and test Tidegate. If nothing is
 * missing, it returns in well under a second.
 *
 * `toolEnvironment()` returns the environment in which cargo runs.
 */
import {
  copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync,
} from 'node:fs';
import { createHash } from 'node:crypto';
import { homedir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { COMMAND_NOT_FOUND, Failure, isMain, run, runScript, step } from './processes.mjs';
import { MINIMUM_NODE_MAJOR, NODE_MODULES, npmBin, pinnedToolchain, ROOT, TOOL_CACHE, WASM_TARGET } from './project.mjs';

/** The toolchain that builds the Worker, whose panics must unwind (CONTRIBUTING.md, 'The toolchain'). */
export const NIGHTLY = 'nightly-2026-05-20';
const NIGHTLY_COMPONENTS = ['rust-src'];

/** A small program around wasm-bindgen's library, of the version of the `wasm-bindgen` crate. */
const WASM_BINDGEN = { crate: 'tidegate-wasm-bindgen', binary: 'tidegate-wasm-bindgen', path: join(ROOT, 'scripts', 'wasm-bindgen') };

const executable = (name) => (process.platform === 'win32' ? `${name}.exe` : name);

/** The `version` of a tool from the registry, or a digest of the sources of one of our own. */
function versionOf({ version, path }) {
  if (version) return version;
  const hash = createHash('sha256');
  for (const name of ['Cargo.toml', 'Cargo.lock', 'src/main.rs']) hash.update(readFileSync(join(path, name)));
  return hash.digest('hex').slice(0, 12);
}

/** The path of a tool: `{ crate, binary }` with its `version` in the registry, or with the `path` of its sources. */
export function toolPath(tool) {
  return join(TOOL_CACHE, `${tool.crate}-${versionOf(tool)}`, 'bin', executable(tool.binary));
}

const cargoBin = () => join(process.env.CARGO_HOME || join(homedir(), '.cargo'), 'bin');

/** The environment of cargo: the pinned toolchain, at most two jobs. */
export function toolEnvironment() {
  const env = {
    ...process.env,
    // First, because a distribution's cargo does not know toolchains and must not shadow rustup's.
    PATH: [cargoBin(), process.env.PATH].filter(Boolean).join(delimiter),
    CARGO_BUILD_JOBS: process.env.CARGO_BUILD_JOBS ?? '2',
    CARGO_TERM_PROGRESS_WHEN: 'never',
  };
  // `preflight` says what it installs; rustup would install a toolchain that a command merely names.
  env.RUSTUP_AUTO_INSTALL = '0';
  // It would override rust-toolchain.toml.
  delete env.RUSTUP_TOOLCHAIN;
  return env;
}

/**
 * Compiles the Worker of a crate and bundles it into `out`: the entry module and `index_bg.wasm`.
 *
 * It is what worker-build does, in the three steps that it takes. worker-build itself takes longer to
 * compile than the Worker, asks for an undated nightly, and wraps classes that the entry module wraps
 * better. wasm-opt is left out: measured on this Worker, `-Oz` takes four minutes, gains no CPU time,
 * and makes the compressed Worker 64 KiB larger.
 *
 * @param {object} build
 * @param {string} build.cwd - the crate's directory
 * @param {string} build.crate - its name
 * @param {string} build.profile - cargo's profile
 * @param {string} build.entry - the entry module. It imports what wasm-bindgen makes from `./index.js`
 * @param {string} build.out
 * @param {string[]} [build.rustFlags]
 */
export async function compileWorker({ cwd, crate, profile, entry, out, rustFlags = [] }) {
  const env = toolEnvironment();
  env.RUSTFLAGS = [env.RUSTFLAGS, '-Cpanic=unwind', ...rustFlags].filter(Boolean).join(' ');
  // It would count for more than RUSTFLAGS.
  delete env.CARGO_ENCODED_RUSTFLAGS;
  // Promises are those of the crate js-sys, as the crate `worker` expects.
  env.WASM_BINDGEN_USE_JS_SYS = '1';
  const target = resolve(cwd, env.CARGO_TARGET_DIR ?? 'target');
  // The standard library is built too, because the one that comes with the compiler cannot unwind.
  const standardLibrary = ['-Zbuild-std=std,panic_unwind', '-Zbuild-std-features=panic-unwind'];
  const build = ['build', '--lib', '--profile', profile, '--target', WASM_TARGET, '--target-dir', target, ...standardLibrary];
  await run('cargo', [`+${NIGHTLY}`, ...build], { output: 'on-failure', cwd, env });

  const wasm = join(target, WASM_TARGET, profile, `${crate}.wasm`);
  const bindings = join(target, WASM_TARGET, profile, `${crate}-bindings`);
  rmSync(bindings, { recursive: true, force: true });
  await run(toolPath(WASM_BINDGEN), [wasm, bindings], { output: 'on-failure', env });

  // The runtime imports a wasm module as one that is compiled and not instantiated, without `source`.
  const index = join(bindings, 'index.js');
  writeFileSync(index, readFileSync(index, 'utf8').replace('import source ', 'import '));
  copyFileSync(entry, join(bindings, 'entry.mjs'));
  mkdirSync(out, { recursive: true });
  const bundle = ['./entry.mjs', '--bundle', '--format=esm', '--external:./index_bg.wasm', '--external:cloudflare:*'];
  await run(npmBin('esbuild'), [...bundle, '--minify', '--log-level=warning', `--outfile=${join(out, 'entry.mjs')}`], { output: 'on-failure', cwd: bindings, env });
  copyFileSync(join(bindings, 'index_bg.wasm'), join(out, 'index_bg.wasm'));
}

/** Installs what is missing. Throws a one-line `Failure` if only the reader can help. */
export async function preflight() {
  checkNode();
  await checkRustup();
  const pinned = pinnedToolchain();
  await ensureToolchain(pinned.channel, pinned.components, pinned.targets);
  // The first two mostly wait for the network, while building the tool keeps the processor busy.
  await Promise.all([
    ensureToolchain(NIGHTLY, NIGHTLY_COMPONENTS, [WASM_TARGET]),
    ensureNpmPackages(),
    ensureCargoTools([WASM_BINDGEN]),
  ]);
}

function checkNode() {
  if (Number(process.versions.node.split('.')[0]) < MINIMUM_NODE_MAJOR) {
    throw new Failure(`Node ${MINIMUM_NODE_MAJOR} or newer is needed, and this is ${process.version}: see https://nodejs.org.`);
  }
}

async function checkRustup() {
  const getRustup = 'install Rust with rustup (https://rustup.rs), then run this again.';
  const options = { output: 'return', env: toolEnvironment(), cwd: ROOT };
  for (const program of ['rustup', 'cargo']) {
    await run(program, ['+stable', '--version'], options).catch((failure) => {
      // It is no error if rustup has no `stable`.
      if (failure.exitCode === COMMAND_NOT_FOUND) throw new Failure(`${program} is missing: ${getRustup}`);
      if (/no such command/.test(failure.message)) throw new Failure(`This cargo is not rustup's: ${getRustup}`);
    });
  }
}

async function ensureToolchain(channel, components, targets) {
  const rustup = (args, output = 'on-failure') => run('rustup', args, { output, env: toolEnvironment(), cwd: ROOT });
  const missing = (installed) => ({
    components: components.filter((name) => !installed.some((line) => line === name || line.startsWith(`${name}-`))),
    targets: targets.filter((name) => !installed.includes(`rust-std-${name}`)),
  });

  const toolchains = (await rustup(['toolchain', 'list'], 'return')).split('\n').map((line) => line.split(' ')[0]);
  // `nightly-x86_64-…` is the undated nightly; `nightly-2026-05-20-x86_64-…` is a dated one.
  if (!toolchains.some((name) => name === channel || new RegExp(`^${channel}-(?!\\d)`).test(name))) {
    await step(`Installing Rust ${channel}`, () =>
      rustup([
        'toolchain', 'install', channel, '--profile', 'minimal', '--no-self-update',
        ...components.flatMap((name) => ['--component', name]),
        ...targets.flatMap((name) => ['--target', name]),
      ]),
    );
    return;
  }
  const installed = (await rustup(['component', 'list', '--toolchain', channel, '--installed'], 'return')).split('\n');
  const { components: lacking, targets: lackingTargets } = missing(installed);
  if (lacking.length > 0) {
    await step(`Adding ${lacking.join(', ')} to Rust ${channel}`, () =>
      rustup(['component', 'add', '--toolchain', channel, ...lacking]),
    );
  }
  if (lackingTargets.length > 0) {
    await step(`Adding ${lackingTargets.join(', ')} to Rust ${channel}`, () =>
      rustup(['target', 'add', '--toolchain', channel, ...lackingTargets]),
    );
  }
}

async function ensureNpmPackages() {
  const lock = join(ROOT, 'package-lock.json');
  // npm writes this file last.
  const installed = join(NODE_MODULES, '.package-lock.json');
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs) return;
  await step('Installing npm packages', () =>
    run('npm', ['ci', '--include=dev', '--no-audit', '--no-fund'], { output: 'on-failure', cwd: ROOT }),
  );
  // npm preserves the modification time of the lock that it installed from, which may be older.
  utimesSync(installed, new Date(), new Date());
}

/**
 * Builds the missing tools in one temporary directory, where they share their dependencies, and moves
 * each into place as a whole, so that two runs at once do no harm.
 */
export async function ensureCargoTools(tools) {
  const missing = tools.filter((tool) => !existsSync(toolPath(tool)));
  if (missing.length === 0) return;
  try {
    mkdirSync(TOOL_CACHE, { recursive: true });
  } catch (error) {
    throw new Failure(`${TOOL_CACHE} cannot be written (${error.code}): set TIDEGATE_CACHE to a directory that can.`);
  }
  const temporary = mkdtempSync(join(TOOL_CACHE, '.installing-'));
  try {
    for (const tool of missing) {
      const label = `Building ${tool.crate} ${versionOf(tool)} for ${TOOL_CACHE}`;
      await step(label, () => installCargoTool(tool, temporary), { hint: 'about a minute, once per version' });
    }
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

async function installCargoTool(tool, temporary) {
  const root = join(temporary, tool.crate);
  const target = join(temporary, 'target');
  const destination = join(toolPath(tool), '..', '..');
  try {
    await cargoInstall(tool, { root, target }).catch(() => cargoInstall(tool, { root, target, locked: false }));
    rmSync(destination, { recursive: true, force: true });
    renameSync(root, destination);
  } catch (error) {
    // A faster run has already put the same tool there.
    if (!existsSync(toolPath(tool))) throw error;
  }
}

/** Builds with the lock file that comes with the tool, or, if that does not resolve, without it. */
function cargoInstall(tool, { root, target, locked = true }) {
  const source = tool.path ? ['--path', tool.path] : [`${tool.crate}@${tool.version}`];
  const args = ['install', ...source, '--bin', tool.binary, '--root', root, '--no-track', '--force', ...(locked ? ['--locked'] : [])];
  // Without optimisation they add a second or two to each run, but are built in half the time.
  const env = { ...toolEnvironment(), CARGO_TARGET_DIR: target, CARGO_PROFILE_RELEASE_OPT_LEVEL: '0' };
  return run('cargo', args, { output: 'on-failure', cwd: ROOT, env });
}

if (isMain(import.meta)) await runScript(preflight);
