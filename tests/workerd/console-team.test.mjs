/**
 * Settings → Team and the account: who may do what to whom, invites, roles, removals, passwords and
 * sessions; and that no form does anything for whoever did not load it.
 */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { Visitor, escaped, insertPerson, login, loginAs } from './support/console.mjs';
import { base32, insertApiKey, insertWorkspace, newId } from './support/credentials.mjs';
import { mint, must, rpc, setup, startGateway, useGateway } from './support/gateway.mjs';
import { until } from './support/waiting.mjs';
import { openWebSocket } from './support/web-socket.mjs';

const TEAM = '/settings/team';
const INVITES = '/settings/team/invites';
const ACCOUNT = '/settings/account';
const PASSWORD = '/settings/account/password';
const ADDRESS = '203.0.113.7';
const FROM_THERE = { 'cf-connecting-ip': ADDRESS };
const NEW_PASSWORD = 'a tide that turns twice a day';

const gateway = await useGateway();
let creds;
/** Another workspace, with its owner. */
let globex;
let foreign;

before(async () => {
  creds = await setup(gateway);
  globex = await insertWorkspace(gateway);
  foreign = await insertPerson(gateway, creds, 'owner', globex.workspace_id);
});

const member = async (user) =>
  (await gateway.d1('SELECT role FROM memberships WHERE workspace_id = ?1 AND user_id = ?2', [creds.workspace_id, user.user_id]))[0]?.role;
const signIn = (person) => login(gateway, person.email, person.password);
const isOut = ({ status, location }) => status === 303 && location.startsWith('/login');

/** All that a team's pages could change. */
async function everything() {
  const tables = ['workspaces', 'stores', 'users', 'memberships', 'invites', 'api_keys', 'integration_keys', 'audit_log'];
  const rows = await Promise.all(tables.map((table) => gateway.d1(`SELECT * FROM ${table} ORDER BY 1, 2`)));
  const sessions = await gateway.d1('SELECT hash FROM sessions ORDER BY hash');
  return JSON.stringify([...rows, sessions]);
}

/** Entries that were noted since, oldest first. */
async function noted(act) {
  const known = new Set((await gateway.d1('SELECT id FROM audit_log')).map(({ id }) => id));
  await act();
  const rows = await gateway.d1('SELECT * FROM audit_log ORDER BY at, id');
  return rows.filter(({ id }) => !known.has(id)).map((row) => ({ ...row, detail: JSON.parse(row.detail) }));
}

/** The path of the link that an answer reveals. */
const linkOf = (answer) => /id="invite-link"[^>]*>https?:\/\/[^/<]+(\/invite\/[a-z2-7]{64})</.exec(answer.text)?.[1];

/** Invites an address; returns the path of the link and the invite's id. */
async function invite(by, email, role = 'member') {
  const answer = await by.post(INVITES, { email, role });
  assert.equal(answer.status, 200, answer.text);
  const [{ id }] = await gateway.d1('SELECT id FROM invites WHERE email = ?1', [email]);
  return { link: linkOf(answer), id };
}

let made = 0;
const newEmail = () => `joins-${(made += 1)}@example.com`;

/** Joins by a link, as somebody new to the deployment or not. */
async function join(link, password = NEW_PASSWORD) {
  const visitor = new Visitor(gateway);
  const page = await visitor.get(link);
  return { visitor, page, answer: page.status === 200 ? await visitor.post(link, { password }) : page };
}

