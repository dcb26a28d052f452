/** Signatures on `POST /integrations/v1/orders`: three dialects, one secret. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import {
  assertProblem,
  mint,
  must,
  order,
  postOrder,
  send,
  setup,
  signBody,
  signedRequest,
  signStandard,
  signTimed,
  signWooCommerce,
  useGateway,
} from './support/gateway.mjs';

const now = () => Math.floor(Date.now() / 1000);

const gateway = await useGateway();
let creds;
let key;

before(async () => {
  creds = await setup(gateway);
  key = await mint(gateway, creds);
});

/** Posts an order whose signature headers `sign` makes. */
const signedBy = (sign, body = order()) => postOrder(gateway, key, body, { sign });

const DIALECTS = {
  'sha256= over the body': signBody,
  't=,v1= over time and body': signTimed,
  'Standard Webhooks under the secret as text': signStandard,
  'Standard Webhooks under the whsec_ form': (_, body) => signStandard(key.signing_secret_whsec, body),
};

for (const [name, sign] of Object.entries(DIALECTS)) {
  test(`${name} is accepted, and refused over another body or under another secret`, async () => {
    const answer = await signedBy(sign);
    assert.equal(answer.status, 201, answer.text);

    const request = signedRequest(key, '/integrations/v1/orders', order(), { sign });
    const altered = await send(gateway, { ...request, body: request.body.replace('Thing', 'Think') });
    assertProblem(altered, 401, 'signature_invalid');

    const other = await mint(gateway, creds);
    const sign2 = name.includes('whsec_')
      ? (_, body) => signStandard(other.signing_secret_whsec, body)
      : (_, body) => sign(other.signing_secret, body);
    assertProblem(await signedBy(sign2), 401, 'signature_invalid');
  });
}

test('a signature covers UTF-8 bytes as they are sent', async () => {
  const body = order({ note: 'Zoë 🚪 ﷽ \u2028' });
  for (const sign of Object.values(DIALECTS)) {
    const { status, text } = await signedBy(sign, { ...body, external_id: order().external_id });
    assert.equal(status, 201, text);
  }
});

test('a key that requires a signature takes no unsigned order, nor one in a dialect of another API', async () => {
  assertProblem(await signedBy(null), 401, 'signature_missing');
  assertProblem(await signedBy(signWooCommerce), 401, 'signature_missing');
});

test('a signed time counts for 300 seconds and is expired after that, past or future', async () => {
  for (const off of [-290, 290]) {
    const timed = await signedBy((secret, body) => signTimed(secret, body, now() + off));
    const standard = await signedBy((secret, body) => signStandard(secret, body, { t: now() + off }));
    assert.deepEqual([timed.status, standard.status], [201, 201], `${off} s`);
  }
  for (const off of [-310, 310, -100_000, 100_000]) {
    assertProblem(await signedBy((secret, body) => signTimed(secret, body, now() + off)), 401, 'signature_expired');
    const standard = signedBy((secret, body) => signStandard(secret, body, { t: now() + off }));
    assertProblem(await standard, 401, 'signature_expired');
  }
});

test('a signature that has not the form of its dialect is signature_invalid', async () => {
  const standard = signStandard('x'.repeat(32), '{}');
  const malformed = [
    { 'x-pck-signature': '' },
    { 'x-pck-signature': 'sha256=' },
    { 'x-pck-signature': 'sha256=zz' },
    { 'x-pck-signature': 'sha1=da39a3ee5e6b4b0d3255bfef95601890afd80709' },
    { 'x-pck-signature': `v1=${'0'.repeat(64)}` },
    { 'x-pck-signature': `t=${now()}` },
    { 'x-pck-signature': `t=soon,v1=${'0'.repeat(64)}` },
    { ...standard, 'webhook-timestamp': 'hello' },
    { ...standard, 'webhook-id': undefined },
    { ...standard, 'webhook-timestamp': undefined },
    { ...standard, 'webhook-signature': undefined },
  ];
  for (const headers of malformed) {
    const given = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined));
    assertProblem(await signedBy(() => given), 401, 'signature_invalid');
  }
});

test('where two dialects are sent, the gateway’s own counts, and the other does not stand in for it', async () => {
  const both = (secret, body) => ({ ...signBody(secret, body), ...signStandard(secret, body) });
  assert.equal((await signedBy(both)).status, 201);
  const otherWrong = (secret, body) => ({ ...signBody('another secret', body), ...signStandard(secret, body) });
  assertProblem(await signedBy(otherWrong), 401, 'signature_invalid');
});

test('a key without the requirement takes unsigned orders, but none with a wrong signature', async () => {
  const relaxed = await mint(gateway, creds, { p_require_signature: false });
  assert.equal((await postOrder(gateway, relaxed, order(), { sign: null })).status, 201);
  const wrong = await postOrder(gateway, relaxed, order(), { sign: (_, body) => signBody('wrong', body) });
  assertProblem(wrong, 401, 'signature_invalid');
});

test('the operator, and never the caller, is told why a signature does not hold', async () => {
  const watched = await mint(gateway, creds);
  const hexOf = (headers) => headers['x-pck-signature'].slice('sha256='.length);
  const mistakes = {
    'other encoding': (secret, body) => ({
      'x-pck-signature': `sha256=${Buffer.from(hexOf(signBody(secret, body)), 'hex').toString('base64')}`,
    }),
    'one line break more or less': (secret, body) => signBody(secret, `${body}\n`),
    're-serialised': (secret, body) => signBody(secret, JSON.stringify(JSON.parse(body))),
    'not signed with this key': (_, body) => signBody('another secret', body),
  };
  for (const [cause, sign] of Object.entries(mistakes)) {
    const spaced = JSON.stringify(order(), null, 2);
    const answer = await postOrder(gateway, watched, spaced, { sign });
    assertProblem(answer, 401, 'signature_invalid');
    assert.ok(!answer.text.includes(cause));
    const args = { p_key_id: watched.key_id, p_limit: 1 };
    const { requests } = await must(gateway, creds.api_key, 'core.rpc_list_integration_requests', args);
    assert.equal(requests[0].error_code, 'signature_invalid');
    assert.match(requests[0].detail, new RegExp(cause));
  }
});

test('a pasted secret replaces the minted one, both counting for the overlap', async () => {
  const rotated = await mint(gateway, creds);
  const set = (args) =>
    must(gateway, creds.api_key, 'core.rpc_set_signing_secret', { p_key_id: rotated.key_id, ...args });
  const under = (secret) => postOrder(gateway, { ...rotated, signing_secret: secret });

  await set({ p_signing_secret: 'the second secret', p_overlap_hours: 1 });
  assert.equal((await under(rotated.signing_secret)).status, 201);
  assert.equal((await under('the second secret')).status, 201);

  await set({ p_signing_secret: 'the third secret', p_overlap_hours: 0 });
  assert.equal((await under('the third secret')).status, 201);
  assertProblem(await under(rotated.signing_secret), 401, 'signature_invalid');
  assertProblem(await under('the second secret'), 401, 'signature_invalid');
  await gateway.evict();
  assert.equal((await under('the third secret')).status, 201);
  assertProblem(await under('the second secret'), 401, 'signature_invalid');
});
