/**
 * The callers of the fuzz tests, and the OpenAPI document with ids that exist.
 */
import { ALL_SCOPES, createStore, mint, must, order, post, postOrder, postWebhook, setup, signWooCommerce } from '../../workerd/support/gateway.mjs';

/** How many keys there are to revoke, orders to cancel, members to remove, and so on. */
const VICTIMS = 12;

/** The secrets to paste for the senders that create their own. */
const SECRETS = {
  shopify: 'shpss_0123456789abcdef0123456789abcdef',
  stripe_checkout: 'whsec_0123456789abcdef0123456789abcdef',
  square: 'square_0123456789abcdef',
  bigcommerce: '0123456789abcdef0123456789abcdef',
  squarespace: '0123456789abcdef'.repeat(4),
  webflow: '0123456789abcdef'.repeat(4),
};

/**
 * Sets a gateway up, and fills it with keys, orders, payments, parked events, stores, members and
 * invites.
 *
 * @returns {Promise<{callers: object, ids: object}>} the callers, as `hooks.py` reads them, and existing ids by the name of
 *   their parameter
 */
export async function populate(gateway) {
  const creds = await setup(gateway);
  const minted = (args) => mint(gateway, creds, { p_require_signature: false, ...args });
  const all = await minted();
  const signing = await minted({ p_require_signature: true });
  const perScope = await Promise.all(ALL_SCOPES.map((scope) => minted({ p_scopes: [scope] })));
  const native = await minted({ p_source: 'woocommerce', p_payload_format: 'woocommerce', p_require_signature: true });
  const others = await Promise.all(Object.entries(SECRETS).map(([source, p_signing_secret]) =>
    minted({ p_source: source, p_payload_format: source, p_require_signature: true, p_signing_secret })));
  const paused = await minted();
  await must(gateway, creds.api_key, 'core.rpc_pause_integration_key', { p_key_id: paused.key_id });
  const each = (make) => Promise.all(Array.from({ length: VICTIMS }, (_, n) => make(n)));
  const [revoked, changed] = [await each(() => minted()), await each(() => minted())];
  const orders = (await each((n) => postOrder(gateway, all, order({ external_id: `F-${n}` })))).map(({ body }) => body.id);
  const { body: payable } = await postOrder(gateway, all, order({ lines: [{ name: 'Thing', quantity: 1, unit_price: 5000 }], total: 5000 }));
  const paid = await each((n) => post(gateway, all, `orders/${orders[n]}/payments`, { external_id: `P-${n}`, amount: '8.00' }));
  // Events that no retry can settle.
  const parked = await each((id) =>
    postWebhook(gateway, 'woocommerce', native, { id }, { sign: signWooCommerce, headers: { 'x-wc-webhook-topic': 'order.created' } }));
  const call = (name, args) => must(gateway, creds.api_key, name, args);
  const invites = await each((n) => call('core.rpc_invite_member', { p_email: `invited-${n}@example.com`, p_role: 'member' }));
  const stores = await each((n) => createStore(gateway, creds, `Store ${n}`));
  const members = await each((n) => addMember(gateway, creds, n));

  const unrestricted = { key: all.api_key };
  const integrationKey = [
    unrestricted,
    { key: signing.api_key, secret: signing.signing_secret },
    ...perScope.flatMap(({ api_key }) => [{ key: api_key }, unrestricted, unrestricted, unrestricted]),
    { key: all.api_key, generatedSignature: true },
    { key: native.api_key },
    { key: paused.api_key },
    { generatedCredential: true },
  ];
  const generated = { generatedCredential: true };
  const apiKey = [...Array(9).fill({ key: creds.api_key }), generated];
  return {
    callers: {
      bySecurity: { integrationKey, apiKey, setupToken: [{ key: gateway.setupToken }, generated] },
      payable: payable.id,
      native: Object.fromEntries([native, ...others].map(({ key_id: id, source, signing_secret: secret, webhook_url: url }) => [id, { source, secret: secret ?? SECRETS[source], url }])),
    },
    ids: {
      key_id: [native, ...others].map(({ key_id: id }) => id),
      key: [native.key_id, all.key_id],
      order: [...orders, 'external:F-2'],
      payment: [...paid.map(({ body }) => body.id), 'external:P-2'],
      id: orders,
      store_id: [creds.store_id],
      p_store_id: [creds.store_id, ...stores],
      p_key_id: [all.key_id, native.key_id],
      keysToRevoke: revoked.map(({ key_id }) => key_id),
      keysToChange: changed.map(({ key_id }) => key_id),
      p_invite_id: invites.map(({ invite_id }) => invite_id),
      p_user_id: members,
      p_event_id: parked.map(({ body }) => body.request_id),
      keyOfEvents: [native.key_id],
    },
  };
}

/** Inserts a member directly, because people join through a page of the console. Returns the user's id. */
async function addMember(gateway, { workspace_id: workspace }, n) {
  const id = `usr_${'a'.repeat(15)}${'abcdefghijklmnopqrstuvwxyz'[n]}`;
  const hash = '$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';
  await gateway.d1('INSERT INTO users VALUES (?1, ?2, ?3, 0)', [id, `member-${n}@example.com`, hash]);
  await gateway.d1("INSERT INTO memberships VALUES (?1, ?2, 'member', 0)", [workspace, id]);
  return id;
}

/** Procedures that change a key. */
const CHANGING = /pause|resume|rotate|set_signing_secret/;

/** The existing ids to send as this argument of the procedure at `path`. */
function knownFor(name, path, ids) {
  // The other stores may be archived by then.
  if (name === 'p_store_id' && /create_integration_key/.test(path)) return ids.store_id;
  if (name !== 'p_key_id') return ids[name];
  if (/revoke/.test(path)) return ids.keysToRevoke;
  if (CHANGING.test(path)) return ids.keysToChange;
  return /parked/.test(path) ? ids.keyOfEvents : ids.p_key_id;
}

/**
 * The document as Schemathesis is to read it: most ids that it generates exist, and an NDJSON body is
 * a list of lines.
 */
export function withKnownIds(document, ids) {
  const copy = structuredClone(document);
  for (const [path, operations] of Object.entries(copy.paths)) {
    for (const operation of Object.values(operations)) {
      const content = operation.requestBody?.content ?? {};
      for (const [name, property] of Object.entries(content['application/json']?.schema.properties ?? {})) {
        const known = knownFor(name, path, ids);
        if (known) chooseAmong(property, known);
      }
      for (const media of [content, ...Object.values(operation.responses).map((response) => response.content ?? {})]) {
        const ndjson = media['application/x-ndjson'];
        if (ndjson) Object.assign(ndjson, { schema: { type: 'array', minItems: 1, maxItems: 5, items: ndjson.schema }, example: ndjson.example && [ndjson.example] });
      }
    }
  }
  for (const parameter of Object.values(copy.components.parameters)) {
    if (ids[parameter.name]) {
      chooseAmong(parameter.schema, ids[parameter.name]);
      parameter.example = ids[parameter.name][0];
    }
  }
  return copy;
}

/** Restricts a schema to these values. Schemathesis still generates others for requests to be refused. */
function chooseAmong(schema, known) {
  delete schema.examples;
  Object.assign(schema, { enum: known });
}