describe('who may do what', () => {
  /** Everything that the team's pages do, to a member and an invite. */
  const actions = {
    'see the team': (visitor) => visitor.get(TEAM),
    'invite': (visitor) => visitor.post(INVITES, { email: newEmail(), role: 'member' }),
    'withdraw an invite': (visitor, on) => visitor.post(`${INVITES}/${on.invite}/withdraw`),
    'change a role': (visitor, on) => visitor.post(`${TEAM}/${on.user}/role`, { role: 'admin' }),
    'ask to remove': (visitor, on) => visitor.get(`${TEAM}/${on.user}/remove`),
    'remove': (visitor, on) => visitor.post(`${TEAM}/${on.user}/remove`),
  };
  const OF_THE_WORKSPACE = ['see the team', 'invite'];

  /** A member and an invite of the workspace. */
  async function target() {
    const owner = await signIn({ email: creds.owner_email, password: creds.owner_password });
    const person = await insertPerson(gateway, creds, 'member');
    const email = newEmail();
    return { user: person.user_id, email: person.email, invited: email, invite: (await invite(owner, email)).id };
  }

  for (const role of ['owner', 'admin']) {
    test(`an ${role} manages the team`, async () => {
      const visitor = await loginAs(gateway, creds, role);
      const on = await target();
      const page = await visitor.get(TEAM);
      for (const shown of [on.email, on.invited, creds.owner_email]) assert.ok(page.text.includes(escaped(shown)), shown);
      assert.equal(page.text.match(/>you</g).length, 1);
      for (const [name, act] of Object.entries(actions)) {
        const { status, text } = await act(visitor, on);
        assert.ok([200, 303].includes(status), `${name}: ${status} ${text}`);
      }
      assert.equal(await member({ user_id: on.user }), undefined);
    });
  }

  test('a member is shown the restricted card, and nothing of the team', async () => {
    const on = await target();
    const visitor = await loginAs(gateway, creds, 'member');
    const before = await everything();
    for (const [name, act] of Object.entries(actions)) {
      const { status, text } = await act(visitor, on);
      assert.equal(status, 403, name);
      for (const data of [on.user, on.email, on.invite, on.invited, creds.owner_email]) {
        assert.ok(!text.includes(escaped(data)), `${name} shows ${data}`);
      }
    }
    assert.equal(await everything(), before);
    assert.match((await visitor.get(TEAM)).text, /Ask an owner or admin/);
  });

  test('whoever is not signed in is sent to sign in, and nothing is done', async () => {
    const on = await target();
    const nobody = new Visitor(gateway);
    await nobody.get('/login');
    const before = await everything();
    for (const [name, act] of Object.entries(actions)) assert.ok(isOut(await act(nobody, on)), name);
    for (const answer of [await nobody.get(ACCOUNT), await nobody.post(PASSWORD, { new: NEW_PASSWORD })]) assert.ok(isOut(answer));
    assert.equal(await everything(), before);
  });

  test('another workspace\'s members and invites are not found, not shown and not changed', async () => {
    const on = await target();
    const visitor = await signIn(foreign);
    const before = await everything();
    const page = await visitor.get(TEAM);
    assert.equal(page.status, 200);
    for (const data of [on.email, on.invited, creds.owner_email]) assert.ok(!page.text.includes(escaped(data)), data);
    for (const [name, act] of Object.entries(actions)) {
      if (OF_THE_WORKSPACE.includes(name)) continue;
      const { status, text } = await act(visitor, on);
      assert.equal(status, 404, name);
      assert.ok(!text.includes(escaped(on.email)));
    }
    for (const id of ['x', newId('usr_'), newId('inv_')]) {
      for (const path of [`${TEAM}/${id}/role`, `${TEAM}/${id}/remove`, `${INVITES}/${id}/withdraw`]) {
        assert.equal((await visitor.post(path, { role: 'member' })).status, 404, path);
      }
    }
    assert.equal(await everything(), before);
  });

  test('an admin makes, changes, invites and removes no owner', async () => {
    const owner = await signIn({ email: creds.owner_email, password: creds.owner_password });
    const email = newEmail();
    const { id } = await invite(owner, email, 'owner');
    const other = await insertPerson(gateway, creds, 'member');
    const admin = await loginAs(gateway, creds, 'admin');
    const page = await admin.get(TEAM);
    assert.ok(!page.text.includes(`${TEAM}/${creds.user_id}/`) && !page.text.includes('<option value="owner"'));
    assert.ok(!page.text.includes(`${INVITES}/${id}/withdraw`));
    const before = await everything();
    for (const [path, fields] of [
      [`${TEAM}/${creds.user_id}/role`, { role: 'member' }],
      [`${TEAM}/${creds.user_id}/remove`],
      [`${TEAM}/${other.user_id}/role`, { role: 'owner' }],
      [INVITES, { email: newEmail(), role: 'owner' }],
      [`${INVITES}/${id}/withdraw`],
      // A new invite of the same address would take the owner's away.
      [INVITES, { email, role: 'member' }],
    ]) {
      assert.equal((await admin.post(path, fields)).status, 403, path);
    }
    assert.equal((await admin.get(`${TEAM}/${creds.user_id}/remove`)).status, 403);
    assert.equal(await everything(), before);
  });

  test('an admin may not raise themselves', async () => {
    const person = await insertPerson(gateway, creds, 'admin');
    const admin = await signIn(person);
    assert.equal((await admin.post(`${TEAM}/${person.user_id}/role`, { role: 'owner', confirmed: 'yes' })).status, 403);
    assert.equal(await member(person), 'admin');
  });
});

