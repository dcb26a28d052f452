/**
 * Makes credentials from the documented form (DESIGN §3), apart from the Worker's own code: to act
 * as users that no API makes yet, and to forge.
 */
import { createHash, createHmac, randomBytes } from 'node:crypto';

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';

function base62(number, digits) {
  let text = '';
  for (let rest = number; text.length < digits; rest /= 62n) text = BASE62[Number(rest % 62n)] + text;
  return text;
}

/** RFC 4648 base32 in lower case, without padding. */
export function base32(bytes) {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return bits.replace(/.{1,5}/g, (five) => BASE32[parseInt(five.padEnd(5, '0'), 2)]);
}

const tag = (tagKey, label, message) =>
  createHmac('sha256', Buffer.from(tagKey, 'hex')).update(label).update(message).digest();

/** SHA-256 of a credential, in hex: what is kept of it. */
export const hashOf = (credential) => createHash('sha256').update(credential).digest('hex');

/**
 * A secret key of the right form, tagged under one tag key.
 *
 * @param {'pck_int_' | 'pck_api_'} prefix
 * @param {string} tagKey - 64 hex characters
 */
export function secretKey(prefix, tagKey, random = randomBytes(20)) {
  const mac = tag(tagKey, prefix, random).readBigUInt64BE();
  return prefix + base62(BigInt(`0x${random.toString('hex')}`), 27) + base62(mac % 62n ** 7n, 7);
}

/** The key id of a KeyGate's name (12 bytes), tagged under one tag key. */
export function keyId(tagKey, gate = randomBytes(12)) {
  return `key_${base32(Buffer.concat([gate, tag(tagKey, 'key_', gate).subarray(0, 4)]))}`;
}

/** The name of the KeyGate of an integration key: hex of the first 12 bytes of its hash. */
export const gateOf = (key) => hashOf(key.api_key).slice(0, 24);

/** A random id such as `sto_…`. */
export const randomId = (prefix) => prefix + base32(randomBytes(10));
