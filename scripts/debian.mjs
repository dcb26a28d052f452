/**
 * Programs that the tests run and npm does not bring: the one that the environment names, or the
 * machine's own. A Debian machine without one gets Debian's.
 */
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { Failure, run, step } from './processes.mjs';

/** Another installation may hold apt's lock, as on a machine that was just started. */
const LOCK_TIMEOUT_SECONDS = 120;

/**
 * @typedef {object} Program
 * @property {string} title - for people
 * @property {string} variable - of the environment, which names another one
 * @property {string[]} names - on PATH, the first that is there
 * @property {string[]} packages - Debian's, the program's own first
 */

/** The path of a program, or undefined. */
export function findProgram({ variable, names }) {
  const chosen = process.env[variable];
  if (!chosen) return names.map(onPath).find(Boolean);
  if (!isExecutable(chosen)) throw new Failure(`${variable} is ${chosen}, which is no program.`);
  return chosen;
}

/** The path of a program, installed if there is none. */
export async function ensureProgram(program) {
  const found = findProgram(program);
  if (found) return found;
  const { title, variable, names, packages } = program;
  await installPackages(title, packages, ` or let ${variable} name one`);
  const installed = findProgram(program);
  if (!installed) throw new Failure(`apt-get has installed ${packages[0]}, but none of ${names.join(', ')} is on PATH: let ${variable} name one.`);
  return installed;
}

/** Installs packages, where this is a Debian and ours to change; `otherwise` says what else would do. */
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
