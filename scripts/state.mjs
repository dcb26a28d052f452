/**
 * The directory in which a local Tidegate stores everything that outlives a run: D1 and the objects (`v3`,
 * written by wrangler), its secrets, the credentials of the demo workspace, and logs.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from './processes.mjs';

const OWNER_ONLY = 0o600;
const PID_FILE = 'pid';

/** Everything that such a directory may contain. `--fresh` deletes nothing else. */
const ENTRIES = ['v3', 'tmp', 'secrets.env', 'credentials.json', 'logs', 'registry', PID_FILE];

const secretKey = () => randomBytes(32).toString('hex');

/** The forms of the Worker's secrets. TAG_KEYS and SEALING_KEYS are lists, newest first. */
const SECRETS = {
  TAG_KEYS: secretKey,
  SEALING_KEYS: () => `1:${secretKey()}`,
  SETUP_TOKEN: secretKey,
};

export const secretsFile = (stateDir) => join(stateDir, 'secrets.env');
export const credentialsFile = (stateDir) => join(stateDir, 'credentials.json');

/** Makes the directory, empties it if `fresh`, and claims it for this process. */
export function openState(stateDir, { fresh }) {
  mkdirSync(stateDir, { recursive: true });
  const pidFile = join(stateDir, PID_FILE);
  const holder = existsSync(pidFile) ? Number(readFileSync(pidFile, 'utf8')) : undefined;
  if (holder && isRunning(holder)) {
    throw new Failure(`Process ${holder} runs on ${stateDir}: stop it, or choose another with --state. (If it is something else, delete ${pidFile}.)`);
  }
  if (fresh) emptyState(stateDir);
  writeFileSync(pidFile, String(process.pid));
  process.once('exit', () => rmSync(pidFile, { force: true }));
}

function isRunning(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function emptyState(stateDir) {
  const entries = readdirSync(stateDir);
  const foreign = entries.filter((name) => !ENTRIES.includes(name));
  if (foreign.length > 0) {
    throw new Failure(`--fresh would empty ${stateDir}, but it holds something else (${foreign.slice(0, 3).join(', ')}): nothing was deleted.`);
  }
  for (const name of entries) rmSync(join(stateDir, name), { recursive: true });
}

/** Makes the secrets that are missing, and returns all of them. */
export function ensureSecrets(stateDir) {
  const file = secretsFile(stateDir);
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const secrets = Object.fromEntries([...text.matchAll(/^(\w+)=(.*)$/gm)].map(([, name, value]) => [name, value]));
  for (const [name, make] of Object.entries(SECRETS)) secrets[name] ??= make();
  writePrivate(file, Object.entries(secrets).map(([name, value]) => `${name}=${value}\n`).join(''));
  return secrets;
}

export function readCredentials(stateDir) {
  const file = credentialsFile(stateDir);
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
}

export function writeCredentials(stateDir, credentials) {
  writePrivate(credentialsFile(stateDir), `${JSON.stringify(credentials, null, 2)}\n`);
}

function writePrivate(file, text) {
  writeFileSync(file, text, { mode: OWNER_ONLY });
  // `mode` only applies to a new file.
  chmodSync(file, OWNER_ONLY);
}
