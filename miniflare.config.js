/**
 * The Worker's bindings for Miniflare: how tests and benchmarks run it.
 *
 * Besides `wrangler.toml` this is the one place that knows them, and `tests/workerd/config.test.mjs`
 * holds the two together. What differs by purpose (state, secrets, a wrapper round the built
 * Worker) is an argument.
 */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = path.dirname(fileURLToPath(import.meta.url));

/** Names of the Worker's secrets: deployed with `wrangler secret put`, so `wrangler.toml` lists none. */
export const SECRETS = ['TAG_KEYS', 'SEALING_KEYS', 'SETUP_TOKEN'];

/** Where the build puts the documentation. */
export const ASSETS_DIRECTORY = path.join(ROOT, 'build/assets');

/** What the Worker is bound to and built for, in Miniflare's terms. */
export const WORKER = {
  name: 'tidegate',
  compatibilityDate: '2026-04-20',
  compatibilityFlags: [],
  bindings: {
    COMPANY_SHORT_NAME: 'Tidegate',
    CONTACT_EMAIL: '',
    PUBLIC_API_URL: '',
    PUBLIC_CONSOLE_URL: '',
    ACCESS_TEAM_DOMAIN: '',
    ACCESS_AUDIENCE: '',
  },
  d1Databases: { DB: 'tidegate' },
  durableObjects: {
    KEY_GATE: { className: 'KeyGate', useSQLite: true },
    STORE_LEDGER: { className: 'StoreLedger', useSQLite: true },
  },
  ratelimits: {
    WEBHOOK_LIMITER: { simple: { limit: 12000, period: 60 } },
    LOGIN_LIMITER: { simple: { limit: 10, period: 60 } },
  },
  // The directory itself rather than Miniflare's `assets`, which put a router before the Worker.
  serviceBindings: { ASSETS: { disk: { path: ASSETS_DIRECTORY } } },
};

/** The built Worker's modules, entry first. */
export function builtModules(build = path.join(ROOT, 'build')) {
  return [
    { type: 'ESModule', path: path.join(build, 'entry.mjs') },
    { type: 'CompiledWasm', path: path.join(build, 'index_bg.wasm') },
  ];
}

/**
 * Options for `new Miniflare(…)`.
 *
 * @param {object} purpose
 * @param {string} purpose.state - directory that keeps D1 and the objects, laid out as `wrangler dev --persist-to` does
 * @param {Record<string, string>} [purpose.vars] - secrets, and vars to override
 * @param {string} [purpose.build] - directory of the built Worker
 * @param {{type: string, path: string, contents?: string}[]} [purpose.modules] - modules to run instead, entry first
 * @param {string[]} [purpose.compatibilityFlags] - flags to add
 * @param {number} [purpose.port] - 0 picks a free one
 */
export default function miniflareOptions({ state, vars = {}, build, modules, compatibilityFlags = [], port = 0 }) {
  // The runtime does not start without it, not even where no page is asked for.
  mkdirSync(ASSETS_DIRECTORY, { recursive: true });
  return {
    ...WORKER,
    compatibilityFlags: [...WORKER.compatibilityFlags, ...compatibilityFlags],
    bindings: { ...WORKER.bindings, ...vars },
    modulesRoot: '/',
    modules: modules ?? builtModules(build),
    host: '127.0.0.1',
    port,
    defaultPersistRoot: path.join(state, 'v3'),
    unsafeTriggerHandlers: true,
    cf: false,
  };
}
