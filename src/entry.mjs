/**
 * The entry module of the Worker: the part that only JavaScript can express. The build bundles it with
 * the JavaScript that wasm-bindgen makes of the Rust crate (`index.js`).
 *
 * The runtime allows method calls between objects only if the class extends `DurableObject`, which
 * a class in Rust cannot do. A method call costs half of a `fetch`: no request, no response, no
 * streams. So each class here wraps the Rust object and forwards its methods.
 *
 * A panic unwinds and ends one request. A trap (a stack overflow, say) ends the instance of the wasm
 * module with all that is in its memory. The next call starts another one, and a Rust object of the
 * instance that ended is made again from its storage.
 */
import { DurableObject } from 'cloudflare:workers';
import * as rust from './index.js';

export default {
  fetch: (request, env, context) => rust.fetch(request, env, context),
  scheduled: (event, env, context) => rust.scheduled(event, env, context),
};

/** An object whose methods are those of a class in Rust. */
class RustObject extends DurableObject {
  #rust;
  #instanceId;
  #make;

  constructor(state, env, make) {
    super(state, env);
    this.#make = make;
  }

  get rust() {
    // A call, and no look at `instanceId` alone: the new instance is made at the first call after a trap.
    const wasm = rust.__worker_init_state();
    if (this.#instanceId !== wasm.instanceId) {
      this.#rust = this.#make();
      this.#instanceId = wasm.instanceId;
    }
    return this.#rust;
  }
}

export class KeyGate extends RustObject {
  constructor(state, env) {
    super(state, env, () => new rust.KeyGate(state, env));
  }

  ingest(frame) {
    return this.rust.ingest(frame);
  }

  command(frame) {
    return this.rust.command(frame);
  }

  alarm() {
    return this.rust.alarm();
  }

  /** Opens a live tail: a WebSocket that follows the key's log. All else is a method call. */
  fetch(request) {
    return this.rust.fetch(request);
  }

  /** Pages send nothing but pings, and the runtime answers those. */
  webSocketMessage() {}

  webSocketClose(socket) {
    this.rust.socket_ended(socket);
  }

  webSocketError(socket) {
    this.rust.socket_ended(socket);
  }
}

export class StoreLedger extends RustObject {
  constructor(state, env) {
    super(state, env, () => new rust.StoreLedger(state, env));
  }

  command(frame) {
    return this.rust.command(frame);
  }
}
