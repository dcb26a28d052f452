/** Acts as the operator: sets a workspace up and administers it through `/rpc/core.rpc_*`. */

/** Every scope an integration key can have. */
export const ALL_SCOPES = ['orders:write', 'orders:cancel', 'payments:write', 'payments:refund', 'clients:write'];

/**
 * Calls one RPC.
 *
 * @param {{url: string}} gateway
 * @param {string} apiKey - bearer credential
 * @param {string} name - with its `core.` in front
 * @param {object} [args] - its `p_…` arguments
 * @returns {Promise<{status: number, headers: Headers, body: any}>} whatever was answered
 */
export async function rpc(gateway, apiKey, name, args = {}) {
  const response = await fetch(`${gateway.url}/rpc/${name}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify(args),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: parsed(text) };
}

/** As {@link rpc}, for what must succeed: returns the body, throws on anything but 2xx. */
export async function must(gateway, apiKey, name, args = {}) {
  const { status, body } = await rpc(gateway, apiKey, name, args);
  if (status < 200 || status > 299) throw new Error(`${name} answered ${status}: ${JSON.stringify(body)}`);
  return body;
}

/**
 * Makes the first workspace, with its owner and a store.
 *
 * @param {{url: string, setupToken: string}} gateway
 * @param {object} [args] - `p_…` arguments to override
 * @returns {Promise<{workspace_id: string, user_id: string, store_id: string, api_key: string, api_key_id: string, owner_email: string, owner_password: string}>}
 */
export async function setup(gateway, args = {}) {
  const sent = {
    p_workspace_name: 'Acme',
    p_owner_email: 'owner@example.com',
    p_owner_password: 'correct horse battery staple',
    p_store_name: 'Main store',
    ...args,
  };
  const creds = await must(gateway, gateway.setupToken, 'core.rpc_setup_workspace', sent);
  return { ...creds, owner_email: sent.p_owner_email, owner_password: sent.p_owner_password };
}

/** Makes another store; returns its id. */
export async function createStore(gateway, creds, name) {
  return (await must(gateway, creds.api_key, 'core.rpc_create_store', { p_name: name })).store_id;
}

/**
 * Mints an integration key: by default one of the `custom` source that may do everything, signs,
 * and has the highest limit.
 *
 * @param {{url: string}} gateway
 * @param {{api_key: string, store_id: string}} creds
 * @param {object} [args] - `p_…` arguments to override
 * @returns {Promise<{key_id: string, api_key: string, signing_secret: string, webhook_url: string, expires_at: string | null}>}
 */
export function mint(gateway, creds, args = {}) {
  return must(gateway, creds.api_key, 'core.rpc_create_integration_key', {
    p_store_id: creds.store_id,
    p_name: 'Test storefront',
    p_source: 'custom',
    p_payload_format: 'peptideclients',
    p_scopes: ALL_SCOPES,
    p_rate_limit_per_minute: 6000,
    ...args,
  });
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
