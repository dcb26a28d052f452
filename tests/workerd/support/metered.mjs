/**
 * The built Worker, unchanged, with a meter round it: what the tests and the benchmark's count run.
 *
 * The entry module of a metered gateway. It imports the build and re-exports its Worker and its
 * object classes, each inside a wrapper that counts what Cloudflare would bill and can make things
 * fail. Product code has no part in it. It answers these itself, and counts none of them:
 *
 * - `GET  /__meter`        the counters (metered/meter.mjs says what they are)
 * - `POST /__meter/reset`  sets them to zero
 * - `POST /__evict`        takes every object out of memory at once, requests in flight included
 * - `POST /__clock`        {advance?, pausing?}: moves the clock from alarm to alarm by so many
 *                          milliseconds; without `advance`, runs what is due (metered/alarms.mjs);
 *                          answers {ran, left}
 * - `POST /__reset`        as after a start: no fault, counters at zero, the clock at real time; no
 *                          object that was called before is heard of again
 * - `POST /__fault`        {class, mode, …}: makes objects or D1 fail (metered/faults.mjs says how);
 *                          `{}` takes all faults away
 * - `POST /__sql`          {class, name | id, sql, params}: runs SQL inside one object, past the
 *                          meter and without waking the product's class; answers {rows, read, written}
 * - `POST /__d1`           {sql, params}: the same in D1
 * - `POST /__command`      {class, name, message}: calls an object's method `command` as the product
 *                          does, and counts it as such; answers {reply, body}
 * - `GET  /__tail`         ?gate=…&ticket=…, an upgrade to a WebSocket: asks the KeyGate for a live
 *                          tail as the Worker does, past sessions and roles
 *
 * An object's product class is constructed at its first event, not before, so that looking into
 * one with `/__sql` neither counts nor changes anything.
 */
import { resetClock, startClock } from './metered/clock.mjs';
import { DurableObject, WorkerEntrypoint } from 'cloudflare:workers';
import unsafe from 'workerd:unsafe';
import worker, * as built from '../../../build/entry.mjs';
import { alarmsOfNewInstance, duringAlarm, forgetAlarms, forgetRunning, movedAlarm, passTime, realignAlarm } from './metered/alarms.mjs';
import { countedD1 } from './metered/d1.mjs';
import { clearFaults, failingNamespace, setFault, underFault } from './metered/faults.mjs';
import { meter, resetMeter } from './metered/meter.mjs';
import { CountedStorage } from './metered/storage.mjs';
import { wrapping } from './metered/wrapping.mjs';

/** Marks the harness's own requests to an object: `sql` or `alarm`. */
const PRIVATE = 'x-harness';

const BINDINGS = { KeyGate: 'KEY_GATE', StoreLedger: 'STORE_LEDGER' };

/**
 * The objects that were called since the last reset. Others have nothing to say: what an alarm or a
 * socket of theirs would do belongs to another test file. Before the first reset there are none.
 */
let called = null;

function countedEnv(env) {
  const replacements = { DB: countedD1(env.DB) };
  for (const [name, binding] of Object.entries(BINDINGS)) {
    replacements[binding] = failingNamespace(name, env[binding], wrapping);
  }
  return new Proxy(env, { get: (target, property) => replacements[property] ?? target[property] });
}

export default class Metered extends WorkerEntrypoint {
  async fetch(request) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === '/__tail') return tail(this.env, searchParams);
    const own = OWN[`${request.method} ${pathname}`];
    if (own) return answer(() => own(this.env, request));
    startClock(this.env);
    meter.worker.fetches += 1;
    return worker.fetch(request, countedEnv(this.env), this.ctx);
  }

  scheduled(event) {
    meter.worker.scheduled += 1;
    return worker.scheduled(event, countedEnv(this.env), this.ctx);
  }

  queue(batch) {
    meter.worker.queue += 1;
    return worker.queue?.(batch, countedEnv(this.env), this.ctx);
  }
}

const OWN = {
  'GET /__meter': () => meter,
  'POST /__meter/reset': () => resetMeter(),
  'POST /__evict': async () => {
    await unsafe.abortAllDurableObjects();
    forgetRunning();
  },
  'POST /__clock': async (env, request) => {
    const { advance, pausing } = await request.json();
    const realign = (name, id) => privately(stubOf(env, name, { id }), 'alarm');
    return passTime(realign, { distance: advance, pausing });
  },
  'POST /__reset': async () => {
    called = new Set();
    await unsafe.abortAllDurableObjects();
    forgetAlarms();
    clearFaults();
    resetMeter();
    resetClock();
  },
  'POST /__fault': async (_env, request) => {
    const fault = await request.json();
    if (Object.keys(fault).length === 0) clearFaults();
    else setFault(fault);
  },
  'POST /__sql': async (env, request) => {
    const { class: className, name, id, sql, params } = await request.json();
    return privately(stubOf(env, className, { name, id }), 'sql', { sql, params });
  },
  'POST /__command': async (env, request) => {
    const { class: name, name: objectName, message, reads } = await request.json();
    return unframed(await env[BINDINGS[name]].getByName(objectName).command(framed(message, reads)));
  },
  'POST /__d1': async (env, request) => {
    const { sql, params = [] } = await request.json();
    const { results, meta } = await env.DB.prepare(sql)
      .bind(...params)
      .all();
    return { rows: results, read: meta.rows_read, written: meta.rows_written };
  },
};

