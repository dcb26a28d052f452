/** Settings → Audit log: who sees it, what it says, filters and pages, and the log as a file. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { Visitor, escaped, insertPerson, login, loginAs } from './support/console.mjs';
import { insertWorkspace, newId } from './support/credentials.mjs';
import { createStore, mint, must, setup, useGateway } from './support/gateway.mjs';

const AUDIT = '/settings/audit';
const FROM_THERE = { 'cf-connecting-ip': '203.0.113.7' };

const gateway = await useGateway();
let creds;
let owner;

before(async () => {
  creds = await setup(gateway);
  owner = await login(gateway, creds.owner_email, creds.owner_password);
});

/** A workspace with `count` entries of `store.renamed`, one a second up to an hour ago; every `each`th is of a subject of its own. */
async function workspaceWithEntries(count, each = 1000) {
  const workspace = await insertWorkspace(gateway, 'Globex');
  const person = await insertPerson(gateway, creds, 'owner', workspace.workspace_id);
  const end = Date.now() - 3_600_000;
  // Digits that base32 does not have are written as letters.
  await gateway.d1(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
     INSERT INTO audit_log (id, workspace_id, at, action, user_id, address, subject, detail)
     SELECT 'aud_' || ?6 || replace(replace(replace(replace(printf('%012d', i), '0', 'a'), '1', 'b'), '8', 'c'), '9', 'd'),
       ?2, ?3 + i * 1000, 'store.renamed', ?4, '192.0.2.1', iif(i % ?5 = 0, 'sto_rare', 'sto_common'), json_object('name', 'Shop ' || i) FROM n`,
    [count, workspace.workspace_id, end - count * 1000, person.user_id, each, newId('').slice(0, 4)],
  );
  return { ...workspace, ...person, visitor: await login(gateway, person.email, person.password), time: (n) => end - count * 1000 + n * 1000 };
}

const rowsOf = (text) => [...text.matchAll(/<th scope="row"><time datetime="([^"]+)"/g)].map(([, at]) => at);
const linkTo = (text, label) => new RegExp(`<a[^>]* href="([^"]+)"[^>]*>(?:<span class="label">)?${label}`).exec(text)?.[1].replaceAll('&amp;', '&');

describe('who sees it', () => {
  const paths = [AUDIT, `${AUDIT}/export.csv`, `${AUDIT}/export.ndjson`];

  test('owners and admins do; a member is refused, and shown none of it', async () => {
    const [admin, member] = [await loginAs(gateway, creds, 'admin'), await loginAs(gateway, creds, 'member')];
    for (const path of paths) {
      assert.equal((await admin.get(path)).status, 200, path);
      const before = await gateway.d1('SELECT count(*) AS n FROM audit_log');
      const refused = await member.get(path);
      assert.equal(refused.status, 403, path);
      for (const data of [creds.owner_email, creds.workspace_id, 'workspace.created', 'Set this workspace up']) assert.ok(!refused.text.includes(data));
      assert.deepEqual(await gateway.d1('SELECT count(*) AS n FROM audit_log'), before);
    }
  });

  test('who is not signed in is sent to sign in', async () => {
    for (const path of paths) {
      const { status, location } = await new Visitor(gateway).get(path);
      assert.equal(status, 303);
      assert.ok(location.startsWith('/login'));
    }
  });

  test('another workspace\'s entries are in no page and no file', async () => {
    const other = await workspaceWithEntries(3);
    for (const path of paths) {
      const { text } = await other.visitor.get(path);
      assert.ok(text.includes('Shop 3'), path);
      for (const data of [creds.owner_email, creds.workspace_id]) assert.ok(!text.includes(data), path);
      const own = (await owner.get(path)).text;
      assert.ok(!own.includes('Shop 3') && own.includes(creds.owner_email), path);
    }
    const asked = await other.visitor.get(`${AUDIT}?who=${creds.owner_email}`);
    assert.deepEqual(rowsOf(asked.text), []);
  });
});

