/** A gateway that the broker runs (broker.mjs), from the side of a test file. */
import http from 'node:http';
import { createInterface } from 'node:readline';
import { RunningGateway } from './running-gateway.mjs';

/** The environment variable that holds the broker's address. */
export const BROKER = 'TIDEGATE_TEST_BROKER';

/** Waits for a runtime that is free, and has it until `stop` or the end of this process. */
export async function leaseGateway() {
  const response = await new Promise((resolve, reject) => {
    http.get(process.env[BROKER], { agent: false }, resolve).on('error', reject);
  });
  const gateway = new LeasedGateway(response);
  await gateway.ready;
  return gateway;
}

class LeasedGateway extends RunningGateway {
  metered = true;

  /** Lines the runtime and the Worker have printed since the lease began. */
  output = [];

  #response;
  #url;
  #state;
  #setupToken;

  constructor(response) {
    super();
    this.#response = response;
    this.ready = new Promise((resolve, reject) => {
      const messages = createInterface({ input: response });
      messages.on('line', (line) => {
        const { lease, output, error } = JSON.parse(line);
        if (output !== undefined) this.output.push(output);
        if (error) reject(new Error(`no gateway could be leased: ${error}`));
        if (!lease) return;
        ({ url: this.#url, state: this.#state, setupToken: this.#setupToken } = lease);
        // From here on the file ends when its tests have.
        response.socket.unref();
        resolve();
      });
      messages.on('close', () => reject(new Error('the broker closed the connection')));
    });
  }

  get url() {
    return this.#url;
  }

  get state() {
    return this.#state;
  }

  get setupToken() {
    return this.#setupToken;
  }

  /** Gives it back. */
  async stop() {
    this.#response.destroy();
  }

  start = this.#notLeased('start');
  kill = this.#notLeased('kill');
  restart = this.#notLeased('restart');
  reset = this.#notLeased('reset');
  cpuMillis = this.#notLeased('cpuMillis');

  #notLeased(method) {
    return () => {
      throw new Error(`${method} needs a runtime of the file's own: useGateway({ own: true })`);
    };
  }
}
