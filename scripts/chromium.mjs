/**
 * The Chromium of the browser tests and the screenshots: the one that `CHROMIUM_BIN` names, or the
 * machine's own. A Debian machine without one gets Debian's.
 */
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { Failure, run, step } from './processes.mjs';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

/** With a font: a page without any has no text, and pictures of it show none. */
const DEBIAN_PACKAGES = ['chromium', 'fonts-liberation'];

/** Another installation may hold apt's lock, as on a machine that was just started. */
const LOCK_TIMEOUT_SECONDS = 120;

/** The path of a Chromium, or undefined. */
export function findChromium() {
  const chosen = process.env.CHROMIUM_BIN;
  if (!chosen) return NAMES.map(onPath).find(Boolean);
  if (!isExecutable(chosen)) throw new Failure(`CHROMIUM_BIN is ${chosen}, which is no program.`);
  return chosen;
}

/** The path of a Chromium, installed if there is none. */
export async function ensureChromium() {
  const found = findChromium();
  if (found) return found;
  if (!onPath('apt-get') || process.getuid?.() !== 0) {
    throw new Failure('Chromium is missing: install it (on Debian, as root: apt-get install chromium) or let CHROMIUM_BIN name one, then run this again.');
  }
  await step('Installing Chromium', install, { hint: 'a minute or two, once per machine' });
  const installed = findChromium();
  if (!installed) throw new Failure(`apt-get has installed ${DEBIAN_PACKAGES[0]}, but none of ${NAMES.join(', ')} is on PATH: let CHROMIUM_BIN name one.`);
  return installed;
}

async function install() {
  const apt = (...args) =>
    run('apt-get', ['-o', `DPkg::Lock::Timeout=${LOCK_TIMEOUT_SECONDS}`, ...args], {
      output: 'on-failure',
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
  await apt('update');
  await apt('install', '--yes', '--no-install-recommends', ...DEBIAN_PACKAGES);
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
