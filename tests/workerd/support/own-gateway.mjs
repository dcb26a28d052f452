/** A gateway that this process runs: the built Worker on the real runtime, with state of its own. */
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Miniflare, Log, LogLevel } from 'miniflare';
import miniflareOptions, { builtModules, WORKER } from '../../../miniflare.config.js';
import { empty, migrate } from './migrations.mjs';
import { RunningGateway } from './running-gateway.mjs';
import { childListeningOn, cpuMillis } from './runtime-process.mjs';
import { secretsOf } from './secrets.mjs';

const SUPPORT = path.dirname(fileURLToPath(import.meta.url));
const ROOT = path.join(SUPPORT, '../../..');

/** State directories that this process has made. None outlives it, whatever ends it. */
const made = new Set();
process.once('exit', () => made.forEach(remove));

function remove(directory) {
  rmSync(directory, { recursive: true, force: true });
  made.delete(directory);
}

/** The metered entry, its parts, and the build under the name by which the entry imports it. */
function meteredModules(build) {
  const parts = readdirSync(path.join(SUPPORT, 'metered')).map((name) => path.join(SUPPORT, 'metered', name));
  return [
    ...[path.join(SUPPORT, 'metered.mjs'), ...parts].map((file) => ({ type: 'ESModule', path: file })),
    ...builtModules(build).map((module) => ({
      ...module,
      path: path.join(ROOT, 'build', path.basename(module.path)),
      contents: readFileSync(module.path, module.type === 'ESModule' ? 'utf8' : undefined),
    })),
  ];
}

/**
 * @param {object} [choice]
 * @param {string} [choice.state] - state directory; a fresh one, removed by `stop`, without it
 * @param {Record<string, string>} [choice.vars] - vars and secrets to override
 * @param {boolean} [choice.metered] - with the meter, the faults and the look inside (default true)
 * @param {string} [choice.build] - directory of the built Worker
 * @param {string} [choice.migrations] - directory of the D1 migrations
 * @param {Record<string, number>} [choice.rateLimits] - requests a minute of the rate-limit bindings, by their names; as deployed without it
 * @param {(request: import('miniflare').Request) => import('miniflare').Response | Promise<import('miniflare').Response>} [choice.outbound] - answers in place of the internet
 * @param {boolean} [choice.quiet] - drop what the Worker prints; it is kept in `output` all the same
 * @returns {Promise<OwnGateway>}
 */
export async function startGateway({
  state,
  vars = {},
  metered = true,
  build = process.env.TIDEGATE_BUILD ?? path.join(ROOT, 'build'),
  migrations = process.env.TIDEGATE_MIGRATIONS ?? path.join(ROOT, 'd1-migrations'),
  rateLimits = {},
  outbound,
  quiet = true,
} = {}) {
  const ephemeral = state === undefined;
  const directory = state ?? mkdtempSync(path.join(tmpdir(), 'tidegate-'));
  if (ephemeral) made.add(directory);
  const secrets = secretsOf(directory);
  const bindings = { ...secrets, FAULT_INJECTION: 'on', ...vars };
  const ratelimits = ratelimited(rateLimits);
  const gateway = new OwnGateway({ directory, ephemeral, bindings, metered, build, migrations, ratelimits, outbound, quiet });
  await gateway.start();
  return gateway;
}

/** The Worker's rate-limit bindings, with the limits of some replaced. */
function ratelimited(limits) {
  const unknown = Object.keys(limits).find((name) => !Object.hasOwn(WORKER.ratelimits, name));
  if (unknown) throw new Error(`the Worker has no rate-limit binding ${unknown}`);
  const replaced = Object.entries(limits).map(([name, limit]) => [name, { simple: { ...WORKER.ratelimits[name].simple, limit } }]);
  return { ...WORKER.ratelimits, ...Object.fromEntries(replaced) };
}

class OwnGateway extends RunningGateway {
  #choice;
  #miniflare;
  #url;
  #pid;

  /** Lines the runtime and the Worker have printed. */
  output = [];

  /** Called with each of these lines, where it is set. */
  heard = undefined;

  constructor(choice) {
    super();
    this.#choice = choice;
  }

  /** Origin, without a slash at the end. Changes when the gateway is started again. */
  get url() {
    return this.#url;
  }

  get state() {
    return this.#choice.directory;
  }

  get setupToken() {
    return this.#choice.bindings.SETUP_TOKEN;
  }

  get metered() {
    return this.#choice.metered;
  }

  /** The workerd process. */
  get pid() {
    return this.#pid;
  }

  /** Starts the runtime over the state directory; D1 is migrated before this resolves. */
  async start() {
    if (this.#miniflare) throw new Error('the gateway is running');
    const { directory, bindings, metered, build, migrations, ratelimits, outbound, quiet } = this.#choice;
    const wrapped = metered && { modules: meteredModules(build), compatibilityFlags: ['unsafe_module'] };
    const vars = { ...bindings, ...(metered && { HARNESS_CLOCK: String(this.ahead) }) };
    const keep = (line) => {
      this.output.push(line);
      this.heard?.(line);
      if (!quiet) process.stderr.write(`${line}\n`);
    };
    this.#miniflare = new Miniflare({
      ...miniflareOptions({ state: directory, vars, build, ...wrapped }),
      ratelimits,
      ...(outbound && { outboundService: outbound }),
      log: new Log(LogLevel.WARN),
      handleRuntimeStdio: (...streams) => streams.forEach((stream) => lines(stream, keep)),
    });
    try {
      const { origin, port } = await this.#miniflare.ready;
      this.#url = origin;
      this.#pid = childListeningOn(Number(port));
      await migrate(await this.#miniflare.getD1Database('DB'), migrations);
    } catch (reason) {
      await this.stop();
      throw new Error(`the gateway did not start: ${reason.message}\n${this.output.join('\n')}`, { cause: reason });
    }
  }

  /** Ends the runtime in good order; removes the state if it was made for this gateway. */
  async stop() {
    await this.#end();
    if (this.#choice.ephemeral) remove(this.#choice.directory);
  }

  /** Kills the runtime as a power cut would (SIGKILL). The state stays; `start` runs it again. */
  async kill() {
    process.kill(this.#pid, 'SIGKILL');
    await this.#end();
  }

  /**
   * Ends the runtime and starts it again over the same state. The port may change.
   *
   * @param {Record<string, string>} [vars] - vars and secrets that are other from now on
   */
  async restart(vars = {}) {
    await this.#end();
    Object.assign(this.#choice.bindings, vars);
    await this.start();
  }

  async #end() {
    const ending = this.#miniflare;
    this.#miniflare = undefined;
    await ending?.dispose();
  }

  /** Takes everything out of D1 and forgets every object, as if the state were new. */
  async reset() {
    await this.forget();
    const database = await this.#miniflare.getD1Database('DB');
    await empty(database);
    await migrate(database, this.#choice.migrations);
    this.output.length = 0;
  }

  /** CPU time that the runtime has used so far, in milliseconds. */
  cpuMillis() {
    return cpuMillis(this.#pid);
  }
}

/** Calls `each` with every line of a stream. */
function lines(stream, each) {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk) => {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop();
    parts.forEach(each);
  });
}
