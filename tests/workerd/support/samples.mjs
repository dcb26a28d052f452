/**
 * Runs the code blocks of a page as its reader does: in their order, each language with a key of its
 * own, so that what one has created is there for the next and new to every other language.
 *
 * A shell's variables and functions last from block to block.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request as sendOn } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { findInterpreter } from '../../../scripts/interpreters.mjs';
import { createStore, mint } from './operator.mjs';

/** Milliseconds that one block may take. */
const TIMEOUT = 30_000;

/** Keeps what a block sets for the blocks after it. */
const SHELL_SESSION = `set -eu -o pipefail; set -a
[ ! -f .session ] || . ./.session
sample=$1; shift
. "./$sample"
{ export -p; declare -f; } > .session`;

const INTERPRETERS = {
  sh: () => ['bash', ['-c', SHELL_SESSION, 'sample']],
  js: () => [process.execPath, []],
  python: () => [findInterpreter('python'), []],
  php: () => [findInterpreter('php'), []],
};
const EXTENSIONS = { sh: 'sh', js: 'mjs', python: 'py', php: 'php' };

/** Stands before the gateway and notes what it answers. */
export class Recorder {
  #server;
  statuses = [];

  static async before(gateway) {
    const recorder = new Recorder();
    const { hostname, port } = new URL(gateway.url);
    recorder.#server = createServer((incoming, outgoing) => {
      // The host stays as it was asked for: the URLs that the gateway hands out lead back here.
      const { method, url, headers } = incoming;
      const asked = sendOn({ hostname, port, method, path: url, headers }, (answer) => {
        recorder.statuses.push(answer.statusCode);
        outgoing.writeHead(answer.statusCode, answer.rawHeaders);
        answer.pipe(outgoing);
      });
      asked.on('error', (reason) => outgoing.destroy(reason));
      incoming.pipe(asked);
    });
    await new Promise((listening) => recorder.#server.listen(0, '127.0.0.1', listening));
    recorder.url = `http://127.0.0.1:${recorder.#server.address().port}`;
    return recorder;
  }

  stop() {
    this.#server.closeAllConnections();
    return new Promise((closed) => this.#server.close(closed));
  }
}

/** One page that is being followed. */
export class Reader {
  #gateway;
  #creds;
  #recorder;
  #directory = mkdtempSync(path.join(tmpdir(), 'tidegate-docs-'));
  #environments = new Map();
  #store;
  #blocks = 0;

  constructor(gateway, creds, recorder) {
    this.#gateway = gateway;
    this.#creds = creds;
    this.#recorder = recorder;
  }

  close() {
    rmSync(this.#directory, { recursive: true });
  }

  /** @returns {Promise<{statuses: number[], output: string, failure?: string}>} */
  async run({ language, file, code }) {
    this.#blocks += 1;
    const name = file ?? `block-${this.#blocks}.${EXTENSIONS[language]}`;
    writeFileSync(path.join(this.#directory, name), code);
    const env = await this.#environment(language);
    this.#recorder.statuses.length = 0;
    const [command, args] = INTERPRETERS[language]();
    const ended = await execute(command, [...args, name], { cwd: this.#directory, env });
    return { ...ended, statuses: [...this.#recorder.statuses] };
  }

  async #environment(language) {
    if (!this.#environments.has(language)) {
      this.#store ??= await createStore(this.#gateway, this.#creds, 'Documentation');
      const key = await mint(this.#gateway, { ...this.#creds, store_id: this.#store }, { p_name: `Samples in ${language}` });
      this.#environments.set(language, {
        PATH: process.env.PATH,
        HOME: this.#directory,
        LANG: 'C.UTF-8',
        TIDEGATE_URL: this.#recorder.url,
        TIDEGATE_KEY: key.api_key,
        TIDEGATE_KEY_ID: key.key_id,
        TIDEGATE_SECRET: key.signing_secret,
        TIDEGATE_API_KEY: this.#creds.api_key,
        TIDEGATE_STORE: this.#store,
      });
    }
    return this.#environments.get(language);
  }
}

function execute(command, args, options) {
  return new Promise((ended) => {
    execFile(command, args, { ...options, timeout: TIMEOUT }, (reason, stdout, stderr) => {
      ended({ output: stdout, failure: reason ? `${reason.message}\n${stderr}` : undefined });
    });
  });
}
