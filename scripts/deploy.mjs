/**
 * `npm run deploy`: reports what is not configured yet. If everything is, it migrates D1 and deploys.
 * `--dry-run` shows what can be checked without Cloudflare, and bundles without uploading.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildWorker } from './build.mjs';
import { Failure, runScript, step } from './processes.mjs';
import { ROOT } from './project.mjs';
import { preflight } from './toolchain.mjs';
import { askRemote, runRemote } from './wrangler.mjs';

const USAGE = 'Usage: npm run deploy -- [--dry-run]';
const PLACEHOLDER_DATABASE = '00000000-0000-0000-0000-000000000000';
const PUBLIC_URLS = ['PUBLIC_API_URL', 'PUBLIC_CONSOLE_URL'];
const NOT_PUBLIC = /(^|\.)(example\.(com|org|net)|localhost|localdomain|test|invalid)$|^(127\.|0\.0\.0\.0$|\[)/;
/** The variable that lets requests ask for faults. Only tests set it. */
const FAULT_INJECTION = 'FAULT_INJECTION';

/** Secrets that must exist, with the command that makes one. */
const SECRETS = {
  TAG_KEYS: 'openssl rand -hex 32 | npx wrangler secret put TAG_KEYS',
  SEALING_KEYS: 'echo "1:$(openssl rand -hex 32)" | npx wrangler secret put SEALING_KEYS',
  SETUP_TOKEN: 'openssl rand -hex 32 | npx wrangler secret put SETUP_TOKEN',
};

/** Each check returns `undefined` if all is well, or else what to do. */
const LOCAL_CHECKS = {
  'the D1 database is named': ({ d1_databases }) =>
    d1_databases.some(({ database_id }) => !database_id || database_id === PLACEHOLDER_DATABASE)
      ? 'put the id that `npx wrangler d1 create tidegate` prints into database_id of wrangler.toml'
      : undefined,
  'the public addresses are set': ({ vars }) => {
    const wrong = PUBLIC_URLS.filter((name) => !isPublicUrl(vars[name]));
    return wrong.length > 0 ? `set ${wrong.join(' and ')} in [vars] of wrangler.toml to https addresses of yours` : undefined;
  },
  'API and console have hostnames of their own': ({ vars }) => {
    const [api, console] = PUBLIC_URLS.map((name) => hostOf(vars[name]));
    return api !== undefined && api === console ? `give ${PUBLIC_URLS.join(' and ')} different hostnames` : undefined;
  },
  'both hostnames are routed to the Worker': ({ vars, routes = [], route }) => {
    const patterns = [...routes, ...(route ? [route] : [])].map((entry) => entry.pattern ?? entry);
    const hosts = PUBLIC_URLS.map((name) => hostOf(vars[name])).filter(Boolean);
    const unrouted = hosts.filter((host) => !patterns.some((pattern) => pattern.split('/')[0] === host));
    if (hosts.length === 0) return 'set the public addresses first';
    return unrouted.length > 0
      ? `add to wrangler.toml, above its first [table]: routes = [${hosts.map((host) => `{ pattern = "${host}", custom_domain = true }`).join(', ')}]`
      : undefined;
  },
  'a contact address is set': ({ vars }) => (vars.CONTACT_EMAIL ? undefined : 'set CONTACT_EMAIL in [vars] of wrangler.toml'),
  'fault injection is off': ({ vars }) =>
    FAULT_INJECTION in vars ? `remove ${FAULT_INJECTION} from [vars] of wrangler.toml` : undefined,
};

const REMOTE_CHECKS = {
  'wrangler is logged in': () =>
    askRemote(['whoami', '--json']).then(
      () => undefined,
      () => 'run `npx wrangler login`, or set CLOUDFLARE_API_TOKEN',
    ),
  'the secrets are set': async () => {
    const names = await secretNames();
    if (names.includes(FAULT_INJECTION)) return `remove it: npx wrangler secret delete ${FAULT_INJECTION}`;
    const missing = Object.keys(SECRETS).filter((name) => !names.includes(name));
    return missing.length > 0 ? `make the missing ones:\n${missing.map((name) => `      ${SECRETS[name]}`).join('\n')}` : undefined;
  },
};

function hostOf(url) {
  return URL.canParse(url) ? new URL(url).hostname : undefined;
}

function isPublicUrl(url) {
  return URL.canParse(url) && new URL(url).protocol === 'https:' && !NOT_PUBLIC.test(new URL(url).hostname);
}

/** A Worker that was never deployed has no secrets, and listing them is an error. */
async function secretNames() {
  const answer = await askRemote(['secret', 'list', '--format', 'json']).catch((failure) => {
    if (/does not exist|not found|10007/.test(failure.message)) return '[]';
    throw failure;
  });
  return JSON.parse(answer.slice(answer.indexOf('['))).map(({ name }) => name);
}

/** Prints the result of each check, and returns how many failed. */
async function report(checks, config) {
  let failed = 0;
  for (const [guarantee, check] of Object.entries(checks)) {
    const advice = await check(config);
    if (advice) failed += 1;
    console.log(advice ? `  no   ${guarantee}: ${advice}` : `  yes  ${guarantee}`);
  }
  return failed;
}

function readOptions() {
  try {
    return parseArgs({ options: { 'dry-run': { type: 'boolean', default: false } } }).values;
  } catch (error) {
    throw new Failure(`${error.message}\n${USAGE}`, 2);
  }
}

await runScript(async () => {
  const { 'dry-run': dryRun } = readOptions();
  await preflight();
  const { unstable_readConfig: readConfig } = await import('wrangler');
  const config = readConfig({ config: join(ROOT, 'wrangler.toml') });

  console.log('Is it configured?');
  const failed = await report(LOCAL_CHECKS, config);
  if (dryRun) {
    console.log(`  (a dry run asks Cloudflare nothing: ${Object.keys(REMOTE_CHECKS).join(', ')}?)`);
    await buildWorker();
    await runRemote(['deploy', '--dry-run']);
    return;
  }
  const remoteFailed = failed > 0 ? 0 : await report(REMOTE_CHECKS, config);
  if (failed + remoteFailed > 0) throw new Failure('Nothing was deployed. Mend what is marked `no`, then run this again.');

  // Wrangler would build too, but only after it has looked for the directory of static files.
  await buildWorker();
  await step('Migrating D1', () => runRemote(['d1', 'migrations', 'apply', 'DB', '--remote']));
  await step('Deploying', () => runRemote(['deploy']));
});