describe('forms', () => {
  const key = `key_${'a'.repeat(26)}`;
  const request = `req_${'a'.repeat(31)}`;
  const paths = () => [
    '/logout', '/theme', PASSWORD, `${ACCOUNT}/sessions/end`,
    INVITES, `${INVITES}/${newId('inv_')}/withdraw`, `${TEAM}/${creds.user_id}/role`, `${TEAM}/${creds.user_id}/remove`,
    '/settings/stores', ...['rename', 'archive', 'restore'].map((what) => `/settings/stores/${creds.store_id}/${what}`),
    '/settings/connectors', ...['revoke', 'pause', 'resume', 'rotate', 'secret'].map((what) => `/settings/connectors/${key}/${what}`),
    ...['retry', 'discard'].map((what) => `/settings/connectors/${key}/parked/${request}/${what}`),
  ];
  const fields = () => ({ role: 'member', email: newEmail(), name: 'x', current: creds.owner_password, new: NEW_PASSWORD });

  test('a form without the token of its session does nothing', async () => {
    const owner = await loginAs(gateway, creds, 'owner');
    const others = await loginAs(gateway, creds, 'owner');
    const visitor = new Visitor(gateway);
    await visitor.get('/login');
    assert.ok(others.csrf && visitor.csrf && others.csrf !== owner.csrf);
    const before = await everything();
    for (const path of paths()) {
      for (const csrf of [[], '', 'x', others.csrf, visitor.csrf]) {
        assert.equal((await owner.post(path, { ...fields(), csrf })).status, 403, `${path} with ${csrf}`);
      }
      const headers = { 'x-csrf-token': others.csrf };
      assert.equal((await owner.post(path, { ...fields(), csrf: [] }, headers)).status, 403, path);
    }
    assert.equal(await everything(), before);
  });

  test('a form that another site sends does nothing, even with the token', async () => {
    const owner = await loginAs(gateway, creds, 'owner');
    const before = await everything();
    for (const path of [...paths(), '/login', '/setup', `/invite/${'a'.repeat(64)}`]) {
      for (const headers of [{ origin: 'https://evil.example' }, { origin: 'null' }, { 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'same-site' }]) {
        assert.equal((await owner.post(path, fields(), headers)).status, 403, `${path} ${JSON.stringify(headers)}`);
      }
    }
    assert.equal(await everything(), before);
  });

  test('the token may come as a header, as htmx sends it', async () => {
    const owner = await loginAs(gateway, creds, 'owner');
    const headers = { 'x-csrf-token': owner.csrf, origin: gateway.url, 'sec-fetch-site': 'same-origin' };
    assert.equal((await owner.post(INVITES, { ...fields(), csrf: [] }, headers)).status, 200);
  });
});

