/**
 * `miniflare.config.js` and `wrangler.toml` describe one Worker.
 *
 * wrangler itself turns its file into Miniflare's options, of every kind of binding there is; so
 * whatever it finds there and ours lacks, or the other way round, is a difference. The second half
 * changes one thing at a time and shows that each is noticed.
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { unstable_getMiniflareWorkerOptions, unstable_readConfig } from 'wrangler';
import miniflareOptions, { ASSETS_DIRECTORY, SECRETS, WORKER } from '../../miniflare.config.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
const TOML = path.join(ROOT, 'wrangler.toml');

const scratch = mkdtempSync(path.join(tmpdir(), 'tidegate-config-'));
after(() => rmSync(scratch, { recursive: true }));

// wrangler refuses a file whose directory of assets is not there.
mkdirSync(ASSETS_DIRECTORY, { recursive: true });
for (const directory of ['build/assets', 'build/pages']) mkdirSync(path.join(scratch, directory), { recursive: true });

/** Options that say how wrangler bundles, and nothing about the Worker. */
const BUNDLING = ['modulesRules'];

/** What the two must share, from wrangler's file. */
function deployed(file) {
  const { name } = unstable_readConfig({ config: file });
  const { workerOptions } = unstable_getMiniflareWorkerOptions(file);
  return comparable({ ...workerOptions, name });
}

/** The same of ours: only what is the Worker's own, not how a test runs it. */
function tested(worker = WORKER) {
  return comparable(worker);
}

function comparable({ bindings = {}, ratelimits = {}, durableObjects = {}, d1Databases = {}, assets, serviceBindings, ...rest }) {
  for (const option of BUNDLING) delete rest[option];
  const vars = Object.keys(bindings).filter((name) => !SECRETS.includes(name) && name !== 'FAULT_INJECTION');
  return withoutNothing({
    ...rest,
    vars: vars.sort(),
    d1: Object.keys(d1Databases).sort(),
    objects: mapValues(durableObjects, ({ className, useSQLite }) => ({ className, useSQLite: Boolean(useSQLite) })),
    ratelimits: mapValues(ratelimits, ({ simple }) => simple),
    files: files(assets, serviceBindings),
    services: Object.keys(serviceBindings ?? {}).filter((name) => !serviceBindings[name].disk),
  });
}

/**
 * The static files by the name of their binding. Miniflare is given the directory itself, which is
 * what `run_worker_first` with no handling of names amounts to: any other setting is a difference.
 */
function files(assets, serviceBindings = {}) {
  const disks = Object.entries(serviceBindings).filter(([, { disk }]) => disk);
  const directories = disks.map(([binding, { disk }]) => [binding, path.relative(ROOT, disk.path)]);
  if (assets) {
    const { directory, binding, routerConfig, assetConfig } = assets;
    const plain =
      routerConfig.invoke_user_worker_ahead_of_assets === true &&
      assetConfig.html_handling === 'none' &&
      assetConfig.not_found_handling === 'none';
    const root = [ROOT, scratch].find((each) => directory.startsWith(each));
    directories.push([binding, plain ? path.relative(root, directory) : { routerConfig, assetConfig }]);
  }
  return Object.fromEntries(directories);
}

const mapValues = (record, of) => Object.fromEntries(Object.entries(record).map(([name, value]) => [name, of(value)]));

/** Drops what is absent or empty: wrangler names every kind of binding, used or not. */
function withoutNothing(value) {
  if (Array.isArray(value)) return value.length > 0 ? value : undefined;
  if (typeof value !== 'object' || value === null) return value ?? undefined;
  const kept = Object.entries(value)
    .map(([name, inner]) => [name, withoutNothing(inner)])
    .filter(([, inner]) => inner !== undefined);
  return kept.length > 0 ? Object.fromEntries(kept) : undefined;
}

test('wrangler_and_miniflare_agree_on_every_binding_class_and_compatibility_setting', () => {
  assert.deepEqual(tested(), deployed(TOML));
});

