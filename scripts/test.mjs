/**
 * `npm test`: every tier, or with `npm test -- TIER…` only some. Each runner prints its own closing
 * lines, and the first that fails ends the run with its exit code, as does a tier that takes longer
 * than it may.
 *
 * With TIDEGATE_BUILD=DIR the Worker in that directory is tested as it stands, and nothing is built.
 * TIDEGATE_PATIENCE=N allows each tier N times its seconds, for a machine that is busy with other work.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { buildWorker } from './build.mjs';
import { ensureChromium } from './chromium.mjs';
import { ensureInterpreters } from './interpreters.mjs';
import { Failure, run, runScript } from './processes.mjs';
import { ROOT } from './project.mjs';
import { ensureSchemathesis } from './schemathesis.mjs';
import { preflight, toolEnvironment } from './toolchain.mjs';

const PATIENCE = Number(process.env.TIDEGATE_PATIENCE ?? 1);

/**
 * What each tier needs first and what it runs. `limit` is in seconds, of the tests alone: about
 * twice what they take on two cores. All tiers and the builds together may take half an hour.
 */
const TIERS = {
  /** The domain, on this machine's own target. Its seconds are mostly the compiler's. */
  native: { limit: 600, run: () => run('cargo', ['test', '--workspace'], { cwd: ROOT, env: toolEnvironment() }) },

  /** The built Worker on the real runtime, and the samples of the documentation against it. */
  workerd: { limit: 600, builds: true, prepare: ensureInterpreters, run: (env) => withBroker((broker) => runFiles('workerd', { ...env, ...broker }, 2)) },

  /** The console of the built Worker in Chromium. One file at a time: two were measured to take as long, and to time out. */
  browser: {
    limit: 1_200,
    builds: true,
    prepare: async () => ({ CHROMIUM_BIN: await ensureChromium() }),
    run: (env) => withBroker((broker) => runFiles('browser', { ...env, ...broker })),
  },

  /** What programs make up, sent to the built Worker; `npm run fuzz` goes on for longer. */
  fuzz: { limit: 600, builds: true, prepare: async () => ({ SCHEMATHESIS_BIN: await ensureSchemathesis() }), run: (env) => runFiles('fuzz', env) },
};

const runFiles = (tier, env, files = 1) =>
  run(process.execPath, ['--test', '--test-reporter=spec', `--test-concurrency=${files}`, ...testFiles(tier)], {
    cwd: ROOT,
    env: { ...toolEnvironment(), ...env },
  });

/** Lends the files of a tier the gateways that they share. */
async function withBroker(runTier) {
  // Not before something has installed Miniflare.
  const { startBroker } = await import('../tests/workerd/support/broker.mjs');
  const broker = await startBroker();
  try {
    await runTier(broker.env);
  } finally {
    await broker.stop();
  }
}

function testFiles(tier) {
  const directory = join(ROOT, 'tests', tier);
  const names = existsSync(directory) ? readdirSync(directory).filter((name) => name.endsWith('.test.mjs')) : [];
  if (names.length === 0) throw new Failure(`There are no tests in ${directory}.`);
  return names.sort().map((name) => join(directory, name));
}

async function runTier(name, { limit, builds, prepare, run: runTests }) {
  console.log(`\nTests: ${name}`);
  if (builds && !process.env.TIDEGATE_BUILD) await buildWorker();
  const env = await prepare?.();
  const began = performance.now();
  const most = limit * PATIENCE;
  const elapsed = () => Math.round((performance.now() - began) / 1000);
  await runTests(env).finally(() => console.log(`Tests: ${name} took ${elapsed()} s of at most ${most} s`));
  if (elapsed() > most) throw new Failure(`The tier ${name} took longer than it may.`);
}

await runScript(async () => {
  const names = process.argv.slice(2);
  const unknown = names.find((name) => !Object.hasOwn(TIERS, name));
  if (unknown) throw new Failure(`There is no tier ${unknown}. Usage: npm test -- [${Object.keys(TIERS).join('|')}]…`, 2);
  if (!process.env.TIDEGATE_BUILD) await preflight();
  for (const [name, tier] of Object.entries(TIERS)) {
    if (names.length === 0 || names.includes(name)) await runTier(name, tier);
  }
});