describe('invites', () => {
  let owner;
  before(async () => {
    owner = await signIn({ email: creds.owner_email, password: creds.owner_password });
  });

  test('a link lets one person in, once, under the role that it was made for', async () => {
    const email = newEmail();
    const { link } = await invite(owner, email, 'admin');
    const page = await owner.get(TEAM);
    assert.ok(page.text.includes(email) && !page.text.includes(link), 'the list shows the invite, never its link');
    const { visitor, answer } = await join(link);
    assert.deepEqual([answer.status, answer.location], [303, '/']);
    const team = await visitor.get(TEAM);
    assert.equal(team.status, 200);
    const [row] = await gateway.d1(
      'SELECT m.role, m.workspace_id FROM memberships m JOIN users u ON u.id = m.user_id WHERE u.email = ?1', [email]);
    assert.deepEqual(row, { role: 'admin', workspace_id: creds.workspace_id });
    const again = await join(link);
    assert.equal(again.page.status, 404);
    assert.equal((await again.visitor.post(link, { password: NEW_PASSWORD, csrf: visitor.csrf })).status, 403);
    assert.deepEqual(await gateway.d1('SELECT * FROM invites WHERE email = ?1', [email]), []);
  });

  test('the link is shown once, kept nowhere, and only its hash is stored', async () => {
    const email = newEmail();
    const answer = await owner.post(INVITES, { email, role: 'member' });
    const token = linkOf(answer).slice('/invite/'.length);
    assert.match(answer.text, /no mail is sent/);
    assert.equal(answer.headers.get('cache-control'), 'no-store');
    assert.ok(!(await everything()).includes(token));
    assert.ok(!(await owner.get(TEAM)).text.includes(token));
  });

  test('htmx is answered the layer alone, and what is wrong with the form in its place', async () => {
    const htmx = { 'hx-request': 'true', 'hx-target': 'layer' };
    const good = await owner.post(INVITES, { email: newEmail(), role: 'member' }, htmx);
    assert.match(good.text, /^<dialog/);
    for (const [email, status] of [['ann', 422], [creds.owner_email, 409]]) {
      const wrong = await owner.post(INVITES, { email, role: 'member' }, htmx);
      assert.deepEqual([wrong.status, wrong.headers.get('hx-retarget'), wrong.headers.get('hx-reswap')], [status, '#invite', 'outerHTML']);
      assert.match(wrong.text, /^<section[^]*aria-invalid="true"/);
      assert.ok(wrong.text.includes(`value="${email}"`), 'what was typed stays');
    }
  });

  test('one that is used up, withdrawn, expired or made up leads nowhere', async () => {
    const withdrawn = await invite(owner, newEmail());
    assert.equal((await owner.post(`${INVITES}/${withdrawn.id}/withdraw`)).location, TEAM);
    const expired = await invite(owner, newEmail());
    await gateway.d1('UPDATE invites SET expires_at = ?1 WHERE id = ?2', [Date.now() - 1, expired.id]);
    const replaced = newEmail();
    const older = await invite(owner, replaced);
    await invite(owner, replaced);
    const before = await everything();
    for (const { link } of [withdrawn, expired, older]) assert.equal((await join(link)).page.status, 404);
    assert.ok(!(await owner.get(TEAM)).text.includes(`${INVITES}/${expired.id}/`));
    assert.equal(await everything(), before);
  });

  test('one that expires while its page is open lets nobody in', async () => {
    const { link, id } = await invite(owner, newEmail());
    const visitor = new Visitor(gateway);
    assert.equal((await visitor.get(link)).status, 200);
    await gateway.d1('UPDATE invites SET expires_at = ?1 WHERE id = ?2', [Date.now() - 1, id]);
    const before = await everything();
    assert.equal((await visitor.post(link, { password: NEW_PASSWORD })).status, 404);
    assert.equal(await everything(), before);
  });

  test('a made-up link costs no query', async () => {
    const { link } = await invite(owner, newEmail());
    const visitor = new Visitor(gateway);
    await visitor.get(link);
    const token = link.slice('/invite/'.length);
    const forged = token.slice(0, -1) + (token.endsWith('a') ? 'b' : 'a');
    const cost = await gateway.cost(async () => {
      for (const text of [forged, base32(Buffer.alloc(40, 7)), 'x', creds.api_key]) {
        assert.equal((await visitor.get(`/invite/${text}`)).status, 404);
        assert.equal((await visitor.post(`/invite/${text}`, { password: NEW_PASSWORD })).status, 404);
      }
    });
    assert.equal(cost.d1.queries, 0);
  });

  test('of two who follow one link at once one gets in', async () => {
    for (let round = 0; round < 3; round += 1) {
      const email = newEmail();
      const { link } = await invite(owner, email);
      const both = [new Visitor(gateway), new Visitor(gateway)];
      for (const visitor of both) await visitor.get(link);
      const answers = await Promise.all(both.map((visitor) => visitor.post(link, { password: NEW_PASSWORD })));
      assert.deepEqual(answers.map(({ status }) => status).sort(), [303, 404]);
      assert.equal((await gateway.d1('SELECT * FROM users WHERE email = ?1', [email])).length, 1);
    }
  });

  test('who has an account joins with its password, and keeps what they are elsewhere', async () => {
    const visitor = await signIn(foreign);
    const person = await insertPerson(gateway, creds, 'member');
    const { link } = await invite(visitor, person.email, 'admin');
    const wrong = await join(link, NEW_PASSWORD);
    assert.equal(wrong.answer.status, 422);
    const { answer } = await join(link, person.password);
    assert.equal(answer.status, 303);
    const rows = await gateway.d1('SELECT workspace_id, role FROM memberships WHERE user_id = ?1', [person.user_id]);
    assert.deepEqual(new Set(rows.map(({ workspace_id, role }) => `${workspace_id} ${role}`)),
      new Set([`${creds.workspace_id} member`, `${globex.workspace_id} admin`]));
  });

  test('whoever is removed or demoted does not come back by an invite of their own', async () => {
    for (const act of [['remove', {}], ['role', { role: 'member' }]]) {
      const person = await insertPerson(gateway, creds, 'admin');
      const { link } = await invite(await signIn(person), newEmail());
      assert.equal((await owner.post(`${TEAM}/${person.user_id}/${act[0]}`, act[1])).status, 303);
      assert.equal((await join(link)).page.status, 404);
    }
  });
});

