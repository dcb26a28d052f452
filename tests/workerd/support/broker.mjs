/**
 * Runs a few gateways for a whole tier, and lends each to one test file at a time.
 *
 * A file asks by one HTTP request, and has its gateway for as long as the answer goes on: until it
 * closes the connection, or dies. Lines of JSON come on it: `{lease}` or `{error}`, then `{output}`
 * for whatever the gateway prints.
 *
 * What the next file gets has nothing in it: D1 is made anew, and no fault, count, moved clock,
 * object or alarm is left. A gateway that cannot be emptied (a test has killed it) is replaced.
 */
import { createServer } from 'node:http';
import { AMPLE_LIMITS, startGateway } from './gateway.mjs';
import { BROKER } from './leased-gateway.mjs';

/**
 * @param {object} [choice]
 * @param {number} [choice.gateways] - how many at most; each is started when it is first needed
 * @returns {Promise<{env: Record<string, string>, stop: () => Promise<void>}>} `env` tells test files where it is
 */
export async function startBroker({ gateways = 2 } = {}) {
  const free = [];
  const waiting = [];
  const all = new Set();
  let started = 0;
  let stopping = false;

  async function start() {
    started += 1;
    try {
      const gateway = await startGateway({ rateLimits: AMPLE_LIMITS });
      all.add(gateway);
      return gateway;
    } catch (reason) {
      started -= 1;
      throw reason;
    }
  }

  const take = async () => {
    if (free.length > 0) return free.pop();
    if (started < gateways) return start();
    return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
  };

  const putBack = (gateway) => (waiting.length > 0 ? waiting.shift().resolve(gateway) : free.push(gateway));

  async function emptied(gateway) {
    gateway.heard = undefined;
    try {
      await gateway.reset();
      return gateway;
    } catch (reason) {
      if (stopping) throw reason;
      console.error(`A gateway is replaced: ${reason.message}`);
      all.delete(gateway);
      started -= 1;
      await gateway.stop();
      return start();
    }
  }

  const server = createServer(async (_, response) => {
    const tell = (message) => response.write(`${JSON.stringify(message)}\n`);
    try {
      const gateway = await take();
      const giveBack = () => stopping || emptied(gateway).then(putBack, (reason) => waiting.shift()?.reject(reason));
      if (response.destroyed) return void giveBack();
      response.on('close', giveBack);
      gateway.heard = (output) => tell({ output });
      const { url, state, setupToken } = gateway;
      tell({ lease: { url, state, setupToken } });
    } catch (reason) {
      tell({ error: reason.message });
      response.end();
    }
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));

  return {
    env: { [BROKER]: `http://127.0.0.1:${server.address().port}` },
    async stop() {
      stopping = true;
      server.close();
      server.closeAllConnections();
      await Promise.all([...all].map((gateway) => gateway.stop()));
    },
  };
}
