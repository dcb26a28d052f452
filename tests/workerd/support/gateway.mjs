/**
 * A gateway to test against: the built Worker on the real runtime, with state of its own.
 *
 * `startGateway` runs it; the modules re-exported here act as the people and programs that use it.
 */
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Miniflare, Log, LogLevel } from 'miniflare';
import miniflareOptions, { builtModules, WORKER } from '../../../miniflare.config.js';
import { migrate } from './migrations.mjs';
import { childListeningOn, cpuMillis } from './runtime-process.mjs';
import { secretsOf } from './secrets.mjs';

export * from './answers.mjs';
export * from './operator.mjs';
export * from './signatures.mjs';
export * from './storefront.mjs';

const SUPPORT = path.dirname(fileURLToPath(import.meta.url));
const ROOT = path.join(SUPPORT, '../../..');

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
 * @param {number} [choice.webhookLimit] - requests a minute with only a key id, from one address to one key
 * @param {number} [choice.loginLimit] - log-ins a minute of one account or address
 * @param {Record<string, number>} [choice.rateLimits] - requests a minute of any rate-limit binding, by its name
 * @param {(request: import('miniflare').Request) => import('miniflare').Response | Promise<import('miniflare').Response>} [choice.outbound] - answers in place of the internet
 * @param {boolean} [choice.quiet] - drop what the Worker prints; it is kept in `output` all the same
 * @returns {Promise<Gateway>}
 */
export async function startGateway({
  state,
  vars = {},
  metered = true,
  build = process.env.TIDEGATE_BUILD ?? path.join(ROOT, 'build'),
  migrations = process.env.TIDEGATE_MIGRATIONS ?? path.join(ROOT, 'd1-migrations'),
  webhookLimit,
  loginLimit,
  rateLimits = {},
  outbound,
  quiet = true,
} = {}) {
  const ephemeral = state === undefined;
  const directory = state ?? mkdtempSync(path.join(tmpdir(), 'tidegate-'));
  const secrets = secretsOf(directory);
  const bindings = { ...secrets, FAULT_INJECTION: 'on', ...vars };
  const ratelimits = ratelimited({ WEBHOOK_LIMITER: webhookLimit, LOGIN_LIMITER: loginLimit, ...rateLimits });
  const gateway = new Gateway({ directory, ephemeral, bindings, metered, build, migrations, ratelimits, outbound, quiet });
  await gateway.start();
  return gateway;
}

/** The Worker's rate-limit bindings, with the limits of some replaced. */
function ratelimited(limits) {
  const chosen = Object.entries(limits).filter(([, limit]) => limit !== undefined);
  const unknown = chosen.find(([name]) => !Object.hasOwn(WORKER.ratelimits, name));
  if (unknown) throw new Error(`the Worker has no rate-limit binding ${unknown[0]}`);
  const replaced = chosen.map(([name, limit]) => [name, { simple: { ...WORKER.ratelimits[name].simple, limit } }]);
  return { ...WORKER.ratelimits, ...Object.fromEntries(replaced) };
}

class Gateway {
  #choice;
  #miniflare;
  #url;
  #pid;

  /** Lines the runtime and the Worker have printed. */
  output = [];

  constructor(choice) {
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
    const keep = (line) => {
      this.output.push(line);
      if (!quiet) process.stderr.write(`${line}\n`);
    };
    this.#miniflare = new Miniflare({
      ...miniflareOptions({ state: directory, vars: bindings, build, ...wrapped }),
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
    if (this.#choice.ephemeral) rmSync(this.#choice.directory, { recursive: true, force: true });
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

  /** CPU time that the runtime has used so far, in milliseconds. */
  cpuMillis() {
    return cpuMillis(this.#pid);
  }

  /** Runs the Worker's cron handler. */
  async scheduled(cron = '* * * * *', time = new Date()) {
    const query = new URLSearchParams({ cron, time: String(time.getTime()) });
    const response = await fetch(`${this.#url}/cdn-cgi/handler/scheduled?${query}`);
    return response.text();
  }

  /** What has been counted since the last reset: see metered/meter.mjs. */
  meter() {
    return this.#harness('GET', '/__meter');
  }

  async resetMeter() {
    await this.#harness('POST', '/__meter/reset');
  }

  /** Runs `act` and returns what it cost, leaving the counters as they stand after it. */
  async cost(act) {
    await this.resetMeter();
    await act();
    return this.meter();
  }

  /** Takes every object out of memory. */
  async evict() {
    await this.#harness('POST', '/__evict');
  }

  /** Puts a fault in place (metered/faults.mjs); without one, takes all away. */
  async fault(fault = {}) {
    await this.#harness('POST', '/__fault', fault);
  }

  /**
   * Runs SQL inside one object, past product code and meter.
   *
   * @param {"KeyGate" | "StoreLedger"} className
   * @param {string | {id: string}} object - its name, or its id in hex
   * @returns {Promise<object[]>} rows
   */
  async sql(className, object, sql, params = []) {
    const which = typeof object === 'string' ? { name: object } : object;
    return (await this.#harness('POST', '/__sql', { class: className, ...which, sql, params })).rows;
  }

  /** Runs SQL in D1, past product code and meter. Returns rows. */
  async d1(sql, params = []) {
    return (await this.#harness('POST', '/__d1', { sql, params })).rows;
  }

  /**
   * Calls the method `command` of one object with a message of `src/protocol`, as the product does.
   *
   * @param {"KeyGate" | "StoreLedger"} className
   * @param {string} name - of the object
   * @returns {Promise<{reply: any, body: string}>}
   */
  command(className, name, message) {
    return this.#harness('POST', '/__command', { class: className, name, message });
  }

  async #harness(method, pathname, body) {
    if (!this.#choice.metered) throw new Error(`${pathname} needs a metered gateway`);
    const ask = () => fetch(this.#url + pathname, { method, body: body && JSON.stringify(body) });
    // A connection that was kept may be closed by the other side at the very moment it is used again.
    const response = await ask().catch((error) => (error.cause?.code === 'UND_ERR_SOCKET' ? ask() : Promise.reject(error)));
    const answer = await response.json();
    if (!response.ok) throw new Error(`${pathname}: ${answer.error}`);
    return answer;
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