describe('roles and removals', () => {
  let owner;
  before(async () => {
    owner = await signIn({ email: creds.owner_email, password: creds.owner_password });
  });

  /** A workspace of its own with these owners, signed in. */
  async function owners(count) {
    const workspace = await insertWorkspace(gateway, 'Initech');
    await gateway.d1('DELETE FROM api_keys WHERE workspace_id = ?1', [workspace.workspace_id]);
    const people = [];
    for (let n = 0; n < count; n += 1) people.push(await insertPerson(gateway, creds, 'owner', workspace.workspace_id));
    await gateway.d1('DELETE FROM memberships WHERE user_id = ?1', [workspace.user_id]);
    const left = async () =>
      (await gateway.d1("SELECT count(*) AS n FROM memberships WHERE workspace_id = ?1 AND role = 'owner'", [workspace.workspace_id]))[0].n;
    return { people, left };
  }

  test('the last owner is neither demoted nor removed, by nobody, not even themselves', async () => {
    const { people: [only], left } = await owners(1);
    const visitor = await signIn(only);
    const page = await visitor.get(TEAM);
    assert.ok(!page.text.includes(`${TEAM}/${only.user_id}/`) && page.text.includes('The only owner'));
    const before = await everything();
    for (const [path, fields] of [['remove', {}], ['role', { role: 'admin', confirmed: 'yes' }], ['role', { role: 'member', confirmed: 'yes' }]]) {
      const answer = await visitor.post(`${TEAM}/${only.user_id}/${path}`, fields);
      assert.equal(answer.status, 409);
      assert.match(answer.text, /role="alert"[^]*A workspace keeps at least one owner\./);
    }
    assert.equal(await everything(), before);
    assert.equal(await left(), 1);
  });

  test('two owners who demote or remove each other at once leave one', async () => {
    for (const [path, fields] of [['role', { role: 'member' }], ['remove', {}], ['role', { role: 'admin' }]]) {
      const { people, left } = await owners(2);
      const visitors = [await signIn(people[0]), await signIn(people[1])];
      const answers = await Promise.all(visitors.map((visitor, n) => visitor.post(`${TEAM}/${people[1 - n].user_id}/${path}`, fields)));
      assert.equal(await left(), 1);
      const done = answers.filter(({ status, location }) => status === 303 && location === TEAM);
      assert.equal(done.length, 1, JSON.stringify(answers.map(({ status }) => status)));
    }
  });

  test('nobody acts by a role that is taken away while they act, nor on whom has another by then', async () => {
    for (const [name, args] of [['change_member_role', { p_role: 'admin' }], ['remove_member', {}]]) {
      for (const [whose, to] of [['admin', 'member'], ['on', 'owner']]) {
        const people = { admin: await insertPerson(gateway, creds, 'admin'), on: await insertPerson(gateway, creds, 'member') };
        const { api_key } = await insertApiKey(gateway, creds.workspace_id, people.admin.user_id);
        // Who calls, whom it is about, their tails: then the batch waits.
        await gateway.fault({ class: 'D1', mode: 'hang', ms: 700, skip: 3, times: 1 });
        await gateway.resetMeter();
        const acting = rpc(gateway, api_key, `core.rpc_${name}`, { p_user_id: people.on.user_id, ...args });
        await until(() => gateway.meter(), ({ d1 }) => d1.calls === 4);
        await gateway.d1('UPDATE memberships SET role = ?1 WHERE user_id = ?2', [to, people[whose].user_id]);
        const before = await everything();
        const { status, body } = await acting;
        assert.deepEqual([status, body.code], [409, 'invalid_state'], `${name} while ${whose} becomes ${to}`);
        assert.match(body.detail, /changed by somebody else meanwhile/);
        assert.equal(await everything(), before);
      }
    }
  });

  test('demoting oneself is asked about first; then it holds on the next page', async () => {
    const person = await insertPerson(gateway, creds, 'admin');
    const visitor = await signIn(person);
    const asked = await visitor.post(`${TEAM}/${person.user_id}/role`, { role: 'member' });
    assert.equal(asked.status, 200);
    assert.ok(asked.text.includes(`Make yourself, “${person.email}”, a member?`));
    assert.equal(await member(person), 'admin');
    const done = await visitor.post(`${TEAM}/${person.user_id}/role`, { role: 'member', confirmed: 'yes' });
    assert.deepEqual([done.status, done.location], [303, ACCOUNT]);
    assert.equal((await visitor.get(TEAM)).status, 403);
    assert.equal((await visitor.get(ACCOUNT)).status, 200);
  });

  test('leaving is asked about, and ends the session', async () => {
    const person = await insertPerson(gateway, creds, 'admin');
    const visitor = await signIn(person);
    const asked = await visitor.get(`${TEAM}/${person.user_id}/remove`, 'layer');
    assert.match(asked.text, /^<dialog[^]*Leave this workspace as/);
    const left = await visitor.post(`${TEAM}/${person.user_id}/remove`);
    assert.ok(isOut(left));
    assert.ok(left.headers.getSetCookie().some((set) => /^__Host-tidegate=;.*max-age=0/i.test(set)));
    assert.ok(isOut(await visitor.get(ACCOUNT)));
    assert.match((await visitor.get(left.location)).text, /You have left the workspace\./);
  });

  test('removing somebody ends their session, their API key and what is shown them live, at once', async () => {
    const person = await insertPerson(gateway, creds, 'admin');
    const { api_key } = await insertApiKey(gateway, creds.workspace_id, person.user_id);
    const visitor = await signIn(person);
    const key = await mint(gateway, creds);
    const tail = await follow(visitor, key);
    const dialog = await owner.get(`${TEAM}/${person.user_id}/remove`);
    assert.ok(dialog.text.includes(`Remove “${person.email}”?`));
    assert.equal((await owner.post(`${TEAM}/${person.user_id}/remove`)).location, TEAM);
    assert.ok(isOut(await visitor.get(ACCOUNT)));
    assert.equal((await rpc(gateway, api_key, 'core.rpc_list_stores')).status, 401);
    await until(() => tail.closed, Boolean, 5);
    const again = await login(gateway, person.email, person.password).catch((reason) => reason.message);
    assert.match(String(again), /answered 422[^]*belongs to no workspace/);
  });

  test('demoting somebody to member ends what is shown them live, and their pages are closed to them', async () => {
    const person = await insertPerson(gateway, creds, 'admin');
    const visitor = await signIn(person);
    const tail = await follow(visitor, await mint(gateway, creds));
    assert.equal((await owner.post(`${TEAM}/${person.user_id}/role`, { role: 'member' })).location, TEAM);
    await until(() => tail.closed, Boolean, 5);
    assert.equal((await visitor.get(TEAM)).status, 403);
    assert.equal((await visitor.get(ACCOUNT)).status, 200);
  });
});

