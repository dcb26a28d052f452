/**
 * The entry module of the Worker: the part that only JavaScript can express.
 *
 * The runtime allows method calls between objects only if the class extends `DurableObject`, which
 * a class in Rust cannot do. A method call costs half of a `fetch`: no request, no response, no
 * streams. So each class here wraps the Rust object and forwards its methods. The build copies this
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

  /** Opens a live tail: a WebSocket that follows the key's log. All else is a method call. */
  fetch(request) {
    return this.#gate.fetch(request);
  }

  /** Pages send nothing but pings, and the runtime answers those. */
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
