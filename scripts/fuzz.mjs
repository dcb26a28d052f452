/**
 * `npm run fuzz`: runs every fuzz target in `fuzz/`, and compares the running Worker with its OpenAPI
 * document. `npm run fuzz -- NAME…` runs only some of these; the document's name is `openapi`.
 *
 * FUZZ_SECONDS: the time for each target. FUZZ_EXAMPLES: the number of examples for each operation of the
 * document. FUZZ_SEED: repeats a run against the document.
 */
import { randomInt } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { buildWorker } from './build.mjs';
import { Failure, run, runScript } from './processes.mjs';
import { ROOT } from './project.mjs';
import { ensureSchemathesis } from './schemathesis.mjs';
import { ensureCargoTools, NIGHTLY, preflight, toolEnvironment, toolPath } from './toolchain.mjs';

const CARGO_FUZZ = { crate: 'cargo-fuzz', binary: 'cargo-fuzz', version: '0.13.2' };

const FUZZ = join(ROOT, 'fuzz');
const FIXTURES = join(ROOT, 'tests/fixtures');

const SECONDS = process.env.FUZZ_SECONDS ?? '60';

/** The inputs that libFuzzer starts from. It does not change them. */
const SEEDS = {
  payloads: () => readdirSync(FIXTURES, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => join(FIXTURES, name)),
  bodies: () => [documentedBodies()],
};

const TARGETS = readdirSync(join(FUZZ, 'fuzz_targets')).map((file) => basename(file, '.rs')).sort();

async function fuzzTarget(name) {
  const corpus = join(FUZZ, 'corpus', name);
  mkdirSync(corpus, { recursive: true });
  await run(toolPath(CARGO_FUZZ), [
    'run', name, corpus, ...(SEEDS[name]?.() ?? []),
    '--', `-max_total_time=${SECONDS}`, '-timeout=20', '-print_final_stats=1', '-print_funcs=0', '-verbosity=0',
  ], { cwd: ROOT, env: { ...toolEnvironment(), RUSTUP_TOOLCHAIN: NIGHTLY } });
}

/** A directory with one file for each example of the OpenAPI document. */
function documentedBodies() {
  const directory = join(FUZZ, 'corpus', 'documented');
  mkdirSync(directory, { recursive: true });
  const { paths } = JSON.parse(readFileSync(join(ROOT, 'docs/openapi.json'), 'utf8'));
  for (const { operationId, requestBody } of Object.values(paths).flatMap((path) => Object.values(path))) {
    for (const [type, { example, examples = {} }] of Object.entries(requestBody?.content ?? {})) {
      const values = [example, ...Object.values(examples).map(({ value }) => value)].filter((value) => value !== undefined);
      const text = (value) => (type.endsWith('urlencoded') ? String(new URLSearchParams(value)) : JSON.stringify(value));
      values.forEach((value, index) => writeFileSync(join(directory, `${operationId}-${type.replace('/', '-')}-${index}`), text(value)));
    }
  }
  return directory;
}

async function fuzzDocument() {
  await buildWorker();
  const seed = process.env.FUZZ_SEED ?? String(randomInt(2 ** 31));
  console.log(`  FUZZ_SEED=${seed}`);
  await run(process.execPath, ['--test', '--test-reporter=spec', join(ROOT, 'tests/fuzz/openapi.test.mjs')], {
    cwd: ROOT,
    env: { ...toolEnvironment(), FUZZ_EXAMPLES: process.env.FUZZ_EXAMPLES ?? '200', FUZZ_SEED: seed, SCHEMATHESIS_BIN: await ensureSchemathesis() },
  });
}

await runScript(async () => {
  const all = [...TARGETS, 'openapi'];
  const names = process.argv.slice(2);
  const unknown = names.find((name) => !all.includes(name));
  if (unknown) throw new Failure(`There is no fuzz target ${unknown}. Usage: npm run fuzz -- [${all.join('|')}]…`, 2);
  const chosen = names.length > 0 ? names : all;
  await preflight();
  if (chosen.some((name) => TARGETS.includes(name))) await ensureCargoTools([CARGO_FUZZ]);
  for (const name of chosen) {
    console.log(`\nFuzzing: ${name}`);
    await (name === 'openapi' ? fuzzDocument() : fuzzTarget(name));
  }
});