/** Follows the log of a key, as an open drawer does. */
async function follow(visitor, key) {
  const tail = { closed: null };
  const heard = { text: () => {}, close: (code, reason) => (tail.closed = { code, reason }) };
  const headers = { cookie: visitor.cookie, origin: gateway.url };
  const { status, body } = await openWebSocket(`${gateway.url}/settings/connectors/${key.key_id}/tail`, heard, headers);
  assert.equal(status, 101, body);
  return tail;
}

describe('the account', () => {
  test('shows one\'s own sessions in this workspace, and which one is this', async () => {
    const person = await insertPerson(gateway, creds, 'member');
    const first = new Visitor(gateway);
    await first.get('/login');
    const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0';
    await first.post('/login', { email: person.email, password: person.password }, { ...FROM_THERE, 'user-agent': firefox });
    const second = await signIn(person);
    const page = await second.get(ACCOUNT);
    assert.equal(page.status, 200);
    assert.ok(page.text.includes('Firefox on Linux') && page.text.includes(ADDRESS) && page.text.includes(person.email));
    assert.equal(page.text.match(/This session/g).length, 1);
    assert.equal(page.text.match(/<th scope="row"/g).length, 2);
    assert.ok(!page.text.includes(creds.owner_email));
  });

  test('a new password ends every other session at once, and gives this browser a new one', async () => {
    const person = await insertPerson(gateway, creds, 'admin');
    await gateway.d1("INSERT INTO memberships VALUES (?1, ?2, 'member', ?3)", [globex.workspace_id, person.user_id, Date.now()]);
    const [browser, phone] = [await signIn(person), await signIn(person)];
    const tail = await follow(phone, await mint(gateway, creds));
    const before = browser.cookie;
    let answer;
    const entries = await noted(async () => {
      answer = await browser.post(PASSWORD, { current: person.password, new: NEW_PASSWORD }, FROM_THERE);
    });
    assert.deepEqual([answer.status, answer.location], [303, ACCOUNT]);
    assert.ok(isOut(await phone.get(ACCOUNT)));
    await until(() => tail.closed, Boolean, 5);
    assert.notEqual(browser.cookie, before);
    assert.equal((await browser.get(ACCOUNT)).status, 200);
    const old = await fetch(`${gateway.url}${ACCOUNT}`, { headers: { cookie: before }, redirect: 'manual' });
    assert.equal(old.status, 303, 'the session that was used before is over too');
    assert.deepEqual(
      entries.map(({ action, user_id, subject, address, api_key_id }) => [action, user_id, subject, address, api_key_id]),
      [['user.password_changed', person.user_id, person.user_id, ADDRESS, null]],
    );
    await assert.rejects(login(gateway, person.email, person.password), /answered 422/);
    await login(gateway, person.email, NEW_PASSWORD);
  });

  test('a wrong current password or a weak new one changes nothing', async () => {
    const person = await insertPerson(gateway, creds, 'member');
    const visitor = await signIn(person);
    const before = await everything();
    for (const [fields, said] of [
      [{ current: 'not the password at all', new: NEW_PASSWORD }, /id="f-current-error"[^]*This is not your password/],
      [{ current: '', new: NEW_PASSWORD }, /id="f-current-error"/],
      [{ current: person.password, new: 'fourteen chars' }, /id="f-new-error"[^]*at least 15 characters/],
      [{ current: person.password, new: 'x'.repeat(201) }, /id="f-new-error"/],
    ]) {
      const answer = await visitor.post(PASSWORD, fields);
      assert.equal(answer.status, 422);
      assert.match(answer.text, said);
      assert.ok(!answer.text.includes(NEW_PASSWORD) && !answer.text.includes(person.password));
    }
    assert.equal(await everything(), before);
  });

  test('signing out everywhere else leaves this session, and nobody else\'s', async () => {
    const person = await insertPerson(gateway, creds, 'admin');
    const [here, there, other] = [await signIn(person), await signIn(person), await loginAs(gateway, creds, 'admin')];
    const key = await mint(gateway, creds);
    const [kept, ended] = [await follow(here, key), await follow(there, key)];
    let answer;
    const [entry, ...more] = await noted(async () => {
      answer = await here.post(`${ACCOUNT}/sessions/end`, {}, FROM_THERE);
    });
    assert.deepEqual([answer.status, answer.location], [303, ACCOUNT]);
    assert.ok(isOut(await there.get(ACCOUNT)));
    await until(() => ended.closed, Boolean, 5);
    for (const visitor of [here, other]) assert.equal((await visitor.get(ACCOUNT)).status, 200);
    assert.equal(kept.closed, null);
    assert.deepEqual([entry.action, entry.user_id, entry.address, more.length], ['session.others_ended', person.user_id, ADDRESS, 0]);
  });
});