describe('what it says', () => {
  test('who did what to what, when, from where', async () => {
    const key = await mint(gateway, creds, { p_name: 'Shop <b>' });
    const person = await insertPerson(gateway, creds, 'admin');
    await owner.post(`/settings/team/${person.user_id}/role`, { role: 'member' }, FROM_THERE);
    const { text } = await owner.get(AUDIT);
    for (const said of [
      'Minted a key', escaped('Shop <b>'), `href="/settings/connectors/${key.key_id}"`, `via API key <span class="mono">${creds.api_key_id}`,
      'Changed a role', person.email, '203.0.113.7', creds.owner_email, '&quot;before&quot;: &quot;admin&quot;',
    ]) {
      assert.ok(text.includes(said), said);
    }
    assert.ok(!text.includes('Shop <b>'));
  });

  test('an action that is not known is shown as it is; nobody signed in and Tidegate are named', async () => {
    const entry = (action, subject) => gateway.d1(
      "INSERT INTO audit_log (id, workspace_id, at, action, subject, detail) VALUES (?1, ?2, ?3, ?4, ?5, '{}')",
      [newId('aud_'), creds.workspace_id, Date.now(), action, subject]);
    await entry('tide.turned', '<i>moon</i>');
    await entry('session.refused', creds.user_id);
    await entry('integration_key.expired', 'key_x');
    const { text } = await owner.get(AUDIT);
    assert.ok(text.includes('<span class="mono">tide.turned</span>') && text.includes(escaped('<i>moon</i>')));
    assert.ok(text.includes('>Nobody signed in<') && text.includes('>Tidegate</span>'));
    assert.ok(!text.includes('<i>moon'));
  });
});

