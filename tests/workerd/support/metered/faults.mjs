/**
 * Faults that tests switch on: an object or D1 that fails, hangs, dies, or loses its answer.
 *
 * At most one fault stands per class. `POST /__fault` takes:
 *
 * - `class`: `KeyGate`, `StoreLedger` or `D1`
 * - `mode`: `throw` | `hang` | `abort` | `older` | `off`
 *   - `throw` throws inside the object. With `retryable` or `overloaded` it throws at the caller
 *     instead, with those flags on the error: the runtime sets them there and nowhere else.
 *   - `hang` waits `ms` (default 60,000) and then goes on as if nothing had been.
 *   - `abort` resets the object, as an eviction in mid-request would: its memory goes, the caller
 *     sees the runtime's own error.
 *   - `older` is no fault: the object replies as code did before it knew what its caller reads.
 * - `when`: `before` the request is handled (default), or `after`: what it wrote is durable and
 *   only its answer is lost or late. (D1 knows both as well, but no `abort`.)
 * - `skip`: how many requests pass before it strikes the first (default 0)
 * - `times`: how many requests it strikes; without it, all until `off`
 * - `alarms`: whether it strikes the object's alarms too (default false)
 * - `message`: of the error
 */

const CLASSES = ['KeyGate', 'StoreLedger', 'D1'];
const MODES = ['throw', 'hang', 'abort', 'older', 'off'];

const standing = new Map();

/** Puts a fault in place, or takes it away with mode `off`. Throws on one it does not know. */
export function setFault(fault) {
  const { class: name, mode, when = 'before' } = fault;
  if (!CLASSES.includes(name)) throw new TypeError(`class must be one of ${CLASSES}`);
  if (!MODES.includes(mode)) throw new TypeError(`mode must be one of ${MODES}`);
  if (when !== 'before' && when !== 'after') throw new TypeError('when must be before or after');
  if (name === 'D1' && mode === 'abort') throw new TypeError('D1 cannot be aborted');
  if (mode === 'off') standing.delete(name);
  else standing.set(name, { ...fault, when, pass: fault.skip ?? 0, left: fault.times ?? Infinity });
}

/** Takes every fault away. */
export function clearFaults() {
  standing.clear();
}

/** The fault that strikes `name` now, used up by one, if `fits` says that this is its place. */
function strike(name, fits) {
  const fault = standing.get(name);
  if (!fault || !fits(fault)) return undefined;
  if (fault.pass > 0) {
    fault.pass -= 1;
    return undefined;
  }
  fault.left -= 1;
  if (fault.left <= 0) standing.delete(name);
  return fault;
}

const atCaller = (fault) => fault.mode === 'older' || (fault.mode === 'throw' && Boolean(fault.retryable || fault.overloaded));

/** The frame of a command as older code made it: without the version of the replies that it reads. */
function asOlder(frame) {
  const end = 4 + new DataView(frame.buffer, frame.byteOffset).getUint32(0);
  const { reads: _, ...message } = JSON.parse(new TextDecoder().decode(frame.subarray(4, end)));
  const json = new TextEncoder().encode(JSON.stringify(message));
  const older = new Uint8Array(4 + json.length + frame.length - end);
  new DataView(older.buffer).setUint32(0, json.length);
  older.set(json, 4);
  older.set(frame.subarray(end), 4 + json.length);
  return older;
}

function error(fault) {
  const thrown = new Error(fault.message ?? `a fault was set on ${fault.class}`);
  if (fault.retryable) thrown.retryable = true;
  if (fault.overloaded) thrown.overloaded = true;
  return thrown;
}

const wait = (ms = 60_000) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Runs an event of an object under the fault that stands for its class.
 *
 * @template T
 * @param {string} name - the class
 * @param {DurableObjectState} state - the real one
 * @param {boolean} alarm - whether the event is an alarm
 * @param {() => Promise<T>} handle
 * @returns {Promise<T>}
 */
export async function underFault(name, state, alarm, handle) {
  const fault = strike(name, (fault) => !atCaller(fault) && (!alarm || fault.alarms));
  if (!fault) return handle();
  const result = fault.when === 'after' ? await handle() : undefined;
  if (fault.when === 'after') await state.storage.sync();
  if (fault.mode === 'throw') throw error(fault);
  if (fault.mode === 'abort') state.abort(fault.message ?? `a fault aborted ${name}`);
  await wait(fault.ms);
  return fault.when === 'after' ? result : handle();
}

/** A namespace whose stubs throw at the caller when such a fault stands. */
export function failingNamespace(name, namespace, wrapping) {
  const method = (called) => (real) => async (...args) => {
    const fault = strike(name, atCaller);
    if (!fault) return real[called](...args);
    if (fault.mode === 'older') return real[called](asOlder(args[0]));
    if (fault.when === 'after') await real[called](...args);
    throw error(fault);
  };
  const failing = (stub) => wrapping(stub, { ingest: method('ingest'), command: method('command') });
  return wrapping(namespace, {
    get: (real) => (...args) => failing(real.get(...args)),
    getByName: (real) => (...args) => failing(real.getByName(...args)),
  });
}

/** Fails or delays a D1 query when a fault stands; `after` it has run if the fault says so. */
export async function underD1Fault(run) {
  const fault = strike('D1', () => true);
  if (!fault) return run();
  const result = fault.when === 'after' ? await run() : undefined;
  if (fault.mode === 'throw') throw error({ message: 'D1_ERROR: a fault was set on D1', ...fault });
  await wait(fault.ms);
  return fault.when === 'after' ? result : run();
}