/** An object by its name, or by its id in hex. Only by its name does the runtime tell it its name. */
function stubOf(env, className, { name, id }) {
  const namespace = env[BINDINGS[className]];
  return id ? namespace.get(namespace.idFromString(id)) : namespace.getByName(name);
}

/** Asks the harness's own part of an object, whose product class does not hear of it. */
async function privately(stub, what, message = {}) {
  const response = await stub.fetch('http://harness/', {
    method: 'POST',
    headers: { [PRIVATE]: what },
    body: JSON.stringify(message),
  });
  const reply = await response.json();
  if (!response.ok) throw new Error(reply.error);
  return reply;
}

/** What a KeyGate answers to a page that wants to follow its log. */
function tail(env, parameters) {
  const headers = { upgrade: 'websocket', 'x-tidegate-tail': parameters.get('ticket') };
  return env.KEY_GATE.getByName(parameters.get('gate')).fetch('https://key-gate/tail', { headers });
}

/** A message and nothing else, as the protocol frames it; without `reads` as older code did. */
function framed(message, reads) {
  const json = new TextEncoder().encode(JSON.stringify({ v: 2, reads, message }));
  const frame = new Uint8Array(4 + json.length);
  new DataView(frame.buffer).setUint32(0, json.length);
  frame.set(json, 4);
  return frame;
}

/** The message of a frame, and the text after it. */
function unframed(frame) {
  const end = 4 + new DataView(frame.buffer, frame.byteOffset).getUint32(0);
  const text = (from, to) => new TextDecoder().decode(frame.subarray(from, to));
  return { reply: JSON.parse(text(4, end)), body: text(end) };
}

/** JSON of what an endpoint of the harness returns, or 400 with the reason it threw. */
async function answer(endpoint) {
  try {
    return Response.json((await endpoint()) ?? {});
  } catch (reason) {
    return Response.json({ error: String(reason?.message ?? reason) }, { status: 400 });
  }
}

/**
 * In place of the runtime's own base class, which takes no state but the real one: the built
 * classes are given one that counts.
 */
class ObjectBase {
  constructor(ctx, env) {
    this.ctx = ctx;
    this.env = env;
  }
}

/** Puts `ObjectBase` in the place of the runtime's base class. The built classes share a class above it. */
function replaceBase(built) {
  const parent = Object.getPrototypeOf(built);
  if (parent === DurableObject) Object.setPrototypeOf(built, ObjectBase);
  else if (parent !== ObjectBase) replaceBase(parent);
}

/** A class that holds the built one and counts what passes. */
function metered(name) {
  const Base = built[name];
  replaceBase(Base);
  const counters = meter[name];
  return class extends DurableObject {
    #state;
    #env;
    #storage;
    #inner;
    #running = 0;

    constructor(state, env) {
      super(state, env);
      this.#state = state;
      this.#env = env;
      startClock(env);
      alarmsOfNewInstance(state);
    }

    /** The product fetches a WebSocket only; for all else it calls methods. */
    fetch(request) {
      const own = { sql: () => this.#sql(request), alarm: () => realignAlarm(this.#state) }[request.headers.get(PRIVATE)];
      if (own) return answer(own);
      return this.#call((inner) => inner.fetch(request));
    }

    ingest(frame) {
      return this.#call((inner) => inner.ingest(frame));
    }

    command(frame) {
      return this.#call((inner) => inner.command(frame));
    }

    #call(handle) {
      called?.add(this.#state.id.toString());
      counters.fetches += 1;
      return this.#event(false, handle);
    }

    /** Whether nobody has called this object since the last reset. */
    get #isLeftOver() {
      return called !== null && !called.has(this.#state.id.toString());
    }

    alarm(info) {
      if (this.#isLeftOver) return undefined;
      counters.alarms += 1;
      return duringAlarm(this.#state, this, () => this.#event(true, (inner) => inner.alarm(info)));
    }

    webSocketMessage(...args) {
      return this.#socketEvent((inner) => inner.webSocketMessage(...args));
    }

    webSocketClose(...args) {
      return this.#socketEvent((inner) => inner.webSocketClose(...args));
    }

    webSocketError(...args) {
      return this.#socketEvent((inner) => inner.webSocketError(...args));
    }

    #socketEvent(handle) {
      if (this.#isLeftOver) return undefined;
      counters.socket_events += 1;
      return this.#event(false, handle);
    }

    async #event(alarm, handle) {
      this.#running += 1;
      try {
        return await underFault(name, this.#state, alarm, async () => handle(this.#woken()));
      } finally {
        this.#running -= 1;
        if (this.#running === 0) this.#storage?.idle();
      }
    }

    #woken() {
      if (!this.#inner) {
        counters.wakes += 1;
        this.#storage = new CountedStorage(this.#state.storage, counters, movedAlarm(name, this.#state));
        const state = wrapping(this.#state, { storage: () => this.#storage.storage });
        this.#inner = new Base(state, countedEnv(this.#env));
      }
      return this.#inner;
    }

    async #sql(request) {
      const { sql, params = [] } = await request.json();
      const cursor = this.#state.storage.sql.exec(sql, ...params);
      return { rows: cursor.toArray(), read: cursor.rowsRead, written: cursor.rowsWritten };
    }
  };
}

export const KeyGate = metered('KeyGate');
export const StoreLedger = metered('StoreLedger');