describe('filters and pages', () => {
  let many;
  before(async () => {
    many = await workspaceWithEntries(2_450);
  });

  test('pages hold 50 and leave out and repeat nothing', async () => {
    const seen = [];
    let path = `${AUDIT}?subject=`;
    for (let page = 0; path && page < 100; page += 1) {
      const { text } = await many.visitor.get(path);
      const rows = rowsOf(text);
      assert.ok(rows.length <= 50);
      seen.push(...rows);
      path = linkTo(text, 'Older');
    }
    const renamed = seen.filter((at) => Date.parse(at) <= many.time(2_450));
    assert.equal(renamed.length, 2_450);
    assert.deepEqual(renamed, [...new Set(renamed)].sort().reverse());
  });

  test('entries of one and the same millisecond are paged without a gap', async () => {
    const one = await workspaceWithEntries(1);
    const at = one.time(1) - 10_000;
    for (let n = 0; n < 120; n += 1) {
      await gateway.d1("INSERT INTO audit_log (id, workspace_id, at, action, subject, detail) VALUES (?1, ?2, ?3, 'store.created', ?4, '{}')",
        [newId('aud_'), one.workspace_id, at, `sto_${n}`]);
    }
    const subjects = [];
    let path = AUDIT;
    for (let page = 0; path && page < 10; page += 1) {
      const { text } = await one.visitor.get(path);
      subjects.push(...[...text.matchAll(/>(sto_\d+)</g)].map(([, subject]) => subject));
      path = linkTo(text, 'Older');
    }
    assert.equal(subjects.length, 120);
    assert.equal(new Set(subjects).size, 120);
  });

  test('a search stops after 1,000 entries, says how far it got, and goes on from there', async () => {
    const first = await many.visitor.get(`${AUDIT}?subject=sto_rare&to=${new Date(many.time(2_451)).toISOString()}`);
    assert.match(first.text, /Searched back to/);
    const found = rowsOf(first.text);
    assert.deepEqual(found, [new Date(many.time(2_000)).toISOString()]);
    const second = await many.visitor.get(linkTo(first.text, 'Continue the search'));
    assert.deepEqual(rowsOf(second.text), [new Date(many.time(1_000)).toISOString()]);
    const third = await many.visitor.get(linkTo(second.text, 'Continue the search'));
    assert.deepEqual(rowsOf(third.text), []);
    assert.match(third.text, /No further entry matches/);
    assert.ok(!/Searched back to/.test(third.text));
  });

  test('a page reads no more rows of a long log than of a short one', async () => {
    const few = await workspaceWithEntries(60);
    const cost = async ({ visitor }, query) => (await gateway.cost(() => visitor.get(AUDIT + query))).d1.rows_read;
    const [short, long] = [await cost(few, ''), await cost(many, '')];
    assert.ok(long <= 250 && long <= short * 1.5, `${long} rows of 2,450, ${short} of 60`);
    const searched = await cost(many, '?subject=nothing');
    // Each entry once in the table and once in the index, and the session.
    assert.ok(searched <= 2_020, `${searched} rows for a search of 1,000 entries`);
  });

  test('by action, group, who, subject and time, each and together', async () => {
    const key = await mint(gateway, creds);
    await must(gateway, creds.api_key, 'core.rpc_pause_integration_key', { p_key_id: key.key_id });
    const store = await createStore(gateway, creds, 'Filtered');
    const admin = await insertPerson(gateway, creds, 'admin');
    await (await login(gateway, admin.email, admin.password)).post('/logout');
    const asked = async (filter) => {
      const { status, text } = await owner.get(`${AUDIT}?${new URLSearchParams(filter)}`);
      assert.equal(status, 200);
      return [...text.matchAll(/data-label="What">([^<]+)</g)].map(([, what]) => what);
    };
    assert.deepEqual(await asked({ subject: key.key_id }), ['Paused a key', 'Minted a key']);
    assert.deepEqual(await asked({ subject: key.key_id, action: 'integration_key.paused' }), ['Paused a key']);
    assert.deepEqual(await asked({ subject: store, action: 'store' }), ['Created a store']);
    assert.deepEqual(await asked({ subject: store, action: 'integration_key' }), []);
    assert.deepEqual(await asked({ who: ` ${admin.email.toUpperCase()} ` }), ['Signed out', 'Signed in']);
    assert.deepEqual(await asked({ action: 'stor' }), [], 'a part of a word is no group');
    assert.deepEqual(await asked({ action: '%' }), []);
    assert.deepEqual(await asked({ who: `' OR 1=1 --` }), []);
    const [{ at }] = await gateway.d1('SELECT at FROM audit_log WHERE subject = ?1', [store]);
    const iso = (ms) => new Date(ms).toISOString();
    assert.deepEqual(await asked({ subject: store, from: iso(at), to: iso(at + 1) }), ['Created a store']);
    assert.deepEqual(await asked({ subject: store, from: iso(at + 1) }), []);
    assert.deepEqual(await asked({ subject: store, to: iso(at) }), []);
    const minute = iso(at).slice(0, 16);
    assert.ok((await asked({ subject: store, from: minute })).length === 1, 'as a field of the browser sends it');
    const page = await owner.get(`${AUDIT}?action=store.created&who=a%22b&from=${minute}`);
    for (const kept of ['<option value="store.created" selected>', 'value="a&quot;b"', `value="${minute}"`]) assert.ok(page.text.includes(kept), kept);
  });

  test('a time that is none is refused, rather than ignored', async () => {
    for (const path of [AUDIT, `${AUDIT}/export.csv`]) assert.equal((await owner.get(`${path}?from=yesterday`)).status, 400);
  });
});

