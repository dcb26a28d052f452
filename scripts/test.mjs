/**
 * `npm test`: every tier, or with `npm test -- TIER…` only some. Each runner prints its own closing
 * lines, and the first that fails ends the run with its exit code.
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

const TIERS = {
  /** The domain, on this machine's own target. */
  native: () => run('cargo', ['test', '--workspace'], { cwd: ROOT, env: toolEnvironment() }),

  /** The built Worker on the real runtime, and the samples of the documentation against it; two files at a time, each with a runtime of its own. */
  async workerd() {
    await buildWorker();
    await runNode('workerd', await ensureInterpreters(), 2);
  },

  /** The console of the built Worker in Chromium; one file at a time, since each starts both. */
  async browser() {
    await buildWorker();
    await runNode('browser', { CHROMIUM_BIN: await ensureChromium() });
  },

  /** What programs make up, sent to the built Worker; `npm run fuzz` goes on for longer. */
  async fuzz() {
    await buildWorker();
    await runNode('fuzz', { SCHEMATHESIS_BIN: await ensureSchemathesis() });
  },
};

const runNode = (tier, env, files = 1) =>
  run(process.execPath, ['--test', '--test-reporter=spec', `--test-concurrency=${files}`, ...testFiles(tier)], {
    cwd: ROOT,
    env: { ...toolEnvironment(), ...env },
  });

function testFiles(tier) {
  const directory = join(ROOT, 'tests', tier);
  const names = existsSync(directory) ? readdirSync(directory).filter((name) => name.endsWith('.test.mjs')) : [];
  if (names.length === 0) throw new Failure(`There are no tests in ${directory}.`);
  return names.sort().map((name) => join(directory, name));
}

await runScript(async () => {
  const names = process.argv.slice(2);
  const unknown = names.find((name) => !Object.hasOwn(TIERS, name));
  if (unknown) throw new Failure(`There is no tier ${unknown}. Usage: npm test -- [${Object.keys(TIERS).join('|')}]…`, 2);
  await preflight();
  for (const [name, runTier] of Object.entries(TIERS)) {
    if (names.length > 0 && !names.includes(name)) continue;
    console.log(`\nTests: ${name}`);
    await runTier();
  }
});
