/** Single sign-on with Cloudflare Access: whom it has verified, and nobody else, is signed in. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { AccessTeam } from './support/access-team.mjs';
import { setup, useGateway } from './support/gateway.mjs';

const DOMAIN = 'acme.cloudflareaccess.com';
const AUDIENCE = 'a'.repeat(64);
const HEADER = 'cf-access-jwt-assertion';

const team = new AccessTeam({ domain: DOMAIN, audience: AUDIENCE });
const gateway = await useGateway({
  vars: { ACCESS_TEAM_DOMAIN: DOMAIN, ACCESS_AUDIENCE: AUDIENCE },
  outbound: team.outbound,
});
let creds;

before(async () => {
  creds = await setup(gateway);
});

/** The login page as a browser behind Access gets it, and what its form for Access posts. */
async function offered(assertion) {
  const headers = assertion ? { [HEADER]: assertion } : {};
  const page = await fetch(`${gateway.url}/login`, { headers });
  const text = await page.text();
  const cookie = page.headers.getSetCookie().map((set) => set.split(';')[0]).join('; ');
  const [, csrf] = text.match(/name="csrf" value="([^"]+)"/);
  return { offers: text.includes('Continue with Cloudflare Access'), cookie, csrf, text };
}

async function goOn(assertion, { csrf, cookie } = {}) {
  const page = await offered(assertion);
  const response = await fetch(`${gateway.url}/login/access`, {
    method: 'POST',
    redirect: 'manual',
    headers: { ...(assertion && { [HEADER]: assertion }), cookie: cookie ?? page.cookie, 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ csrf: csrf ?? page.csrf, next: '/orders' }),
  });
  const session = response.headers.getSetCookie().find((set) => set.startsWith('__Host-tidegate='));
  return { status: response.status, location: response.headers.get('location'), session, text: await response.text() };
}

test('whom Access has verified is offered to go on, and is signed in as the member with that address', async () => {
  const assertion = team.assertion(creds.owner_email.toUpperCase());
  const page = await offered(assertion);
  assert.ok(page.offers && page.text.includes(creds.owner_email));
  const { status, location, session } = await goOn(assertion);
  assert.deepEqual([status, location], [303, '/orders']);
  const home = await fetch(`${gateway.url}/orders`, { headers: { cookie: session.split(';')[0] }, redirect: 'manual' });
  assert.equal(home.status, 200);
  const entries = await gateway.d1("SELECT user_id FROM audit_log WHERE action = 'session.started_by_access'");
  assert.deepEqual(entries, [{ user_id: creds.user_id }]);
});

test('an address without an account is told so and not signed in', async () => {
  const { status, session, text } = await goOn(team.assertion('stranger@acme.test'));
  assert.deepEqual([status, session], [422, undefined]);
  assert.match(text, /has no account here/);
});

const FORGERIES = {
  'of another audience': (t) => t.assertion(creds.owner_email, { claims: { aud: ['b'.repeat(64)] } }),
  'of another team': (t) => t.assertion(creds.owner_email, { claims: { iss: 'https://evil.cloudflareaccess.com' } }),
  'that has expired': (t) => t.assertion(creds.owner_email, { claims: { exp: Math.floor(Date.now() / 1000) - 1 } }),
  'without a signature (alg none)': (t) => t.assertion(creds.owner_email, { header: { alg: 'none' } }),
  'that says HS256': (t) => t.assertion(creds.owner_email, { header: { alg: 'HS256' } }),
  'under a key of somebody else': () => new AccessTeam({ domain: DOMAIN, audience: AUDIENCE }).assertion(creds.owner_email),
  'whose e-mail was changed afterwards': (t) => {
    const [header, payload, signature] = t.assertion('stranger@acme.test').split('.');
    const claims = { ...JSON.parse(Buffer.from(payload, 'base64url')), email: creds.owner_email };
    return [header, Buffer.from(JSON.stringify(claims)).toString('base64url'), signature].join('.');
  },
  'that is no assertion': () => 'x.y.z',
};

for (const [what, forge] of Object.entries(FORGERIES)) {
  test(`an assertion ${what} offers nothing and signs nobody in`, async () => {
    const assertion = forge(team);
    assert.equal((await offered(assertion)).offers, false);
    const { status, session } = await goOn(assertion);
    assert.deepEqual([status, session], [403, undefined]);
  });
}

test('nobody is signed in by a form of another browser, or without an assertion', async () => {
  const other = await offered();
  const stolen = await goOn(team.assertion(creds.owner_email), { csrf: other.csrf });
  assert.deepEqual([stolen.status, stolen.session], [403, undefined]);
  const without = await goOn();
  assert.deepEqual([without.status, without.session], [403, undefined]);
});
