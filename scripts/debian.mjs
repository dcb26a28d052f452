/**
 * Finds programs that the tests need and npm does not install: the one that an environment variable names,
 * or else the machine's own. On Debian, a missing one is installed.
 */
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { Failure, run, step } from './processes.mjs';

/** How long to wait for apt's lock, which another installation may hold, as on a machine that was just started. */
const LOCK_TIMEOUT_SECONDS = 120;

/**
 * @typedef {object} Program
 * @property {string} title - its name, for messages
 * @property {string} variable - the environment variable that names another path
 * @property {string[]} names - the names to look for on PATH, in this order
 * @property {string[]} packages - the Debian packages, the program's own first
 */

/** The path of a program, or undefined. */
export function findProgram({ variable, names }) {
  const chosen = process.env[variable];
  if (!chosen) return names.map(onPath).find(Boolean);
  if (!isExecutable(chosen)) throw new Failure(`${variable} is ${chosen}, which is no program.`);
  return chosen;
}

/** The path of a program, which is installed if there is none. */
export async function ensureProgram(program) {
  const found = findProgram(program);
  if (found) return found;
  const { title, variable, names, packages } = program;
  await installPackages(title, packages, ` or let ${variable} name one`);
  const installed = findProgram(program);
  if (!installed) throw new Failure(`apt-get has installed ${packages[0]}, but none of ${names.join(', ')} is on PATH: let ${variable} name one.`);
  return installed;
}

/** Installs packages if this is Debian and we are root. `otherwise` is the alternative that the error names. */
export async function installPackages(title, packages, otherwise = '') {
  if (!onPath('apt-get') || process.getuid?.() !== 0) {
    throw new Failure(`${title} is missing: install it (on Debian, as root: apt-get install ${packages.join(' ')})${otherwise}, then run this again.`);
  }
  await step(`Installing ${title}`, () => install(packages), { hint: 'a minute or two, once per machine' });
}

async function install(packages) {
  const apt = (...args) =>
    run('apt-get', ['-o', `DPkg::Lock::Timeout=${LOCK_TIMEOUT_SECONDS}`, ...args], {
      output: 'on-failure',
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
  await apt('update');
  await apt('install', '--yes', '--no-install-recommends', ...packages);
}

function onPath(name) {
  const directories = (process.env.PATH ?? '').split(delimiter).filter(Boolean);
  return directories.map((directory) => join(directory, name)).find(isExecutable);
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
