/** The Worker's secrets for one state directory: made once, then read back, as sealed rows need the same key. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const hex = (bytes) => randomBytes(bytes).toString('hex');

/**
 * @param {string} state - the state directory
 * @returns {{TAG_KEYS: string, SEALING_KEYS: string, SETUP_TOKEN: string}}
 */
export function secretsOf(state) {
  const file = path.join(state, 'secrets.json');
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (reason) {
    if (reason.code !== 'ENOENT') throw reason;
  }
  const secrets = { TAG_KEYS: hex(32), SEALING_KEYS: `1:${hex(32)}`, SETUP_TOKEN: hex(24) };
  mkdirSync(state, { recursive: true });
  writeFileSync(file, JSON.stringify(secrets), { mode: 0o600 });
  return secrets;
}
