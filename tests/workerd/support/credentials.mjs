/**
 * Makes credentials and catalogue rows as the Worker does, from their description: for
 * what no RPC makes yet, such as a second workspace or a key that has expired.
 */
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { secretsOf } from './secrets.mjs';

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';

function base62(number, length) {
  let text = '';
  for (let rest = number, at = 0; at < length; at += 1, rest /= 62n) text = BASE62[Number(rest % 62n)] + text;
  return text;
}

/** RFC 4648 base32 without padding, in lower case. */
export function base32(bytes) {
  let bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  bits = bits.padEnd(Math.ceil(bits.length / 5) * 5, '0');
  return bits.replace(/.{5}/g, (five) => BASE32[parseInt(five, 2)]);
}

/** The bytes of {@link base32} text. */
export function base32Bytes(text) {
  const bits = [...text].map((digit) => BASE32.indexOf(digit).toString(2).padStart(5, '0')).join('');
  return Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
}

function tag(gateway, label, message) {
  const [newest] = secretsOf(gateway.state).TAG_KEYS.split(',');
  return createHmac('sha256', Buffer.from(newest, 'hex')).update(label).update(message).digest();
}

/**
 * A secret key of the documented form, tagged under the gateway's tag key, that nothing knows yet.
 *
 * @param {'pck_int_' | 'pck_api_'} prefix
 * @returns {{text: string, hash: string, preview: string}} `hash` is the SHA-256 that is kept, in hex
 */
export function secretKey(gateway, prefix) {
  const random = randomBytes(20);
  const number = BigInt(`0x${random.toString('hex')}`);
  const tagged = tag(gateway, prefix, random).readBigUInt64BE() % 62n ** 7n;
  const text = prefix + base62(number, 27) + base62(tagged, 7);
  return { text, hash: createHash('sha256').update(text).digest('hex'), preview: text.slice(0, 12) };
}

/** The key id of the key with this hash. */
export function keyId(gateway, hash) {
  const gate = Buffer.from(hash, 'hex').subarray(0, 12);
  return `key_${base32(Buffer.concat([gate, tag(gateway, 'key_', gate).subarray(0, 4)]))}`;
}

/** The name of the KeyGate of a key id. */
export const gateOf = (id) => base32Bytes(id.slice('key_'.length)).subarray(0, 12).toString('hex');

/** A new public id under a prefix, e.g. `usr_`. */
export const newId = (prefix) => prefix + base32(randomBytes(10));

/** Inserts a row; the columns are the members of `row`. */
export async function insert(gateway, table, row) {
  const columns = Object.keys(row);
  const places = columns.map((_, index) => `?${index + 1}`);
  await gateway.d1(`INSERT INTO ${table} (${columns}) VALUES (${places})`, Object.values(row));
  return row;
}

/** Makes another workspace with a store and an owner. */
export async function insertWorkspace(gateway, name = 'Globex') {
  const workspace_id = newId('wks_');
  await insert(gateway, 'workspaces', { id: workspace_id, name, created_at: Date.now() });
  const store_id = newId('sto_');
  await insert(gateway, 'stores', { id: store_id, workspace_id, name: `${name}'s store`, created_at: Date.now() });
  return { workspace_id, store_id, ...(await insertUser(gateway, workspace_id, 'owner')) };
}

/**
 * Makes a user of a workspace, and an API key that acts as them.
 *
 * @param {'owner' | 'admin' | 'member'} role
 */
export async function insertUser(gateway, workspace_id, role) {
  const user_id = newId('usr_');
  await insert(gateway, 'users', {
    id: user_id,
    email: `${user_id}@example.com`,
    password_hash: '$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA',
    created_at: Date.now(),
  });
  await insert(gateway, 'memberships', { workspace_id, user_id, role, created_at: Date.now() });
  return { user_id, ...(await insertApiKey(gateway, workspace_id, user_id)) };
}

/** Makes an API key that acts as a user of a workspace. */
export async function insertApiKey(gateway, workspace_id, user_id) {
  const { text, hash, preview } = secretKey(gateway, 'pck_api_');
  const id = newId('api_');
  await insert(gateway, 'api_keys', {
    id,
    secret_hash: hash,
    preview,
    workspace_id,
    user_id,
    name: 'Test',
    created_at: Date.now(),
  });
  return { api_key: text, api_key_id: id };
}

/**
 * A row of `integration_keys` that the schema accepts, and the key it stands for.
 *
 * @param {{workspace_id: string, store_id: string, user_id: string}} creds
 * @param {object} [columns] - to override
 * @returns {{row: object, key: {key_id: string, api_key: string}}}
 */
export function integrationKeyRow(gateway, { workspace_id, store_id, user_id }, columns = {}) {
  const { text, hash, preview } = secretKey(gateway, 'pck_int_');
  const key_id = keyId(gateway, hash);
  const row = {
    key_id,
    gate: hash.slice(0, 24),
    key_hash: hash,
    preview,
    workspace_id,
    store_id,
    namespace: newId('ns_'),
    name: 'Inserted',
    source: 'custom',
    payload_format: 'peptideclients',
    scopes: 'orders:write',
    rate_limit_per_minute: 120,
    require_signature: 0,
    capture_bodies: 1,
    status: 'active',
    secrets: '[]',
    created_at: Date.now(),
    created_by: user_id,
    expires_at: null,
    revoked_at: null,
    ...columns,
  };
  return { row, key: { key_id, api_key: text } };
}

/** Inserts such a row. No KeyGate hears of it: it finds the key in D1 when it is first used. */
export async function insertIntegrationKey(gateway, creds, columns) {
  const { row, key } = integrationKeyRow(gateway, creds, columns);
  await insert(gateway, 'integration_keys', row);
  return key;
}
