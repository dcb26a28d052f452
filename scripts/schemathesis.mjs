/**
 * Schemathesis, which compares the running Worker with its OpenAPI document. It is installed into a
 * virtual environment in the cache of tools, at the versions that `tests/fuzz/requirements.txt` names.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { installPackages } from './debian.mjs';
import { Failure, run, step } from './processes.mjs';
import { ROOT, TOOL_CACHE } from './project.mjs';

const REQUIREMENTS = join(ROOT, 'tests/fuzz/requirements.txt');

/** The oldest Python that Schemathesis runs on. */
const USABLE_PYTHON = 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 10))';

const version = () => readFileSync(REQUIREMENTS, 'utf8').match(/^schemathesis==(\S+)$/m)[1];

/** The path of the program, which is installed if it is missing. */
export async function ensureSchemathesis() {
  const home = join(TOOL_CACHE, `schemathesis-${version()}`);
  const program = join(home, 'bin/schemathesis');
  // The installation writes this file last.
  const stamp = join(home, 'installed');
  if (existsSync(stamp)) return program;
  await ensurePython();
  await step(`Installing Schemathesis ${version()} for ${TOOL_CACHE}`, () => install(home, stamp), { hint: 'once per version' });
  return program;
}

async function ensurePython() {
  const usable = () => run('python3', ['-c', USABLE_PYTHON], { output: 'return' }).then(() => true, () => false);
  if (await usable()) return;
  await installPackages('Python with its module venv', ['python3', 'python3-venv']);
  if (!(await usable())) throw new Failure('Python 3.10 or newer with its module venv is needed (on Debian: python3-venv).');
}

/** A virtual environment cannot be moved, so it is made in its final place. An incomplete one is made again. */
async function install(home, stamp) {
  rmSync(home, { recursive: true, force: true });
  mkdirSync(TOOL_CACHE, { recursive: true });
  await run('python3', ['-m', 'venv', home], { output: 'on-failure' });
  await run(join(home, 'bin/pip'), ['install', '--disable-pip-version-check', '--no-input', '--requirement', REQUIREMENTS], { output: 'on-failure' });
  const temporary = mkdtempSync(join(TOOL_CACHE, '.installed-'));
  renameSync(temporary, stamp);
}