describe('signing in', () => {
  test('an address without an account and a wrong password are answered the same, byte for byte', async () => {
    const visitor = new Visitor(gateway);
    await visitor.get('/login');
    const ask = async (email) => {
      const { status, headers, text } = await visitor.post('/login', { email, password: 'not the password at all' });
      const kept = [...headers].filter(([name]) => !['x-request-id', 'date'].includes(name));
      return JSON.stringify([status, kept, text.replaceAll(email, 'EMAIL')]).replaceAll(/"content-length","\d+"/g, '');
    };
    const known = await ask(creds.owner_email);
    assert.equal(await ask('nobody@example.com'), known);
    assert.ok(known.startsWith('[422,'));
  });

  test('the eleventh attempt within a minute is 429 before any query, for an account or an address', async () => {
    const limited = await startGateway();
    try {
      const owner = await setup(limited);
      const visitor = new Visitor(limited);
      await visitor.get('/login');
      const attempt = (email, from, password = 'x') => visitor.post('/login', { email, password }, { 'cf-connecting-ip': from });
      await limited.nextMinute();
      for (let n = 0; n < 10; n += 1) assert.equal((await attempt(owner.owner_email, `192.0.2.${n}`)).status, 422);
      for (let n = 0; n < 10; n += 1) assert.equal((await attempt(`nobody${n}@example.com`, '198.51.100.1')).status, 422);
      const cost = await limited.cost(async () => {
        for (const answer of [
          await attempt(owner.owner_email, '192.0.2.99', owner.owner_password),
          await attempt(`  ${owner.owner_email.toUpperCase()} `, '192.0.2.98', owner.owner_password),
          await attempt('someone.else@example.com', '198.51.100.1'),
        ]) {
          assert.equal(answer.status, 429);
          assert.equal(answer.headers.get('retry-after'), '60');
        }
      });
      assert.deepEqual([cost.d1.queries, cost.KeyGate.fetches], [0, 0]);
      assert.equal((await attempt('someone.else@example.com', '192.0.2.97')).status, 422, 'others still get in');
    } finally {
      await limited.stop();
    }
  });

  test('guesses at the current password are limited as logins are', async () => {
    const limited = await startGateway();
    try {
      const owner = await setup(limited);
      await limited.nextMinute();
      const visitor = await login(limited, owner.owner_email, owner.owner_password);
      const guess = () => visitor.post(PASSWORD, { current: 'x', new: NEW_PASSWORD });
      for (let n = 0; n < 9; n += 1) assert.equal((await guess()).status, 422);
      const right = await visitor.post(PASSWORD, { current: owner.owner_password, new: NEW_PASSWORD });
      assert.equal(right.status, 429);
    } finally {
      await limited.stop();
    }
  });

  test('a wrong password is noted where the account belongs, after the answer', async () => {
    const person = await insertPerson(gateway, creds, 'member');
    const visitor = new Visitor(gateway);
    await visitor.get('/login');
    await visitor.post('/login', { email: person.email, password: 'not the password at all' }, FROM_THERE);
    const [entry] = await until(
      () => gateway.d1("SELECT * FROM audit_log WHERE action = 'session.refused' AND subject = ?1", [person.user_id]),
      (rows) => rows.length > 0,
    );
    assert.deepEqual(
      [entry.workspace_id, entry.user_id, entry.address, JSON.parse(entry.detail)],
      [creds.workspace_id, null, ADDRESS, { email: person.email }],
    );
  });
});