test('the_options_given_to_miniflare_carry_what_is_compared', () => {
  const options = miniflareOptions({ state: '/nowhere', vars: { TAG_KEYS: 'x' } });
  for (const [name, value] of Object.entries(WORKER)) {
    if (name !== 'bindings') assert.deepEqual(options[name], value, name);
  }
  assert.deepEqual(options.bindings, { ...WORKER.bindings, TAG_KEYS: 'x' });
});

test('no_secret_is_written_in_wrangler_toml', () => {
  const { vars } = unstable_readConfig({ config: TOML });
  assert.deepEqual(Object.keys(vars).filter((name) => SECRETS.includes(name)), []);
});

const TOML_CHANGES = {
  'another compatibility date': (toml) => toml.replace(/compatibility_date = "[^"]+"/, 'compatibility_date = "2024-01-01"'),
  'another compatibility flag': (toml) => `compatibility_flags = ["nodejs_compat"]\n${toml.replace(/^compatibility_flags.*$/m, "")}`,
  'another name of the Worker': (toml) => toml.replace(/^name = "[^"]+"/m, 'name = "other"'),
  'another name of D1': (toml) => toml.replace('binding = "DB"', 'binding = "DATABASE"'),
  "another name of an object's binding": (toml) => toml.replace('"KEY_GATE"', '"GATE"'),
  'another class': (toml) => toml.replaceAll('"StoreLedger"', '"Ledger"'),
  'a class that was not migrated to SQLite': (toml) => toml.replace('new_sqlite_classes', 'new_classes'),
  'another rate limit': (toml) => toml.replace(/limit = 12000/, 'limit = 12001'),
  'another period': (toml) => toml.replace(/period = 60/, 'period = 10'),
  'another name of the rate limit': (toml) => toml.replace('"WEBHOOK_LIMITER"', '"LIMITER"'),
  'a var more': (toml) => toml.replace(/^\[vars\]$/m, '[vars]\nADDED = "x"'),
  'a var less': (toml) => toml.replace(/^CONTACT_EMAIL.*$/m, ''),
  'another name of the static files': (toml) => toml.replace('"ASSETS"', '"FILES"'),
  'another directory of static files': (toml) => toml.replace('"build/assets"', '"build/pages"'),
  'a router before the Worker': (toml) => toml.replace('run_worker_first = true', 'run_worker_first = false'),
  'redirects to the names of pages': (toml) => toml.replace('html_handling = "none"', 'html_handling = "auto-trailing-slash"'),
  'a page in place of what is not there': (toml) => toml.replace('not_found_handling = "none"', 'not_found_handling = "404-page"'),
  'a queue': (toml) => `${toml}\n[[queues.producers]]\nqueue = "q"\nbinding = "Q"\n`,
  'a KV namespace': (toml) => `${toml}\n[[kv_namespaces]]\nbinding = "KV"\nid = "0"\n`,
};

for (const [change, apply] of Object.entries(TOML_CHANGES)) {
  test(`a difference is noticed: ${change} in wrangler.toml`, () => {
    const original = readFileSync(TOML, 'utf8');
    const changed = apply(original);
    assert.notEqual(changed, original, 'the change did not apply');
    const file = path.join(scratch, 'wrangler.toml');
    writeFileSync(file, changed);
    assert.notDeepEqual(tested(), deployed(file));
  });
}

const WORKER_CHANGES = {
  'a flag more': { compatibilityFlags: [...WORKER.compatibilityFlags, 'unsafe_module'] },
  'a var more': { bindings: { ...WORKER.bindings, ADDED: 'x' } },
  'a binding more': { kvNamespaces: { KV: 'kv' } },
  'no static files': { serviceBindings: {} },
  'a service more': { serviceBindings: { ...WORKER.serviceBindings, OTHER: 'other' } },
  'an object less': { durableObjects: { KEY_GATE: WORKER.durableObjects.KEY_GATE } },
};

for (const [change, difference] of Object.entries(WORKER_CHANGES)) {
  test(`a difference is noticed: ${change} in miniflare.config.js`, () => {
    assert.notDeepEqual(tested({ ...WORKER, ...difference }), deployed(TOML));
  });
}
