/** `npm start`: builds and runs Tidegate on this machine, with its state in one directory. */
import { createWriteStream, mkdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { buildWorker, LOCAL } from './build.mjs';
import { Failure, runScript, step, stopGroup } from './processes.mjs';
import { ROOT } from './project.mjs';
import { quickstart, setupLink } from './quickstart.mjs';
import { seed } from './seed.mjs';
import { ensureSecrets, openState, secretsFile } from './state.mjs';
import { preflight } from './toolchain.mjs';
import { migrateLocalDatabase, startDev } from './wrangler.mjs';

const HOST = '127.0.0.1';
const READY_WITHIN_MS = 120_000;
const READY_POLL_MS = 200;
const PARENT_POLL_MS = 500;

const USAGE = `Usage: npm start -- [--port N] [--state DIR] [--fresh] [--empty]

  --port N     listen on ${HOST}:N (default 8787)
  --state DIR  keep databases, secrets and credentials in DIR (default .tidegate)
  --fresh      empty DIR first
  --empty      make no demo workspace, and print the link that sets one up`;

function readOptions() {
  let values;
  try {
    ({ values } = parseArgs({
      options: {
        port: { type: 'string', default: '8787' },
        state: { type: 'string', default: join(ROOT, '.tidegate') },
        fresh: { type: 'boolean', default: false },
        empty: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }));
  } catch (error) {
    throw new Failure(`${error.message}\n\n${USAGE}`, 2);
  }
  const port = Number(values.port);
  if (!/^\d+$/.test(values.port) || port < 1 || port > 65_535) {
    throw new Failure(`--port ${values.port} is not a port.\n\n${USAGE}`, 2);
  }
  // npm runs this in the project's root, but a relative DIR is relative to where npm was called.
  return { ...values, port, stateDir: resolve(process.env.INIT_CWD ?? '', values.state) };
}

async function checkPortIsFree(port) {
  const server = createServer();
  await new Promise((free, taken) => {
    server.once('error', (error) => {
      const why = error.code === 'EADDRINUSE' ? 'is in use' : `cannot be used (${error.code})`;
      taken(new Failure(`Port ${port} ${why}: choose another with npm start -- --port N.`));
    });
    server.listen(port, HOST, () => server.close(free));
  });
}

/** Writes wrangler's output to a file, and also shows it once `show` is set. */
function keepOutput(dev, file) {
  const log = createWriteStream(file);
  const output = { file, show: false };
  for (const [stream, terminal] of [[dev.stdout, process.stdout], [dev.stderr, process.stderr]]) {
    stream.on('data', (chunk) => {
      log.write(chunk);
      if (output.show) terminal.write(chunk);
    });
  }
  return output;
}

/** Waits until /healthz answers 200. Fails at once if wrangler exits before. */
async function waitUntilHealthy(baseUrl, dev, logFile) {
  let ended = false;
  dev.gone.then(() => (ended = true));
  const deadline = Date.now() + READY_WITHIN_MS;
  let last = 'no answer';
  while (!ended && Date.now() < deadline) {
    try {
      const response = await fetch(`${baseUrl}/healthz`, { signal: AbortSignal.timeout(READY_POLL_MS * 25) });
      if (response.status === 200) return;
      last = `answer ${response.status}`;
    } catch {
      // Not listening yet.
    }
    await new Promise((next) => setTimeout(next, READY_POLL_MS));
  }
  const what = ended ? 'wrangler dev ended before it was ready' : `/healthz is not well after ${READY_WITHIN_MS / 1000} s (${last})`;
  throw new Failure(`${readFileSync(logFile, 'utf8').trim()}\n\n${what}.`);
}

/** If npm is killed with SIGKILL, it forwards no signal, and nothing else would stop this script. */
function stopWithNpm() {
  if (process.env.npm_lifecycle_event !== 'start') return;
  const npm = process.ppid;
  setInterval(() => process.ppid === npm || process.kill(process.pid, 'SIGTERM'), PARENT_POLL_MS).unref();
}

let serving = false;

async function main() {
  const options = readOptions();
  if (options.help) {
    console.log(USAGE);
    return;
  }
  const { port, stateDir, fresh, empty } = options;
  const baseUrl = `http://${HOST}:${port}`;

  stopWithNpm();
  await checkPortIsFree(port);
  openState(stateDir, { fresh });
  await preflight();
  await buildWorker(LOCAL);
  const { SETUP_TOKEN: setupToken } = ensureSecrets(stateDir);
  await step('Migrating the local database', () => migrateLocalDatabase(stateDir));

  const logs = join(stateDir, 'logs');
  mkdirSync(logs, { recursive: true });
  const dev = startDev({ port, stateDir, secretsFile: secretsFile(stateDir) });
  serving = true;
  const output = keepOutput(dev, join(logs, 'dev.log'));
  await step('Starting wrangler dev', () => waitUntilHealthy(baseUrl, dev, output.file));
  if (empty) console.log(setupLink(baseUrl, setupToken));
  else console.log(quickstart(await seed({ baseUrl, stateDir, setupToken }), stateDir));
  // Wrangler's remaining output about our own requests goes to the file only.
  await new Promise((next) => setTimeout(next, READY_POLL_MS));
  output.show = true;

  const { code, signal } = await dev.gone;
  await stopGroup(dev);
  throw new Failure(`wrangler dev ended by itself (${signal ?? `exit code ${code}`}); its output is in ${output.file}.`, code || 1);
}

// Stopping a running server is its normal end.
await runScript(main, { signalExitCode: () => (serving ? 0 : undefined) });
