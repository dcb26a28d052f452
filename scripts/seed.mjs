/**
 * Makes the demo workspace of a first run: an owner, a store, and one integration key for your own code.
 * The result of each call is saved before the next one, so that an interrupted run can be continued.
 */
import { randomBytes } from 'node:crypto';
import { Failure } from './processes.mjs';
import { credentialsFile, readCredentials, writeCredentials } from './state.mjs';

const OWNER_EMAIL = 'owner@example.com';
const SCOPES = ['orders:write', 'orders:cancel', 'payments:write', 'payments:refund', 'clients:write'];
const PASSWORD_BYTES = 18;

/** Returns the credentials and makes those that are missing. `base_url` has the port of this run. */
export async function seed({ baseUrl, stateDir, setupToken }) {
  const credentials = readCredentials(stateDir);
  const keep = (more) => {
    Object.assign(credentials, more);
    writeCredentials(stateDir, credentials);
  };

  if (credentials.base_url !== baseUrl) keep({ base_url: baseUrl });
  if (!credentials.api_key) {
    const ownerPassword = randomBytes(PASSWORD_BYTES).toString('base64url');
    const made = await callRpc(baseUrl, setupToken, 'rpc_setup_workspace', {
      p_workspace_name: 'Demo',
      p_owner_email: OWNER_EMAIL,
      p_owner_password: ownerPassword,
      p_store_name: 'Demo store',
    }, `If this workspace was set up before and ${credentialsFile(stateDir)} was lost, begin again with: npm start -- --fresh`);
    keep({
      owner_email: OWNER_EMAIL,
      owner_password: ownerPassword,
      api_key: made.api_key,
      workspace_id: made.workspace_id,
      store_id: made.store_id,
    });
  }
  if (!credentials.integration_key) {
    const made = await callRpc(baseUrl, credentials.api_key, 'rpc_create_integration_key', {
      p_store_id: credentials.store_id,
      p_name: 'Quickstart',
      p_source: 'custom',
      p_payload_format: 'peptideclients',
      p_scopes: SCOPES,
    });
    keep({ integration_key: made.api_key, key_id: made.key_id, signing_secret: made.signing_secret });
  }
  return credentials;
}

async function callRpc(baseUrl, bearer, name, args, advice = '') {
  const response = await fetch(`${baseUrl}/rpc/core.${name}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
    body: JSON.stringify(args),
  });
  const text = await response.text();
  if (response.status !== 201) {
    throw new Failure(`core.${name} answered ${response.status}: ${text.trim()}${advice && `\n${advice}`}`);
  }
  return JSON.parse(text);
}
