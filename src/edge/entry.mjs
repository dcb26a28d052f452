/**
 * The entry of the Worker: the little that only JavaScript can say.
 *
 * The runtime lets one object call another's methods only where the class extends `DurableObject`,
 * which a class in Rust cannot. A method call costs half of a `fetch`: no request, no response, no
 * streams. So each class here holds the Rust object and hands its methods on. The build copies this
 * file beside the Rust Worker (`build/index.js`).
 */
import { DurableObject } from 'cloudflare:workers';
import Worker, * as rust from './index.js';

export default Worker;

export class KeyGate extends DurableObject {
  #gate;

  constructor(state, env) {
    super(state, env);
    this.#gate = new rust.KeyGate(state, env);
  }

  ingest(frame) {
    return this.#gate.ingest(frame);
  }

  command(frame) {
    return this.#gate.command(frame);
  }

  alarm() {
    return this.#gate.alarm();
  }

  /** A WebSocket that follows the key's log; all else is asked for by a method. */
  fetch(request) {
    return this.#gate.fetch(request);
  }

  /** Pages have nothing to say but pings, which the runtime answers. */
  webSocketMessage() {}

  webSocketClose(socket) {
    this.#gate.socket_ended(socket);
  }

  webSocketError(socket) {
    this.#gate.socket_ended(socket);
  }
}

export class StoreLedger extends DurableObject {
  #ledger;

  constructor(state, env) {
    super(state, env);
    this.#ledger = new rust.StoreLedger(state, env);
  }

  command(frame) {
    return this.#ledger.command(frame);
  }
}
