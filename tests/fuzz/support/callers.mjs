/**
 * Who calls in the fuzz tests, and the document with ids that exist.
 */
import { ALL_SCOPES, createStore, mint, must, order, post, postOrder, postWebhook, setup, signWooCommerce } from '../../workerd/support/gateway.mjs';

/** How many keys there are to be revoked, orders to be cancelled, members to be removed and so on. */
const VICTIMS = 12;

/** What is pasted of the senders that sign with a secret of their own. */
const SECRETS = {
  shopify: 'shpss_0123456789abcdef0123456789abcdef',
  stripe_checkout: 'whsec_0123456789abcdef0123456789abcdef',
  square: 'square_0123456789abcdef',
  bigcommerce: '0123456789abcdef0123456789abcdef',
  squarespace: '0123456789abcdef'.repeat(4),
  webflow: '0123456789abcdef'.repeat(4),
};

/**
 * Sets a gateway up.
 *
 * @returns {Promise<{callers: object, ids: object}>} what `hooks.py` reads, and values for parameters by their names
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
  const called = (name, args) => must(gateway, creds.api_key, name, args);
  const invites = await each((n) => called('core.rpc_invite_member', { p_email: `invited-${n}@example.com`, p_role: 'member' }));
  const stores = await each((n) => createStore(gateway, creds, `Store ${n}`));
  const members = await each((n) => addMember(gateway, creds, n));

  const whole = { key: all.api_key };
  const integrationKey = [
    whole,
    { key: signing.api_key, secret: signing.signing_secret },
    ...perScope.flatMap(({ api_key }) => [{ key: api_key }, whole, whole, whole]),
    { key: all.api_key, keepsSignatures: true },
    { key: native.api_key },
    { key: paused.api_key },
    { asItIs: true },
  ];
  const whoever = { asItIs: true };
  const apiKey = [...Array(9).fill({ key: creds.api_key }), whoever];
  return {
    callers: {
      bySecurity: { integrationKey, apiKey, setupToken: [{ key: gateway.setupToken }, whoever] },
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

/** People join by a page; here they are just there. Returns the id. */
async function addMember(gateway, { workspace_id: workspace }, n) {
  const id = `usr_${'a'.repeat(15)}${'abcdefghijklmnopqrstuvwxyz'[n]}`;
  const hash = '$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';
  await gateway.d1('INSERT INTO users VALUES (?1, ?2, ?3, 0)', [id, `member-${n}@example.com`, hash]);
  await gateway.d1("INSERT INTO memberships VALUES (?1, ?2, 'member', 0)", [workspace, id]);
  return id;
}

/** Procedures after which a key is no longer what it was. */
const CHANGING = /pause|resume|rotate|set_signing_secret/;

function knownFor(name, path, ids) {
  // The others may be archived by then.
  if (name === 'p_store_id' && /create_integration_key/.test(path)) return ids.store_id;
  if (name !== 'p_key_id') return ids[name];
  if (/revoke/.test(path)) return ids.keysToRevoke;
  if (CHANGING.test(path)) return ids.keysToChange;
  return /parked/.test(path) ? ids.keyOfEvents : ids.p_key_id;
}

/**
 * The document as Schemathesis is to read it: most ids it makes up exist, and a line of NDJSON has
 * its schema.
 */
export function enlivened(document, ids) {
  const lively = structuredClone(document);
  for (const [path, operations] of Object.entries(lively.paths)) {
    for (const operation of Object.values(operations)) {
      const content = operation.requestBody?.content ?? {};
      for (const [name, property] of Object.entries(content['application/json']?.schema.properties ?? {})) {
        const known = knownFor(name, path, ids);
        if (known) chooseAmong(property, known);
      }
      for (const of of [content, ...Object.values(operation.responses).map((response) => response.content ?? {})]) {
        const ndjson = of['application/x-ndjson'];
        if (ndjson) Object.assign(ndjson, { schema: { type: 'array', minItems: 1, maxItems: 5, items: ndjson.schema }, example: ndjson.example && [ndjson.example] });
      }
    }
  }
  for (const parameter of Object.values(lively.components.parameters)) {
    if (ids[parameter.name]) {
      chooseAmong(parameter.schema, ids[parameter.name]);
      parameter.example = ids[parameter.name][0];
    }
  }
  return lively;
}

/** What has no such form is made up all the same, where requests are to be refused. */
function chooseAmong(schema, known) {
  delete schema.examples;
  Object.assign(schema, { enum: known });
}
