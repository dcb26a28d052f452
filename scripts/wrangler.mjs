/**
 * Calls wrangler, always in the same environment, so that it asks no questions, sends no reports, and does
 * not look for a newer version of itself.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { LOCAL } from './build.mjs';
import { run, startGroup } from './processes.mjs';
import { npmBin, ROOT } from './project.mjs';
import { toolEnvironment } from './toolchain.mjs';

const WRANGLER = npmBin('wrangler', 'wrangler.js');
const EXIT_WITH_PARENT = pathToFileURL(join(ROOT, 'scripts', 'exit-with-parent.mjs')).href;

function environment(stateDir) {
  return {
    ...toolEnvironment(),
    WRANGLER_HIDE_BANNER: 'true',
    WRANGLER_SEND_METRICS: 'false',
    WRANGLER_SEND_ERROR_REPORTS: 'false',
    CLOUDFLARE_CF_FETCH_ENABLED: 'false',
    ...(stateDir && {
      // The profile of the custom build that wrangler runs when a file is edited.
      TIDEGATE_PROFILE: LOCAL,
      CI: 'true',
      NO_COLOR: '1',
      FORCE_COLOR: '0',
      // Two local instances must not register with each other.
      WRANGLER_REGISTRY_PATH: join(stateDir, 'registry'),
      WRANGLER_LOG_PATH: join(stateDir, 'logs'),
    }),
  };
}

/** Applies the outstanding migrations to the local D1 in `stateDir`. */
export function migrateLocalDatabase(stateDir) {
  return run(process.execPath, [WRANGLER, 'd1', 'migrations', 'apply', 'DB', '--local', '--persist-to', stateDir], {
    output: 'on-failure', cwd: ROOT, env: environment(stateDir),
  });
}

/** Starts `wrangler dev`; its output is piped to the caller. Ends when this process does. */
export function startDev({ port, stateDir, secretsFile }) {
  return startGroup(
    process.execPath,
    [
      '--import', EXIT_WITH_PARENT, WRANGLER, 'dev', '--ip', '127.0.0.1', '--port', String(port), '--inspector-port', '0',
      '--persist-to', stateDir, '--env-file', secretsFile, '--show-interactive-dev-session=false',
    ],
    { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], cwd: ROOT, env: environment(stateDir) },
  );
}

/** Runs a wrangler command against Cloudflare on this terminal, so that it may ask questions and open a browser. */
export function runRemote(args) {
  return run(process.execPath, [WRANGLER, ...args], { output: 'terminal', cwd: ROOT, env: environment() });
}

/** Runs a wrangler command against Cloudflare and returns its output. */
export function askRemote(args) {
  return run(process.execPath, [WRANGLER, ...args], { output: 'return', cwd: ROOT, env: environment() });
}