test('each change of the team is noted: who, when, from where, what it was before', async () => {
  const admin = await insertPerson(gateway, creds, 'owner');
  const on = await insertPerson(gateway, creds, 'member');
  const visitor = await signIn(admin);
  const email = newEmail();
  const begun = gateway.now();
  const entries = await noted(async () => {
    await visitor.post(INVITES, { email, role: 'admin' }, FROM_THERE);
    const [{ id }] = await gateway.d1('SELECT id FROM invites WHERE email = ?1', [email]);
    await visitor.post(`${INVITES}/${id}/withdraw`, {}, FROM_THERE);
    await visitor.post(`${TEAM}/${on.user_id}/role`, { role: 'admin' }, FROM_THERE);
    await visitor.post(`${TEAM}/${on.user_id}/role`, { role: 'admin' }, FROM_THERE);
    await visitor.post(`${TEAM}/${on.user_id}/remove`, {}, FROM_THERE);
  });
  for (const entry of entries) {
    assert.deepEqual([entry.workspace_id, entry.user_id, entry.api_key_id, entry.address], [creds.workspace_id, admin.user_id, null, ADDRESS]);
    assert.ok(entry.at >= begun && entry.at <= gateway.now());
  }
  assert.deepEqual(entries.map(({ action, detail }) => [action, detail]), [
    ['member.invited', { email, role: 'admin' }],
    ['invite.withdrawn', { email, role: 'admin' }],
    ['member.role_changed', { email: on.email, before: 'member', role: 'admin' }],
    ['member.removed', { email: on.email, role: 'admin' }],
  ]);
});

test('the procedures do the same: a link once, roles, removals, the last owner', async () => {
  const invited = await rpc(gateway, creds.api_key, 'core.rpc_invite_member', { p_email: 'RPC@Example.com', p_role: 'admin' });
  assert.equal(invited.status, 201);
  assert.match(invited.body.invite_url, new RegExp(`^${gateway.url}/invite/[a-z2-7]{64}$`));
  const { invites } = await must(gateway, creds.api_key, 'core.rpc_list_invites');
  const listed = invites.find(({ invite_id }) => invite_id === invited.body.invite_id);
  assert.deepEqual([listed.email, listed.role, listed.invited_by], ['rpc@example.com', 'admin', creds.owner_email]);
  assert.ok(!JSON.stringify(invites).includes('invite/'));
  const { answer } = await join(invited.body.invite_url.slice(gateway.url.length));
  assert.equal(answer.status, 303);
  const { members } = await must(gateway, creds.api_key, 'core.rpc_list_members');
  const joined = members.find(({ email }) => email === 'rpc@example.com');
  assert.equal(joined.role, 'admin');
  const changed = await must(gateway, creds.api_key, 'core.rpc_change_member_role', { p_user_id: joined.user_id, p_role: 'member' });
  assert.equal(changed.role, 'member');
  await must(gateway, creds.api_key, 'core.rpc_remove_member', { p_user_id: joined.user_id });
  assert.equal(await member(joined), undefined);
  const globexKey = { p_user_id: globex.user_id };
  await gateway.d1('DELETE FROM memberships WHERE workspace_id = ?1 AND user_id <> ?2', [globex.workspace_id, globex.user_id]);
  for (const [name, args] of [['change_member_role', { ...globexKey, p_role: 'admin' }], ['remove_member', globexKey]]) {
    const refused = await rpc(gateway, globex.api_key, `core.rpc_${name}`, args);
    assert.deepEqual([refused.status, refused.body.code], [409, 'invalid_state']);
  }
});