describe('the log as a file', () => {
  /** The records of a CSV text. */
  function csv(text) {
    const cells = [...text.matchAll(/(?:"((?:[^"]|"")*)"|([^,\r\n]*))(,|\r\n)/g)];
    const records = [[]];
    for (const [, quoted, plain, end] of cells) {
      records.at(-1).push(quoted?.replaceAll('""', '"') ?? plain);
      if (end === '\r\n') records.push([]);
    }
    return records.slice(0, -1);
  }

  test('holds what the filter selects, and is noted itself', async () => {
    const store = await createStore(gateway, creds, 'Exported, "quoted"');
    const answer = await owner.get(`${AUDIT}/export.csv?subject=${store}`);
    assert.equal(answer.status, 200);
    assert.match(answer.headers.get('content-type'), /^text\/csv/);
    assert.match(answer.headers.get('content-disposition'), /^attachment; filename="audit-log-\d{4}-\d\d-\d\d\.csv"$/);
    assert.equal(answer.headers.get('cache-control'), 'no-store');
    const [head, record, ...more] = csv(answer.text);
    assert.deepEqual(head, ['id', 'at', 'action', 'email', 'user_id', 'api_key_id', 'address', 'subject', 'detail']);
    assert.deepEqual(more, []);
    assert.deepEqual(record.slice(2, 6), ['store.created', creds.owner_email, creds.user_id, creds.api_key_id]);
    assert.deepEqual([record[7], JSON.parse(record[8])], [store, { name: 'Exported, "quoted"' }]);
    const lines = (await owner.get(`${AUDIT}/export.ndjson?subject=${store}`)).text.trim().split('\n').map((line) => JSON.parse(line));
    assert.deepEqual(lines.map(({ subject, detail }) => [subject, detail]), [[store, { name: 'Exported, "quoted"' }]]);
    const entries = await gateway.d1("SELECT * FROM audit_log WHERE action = 'audit.exported' AND workspace_id = ?1 ORDER BY at DESC, rowid DESC LIMIT 2", [creds.workspace_id]);
    assert.deepEqual(entries.map(({ user_id, detail }) => [user_id, JSON.parse(detail)]), [
      [creds.user_id, { format: 'ndjson', filter: { subject: store } }],
      [creds.user_id, { format: 'csv', filter: { subject: store } }],
    ]);
  });

  test('a stranger\'s text is no formula in a spreadsheet', async () => {
    const person = await insertPerson(gateway, creds, 'admin');
    const email = `=cmd|'/c calc'!a1@example.com`.replaceAll(' ', '');
    await gateway.d1('UPDATE users SET email = ?1 WHERE id = ?2', [email, person.user_id]);
    await login(gateway, email, person.password);
    await gateway.d1("INSERT INTO audit_log (id, workspace_id, at, action, address, subject, detail) VALUES (?1, ?2, ?3, 'a.b', '+1', '@SUM(A1)', '{}')",
      [newId('aud_'), creds.workspace_id, Date.now() - 1000]);
    const records = csv((await owner.get(`${AUDIT}/export.csv`)).text);
    assert.ok(records.some((record) => record[3] === `'${email}`));
    assert.ok(records.some((record) => record[6] === "'+1" && record[7] === "'@SUM(A1)"));
    for (const record of records) for (const cell of record) assert.ok(!/^[=+\-@\t\r]/.test(cell), cell);
  });

  test('comes page by page, each entry once', async () => {
    const many = await workspaceWithEntries(3_200);
    const stream = async (path) => {
      const response = await fetch(gateway.url + path, { headers: { cookie: many.visitor.cookie } });
      const chunks = [];
      for await (const chunk of response.body) chunks.push(Buffer.from(chunk));
      return { chunks: chunks.length, text: Buffer.concat(chunks).toString() };
    };
    let file;
    const cost = await gateway.cost(async () => {
      file = await stream(`${AUDIT}/export.ndjson`);
    });
    const records = file.text.trim().split('\n').map((line) => JSON.parse(line));
    const renamed = records.filter(({ action }) => action === 'store.renamed').map(({ detail }) => detail.name);
    assert.deepEqual(renamed, Array.from({ length: 3_200 }, (_, n) => `Shop ${3_200 - n}`));
    assert.ok(file.chunks > 1);
    // The session, the note, and four pages of a thousand.
    assert.ok(cost.d1.calls <= 7, `${cost.d1.calls} round trips`);
    const few = await stream(`${AUDIT}/export.ndjson?subject=sto_rare`);
    assert.deepEqual(few.text.trim().split('\n').map((line) => JSON.parse(line).detail.name), ['Shop 3000', 'Shop 2000', 'Shop 1000']);
    const none = await stream(`${AUDIT}/export.csv?subject=nothing`);
    assert.equal(none.text, 'id,at,action,email,user_id,api_key_id,address,subject,detail\r\n');
  });

  test('is cut after 100,000 entries, and says so', async () => {
    const huge = await workspaceWithEntries(100_001);
    const { text } = await huge.visitor.get(`${AUDIT}/export.csv?action=store`);
    const lines = text.trimEnd().split('\r\n');
    assert.equal(lines.length, 100_002);
    assert.match(lines.at(-1), /# Cut after 100000 records: there is more\./);
    // Exactly as many as may be: the file is whole.
    const whole = await huge.visitor.get(`${AUDIT}/export.ndjson?action=store&from=${new Date(huge.time(2)).toISOString()}`);
    const records = whole.text.trimEnd().split('\n');
    assert.equal(records.length, 100_000);
    assert.equal(JSON.parse(records.at(-1)).detail.name, 'Shop 2');
  });

  test('a page that fails later does not pass for the end: the last record says that it is broken off', async () => {
    const many = await workspaceWithEntries(4_000);
    const broken = async (path) => {
      await gateway.fault({ class: 'D1', mode: 'throw', skip: 4 });
      try {
        const { status, text } = await many.visitor.get(path);
        assert.equal(status, 200);
        return text.trimEnd().split(/\r?\n/);
      } finally {
        await gateway.fault();
      }
    };
    // The session, the note, and two pages; the third fails.
    const csvLines = await broken(`${AUDIT}/export.csv`);
    assert.deepEqual([csvLines.length, csvLines.at(-1)], [2_002, '# Broken off after 2000 records. Export it again.']);
    const { broken_off, records } = JSON.parse((await broken(`${AUDIT}/export.ndjson`)).at(-1));
    assert.deepEqual([broken_off, records], [true, 2_000]);
    await gateway.fault({ class: 'D1', mode: 'throw', skip: 2 });
    const first = await many.visitor.get(`${AUDIT}/export.csv`);
    await gateway.fault();
    assert.equal(first.status, 503, 'a first page that fails is answered as what it is');
  });
});

test('core.rpc_list_audit_entries answers the same, in pages', async () => {
  const store = await createStore(gateway, creds, 'Listed');
  await must(gateway, creds.api_key, 'core.rpc_rename_store', { p_store_id: store, p_name: 'Listed twice' });
  const all = { p_subject: store };
  const { entries, next_cursor } = await must(gateway, creds.api_key, 'core.rpc_list_audit_entries', all);
  assert.deepEqual(entries.map(({ action, detail }) => [action, detail]), [
    ['store.renamed', { name: 'Listed twice', before: 'Listed' }],
    ['store.created', { name: 'Listed' }],
  ]);
  assert.equal(next_cursor, null);
  const [first] = entries;
  assert.deepEqual(
    [first.email, first.user_id, first.api_key_id, first.subject],
    [creds.owner_email, creds.user_id, creds.api_key_id, store],
  );
  const one = await must(gateway, creds.api_key, 'core.rpc_list_audit_entries', { ...all, p_limit: 1 });
  const two = await must(gateway, creds.api_key, 'core.rpc_list_audit_entries', { ...all, p_limit: 1, p_cursor: one.next_cursor });
  assert.deepEqual([one.entries, two.entries], [[entries[0]], [entries[1]]]);
  const exact = { ...all, p_action: 'store.renamed', p_email: creds.owner_email, p_from: first.at };
  assert.deepEqual((await must(gateway, creds.api_key, 'core.rpc_list_audit_entries', exact)).entries, [first]);
});
