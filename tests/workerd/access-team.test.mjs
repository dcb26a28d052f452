/** The Access team of the tests signs and publishes as Access does, judged by Node's own crypto. */
import assert from 'node:assert/strict';
import { createPublicKey, verify } from 'node:crypto';
import { test } from 'node:test';
import { Request } from 'miniflare';
import { AccessTeam } from './support/access-team.mjs';

const decoded = (part) => JSON.parse(Buffer.from(part, 'base64url'));
const published = async (team) => (await team.outbound(new Request(team.keysUrl))).json();

/** Whether the published key that an assertion names has signed it. */
async function holds(team, assertion) {
  const [header, payload, signature] = assertion.split('.');
  const { keys } = await published(team);
  const jwk = keys.find(({ kid }) => kid === decoded(header).kid);
  const key = createPublicKey({ key: jwk, format: 'jwk' });
  return verify('RSA-SHA256', Buffer.from(`${header}.${payload}`), key, Buffer.from(signature, 'base64url'));
}

test('an_assertion_is_signed_with_a_published_key', async () => {
  const team = new AccessTeam();
  const assertion = team.assertion('ada@example.com');
  assert.ok(await holds(team, assertion));
  const [header, payload] = assertion.split('.').map((part, at) => (at < 2 ? decoded(part) : part));
  assert.equal(header.alg, 'RS256');
  assert.deepEqual([payload.iss, payload.aud, payload.email], [team.issuer, [team.audience], 'ada@example.com']);
});

test('another_teams_signature_and_an_altered_claim_do_not_hold', async () => {
  const team = new AccessTeam();
  const other = new AccessTeam();
  const { kid } = team.keySet().keys[0];
  assert.equal(await holds(team, other.assertion('ada@example.com', { header: { kid } })), false);
  const [header, , signature] = team.assertion('ada@example.com').split('.');
  const [, payload] = team.assertion('eve@example.com').split('.');
  assert.equal(await holds(team, `${header}.${payload}.${signature}`), false);
});

test('claims_and_header_can_be_replaced_and_left_out', () => {
  const team = new AccessTeam();
  const [header, payload] = team.assertion('ada@example.com', { claims: { aud: 'x', email: undefined }, header: { alg: 'none' } }).split('.');
  assert.equal(decoded(header).alg, 'none');
  assert.equal(decoded(payload).aud, 'x');
  assert.ok(!('email' in decoded(payload)));
});

test('after_a_rotation_old_and_new_assertions_hold', async () => {
  const team = new AccessTeam();
  const before = team.assertion('ada@example.com');
  team.rotate();
  const after = team.assertion('ada@example.com');
  assert.notEqual(decoded(before.split('.')[0]).kid, decoded(after.split('.')[0]).kid);
  assert.ok((await holds(team, before)) && (await holds(team, after)));
  team.rotate();
  assert.equal((await published(team)).keys.length, 2);
});

test('nobody_else_answers_and_asking_is_counted', async () => {
  const team = new AccessTeam();
  assert.equal((await team.outbound(new Request('https://elsewhere.example.test/'))).status, 502);
  assert.equal(team.fetches, 0);
  await published(team);
  team.answering = () => new Response('down', { status: 500 });
  assert.equal((await team.outbound(new Request(team.keysUrl))).status, 500);
  assert.equal(team.fetches, 2);
});
