/**
 * Objects' alarms under a clock that tests move.
 *
 * The runtime knows real time only. So an alarm that the product sets for the time t of the moved
 * clock is set for the real time at which the clock will say t, and set anew whenever the clock has
 * moved. The runtime itself runs every alarm, with all that belongs to it: its own event, the
 * object woken if it was evicted, repeats after a failure.
 *
 * Which alarms are set is remembered here, in the module, because objects come and go. An alarm
 * that an earlier runtime over the same state has left becomes known when its object asks for it.
 */
import { fromReal, moveClock, now, toReal } from './clock.mjs';

/** Real milliseconds that alarms may take until none is due. */
const PATIENCE_MS = 30_000;

/** Real milliseconds after which an alarm that should have run is looked into. */
const OVERDUE_MS = 200;

/** Alarms that are set, by object id: `{name, due, set}`: due by the moved clock, set for a real time. */
const pending = new Map();

/** Instances whose alarm runs, by object id. An instance that was evicted is replaced by the next. */
const running = new Map();

let ran = 0;

/** An object's view of its alarm: the storage's own methods, on the moved clock. */
export function movedAlarm(name, state) {
  const id = state.id.toString();
  return {
    setAlarm: (real) => async (time, ...options) => {
      const due = Number(time);
      pending.set(id, { name, due, set: toReal(due) });
      await real.setAlarm(toReal(due), ...options);
    },
    getAlarm: (real) => async (...options) => {
      const set = await real.getAlarm(...options);
      if (set === null) return null;
      if (!pending.has(id)) pending.set(id, { name, due: fromReal(set), set });
      return pending.get(id).due;
    },
    deleteAlarm: (real) => (...options) => {
      pending.delete(id);
      return real.deleteAlarm(...options);
    },
  };
}

/** Notes that the runtime runs an object's alarm. */
export async function duringAlarm(state, instance, run) {
  const id = state.id.toString();
  pending.delete(id);
  running.set(id, instance);
  try {
    return await run();
  } finally {
    ran += 1;
    if (running.get(id) === instance) running.delete(id);
  }
}

/** Notes that an object was made anew: an alarm of an earlier instance does not run any more. */
export function alarmsOfNewInstance(state) {
  running.delete(state.id.toString());
}

/** Sets the real alarm of an object, from inside it, to what it must be by the clock as it stands. */
export async function realignAlarm(state) {
  const id = state.id.toString();
  const alarm = pending.get(id);
  if (!alarm || running.has(id)) return;
  const isSet = (await state.storage.getAlarm()) !== null;
  if (pending.get(id) !== alarm || running.has(id)) return;
  alarm.set = toReal(alarm.due);
  // What an aborted object has set may never have been written.
  if (isSet) await state.storage.setAlarm(alarm.set);
  else pending.delete(id);
}

/** Forgets every alarm: of objects that nobody calls any more. */
export function forgetAlarms() {
  pending.clear();
  running.clear();
}

/** Forgets which alarms run: their objects have been aborted. */
export function forgetRunning() {
  running.clear();
}

/**
 * Moves the clock from alarm to alarm: each runs at its time and is waited for. Without a
 * `distance` it runs only what is due by now.
 *
 * @param {(name: string, id: string) => Promise<void>} realign - has {@link realignAlarm} called inside an object
 * @param {object} [by]
 * @param {number} [by.distance] - milliseconds to move the clock by
 * @param {boolean} [by.pausing] - whether to stop at the first alarm on the way, once it has run
 * @returns {Promise<{ran: number, left: number}>} how many alarms ran, and how far the clock did not move
 */
export async function passTime(realign, { distance = 0, pausing = false } = {}) {
  const before = ran;
  await settle(realign);
  let left = distance;
  while (left > 0) {
    const next = Math.min(...[...pending.values()].map(({ due }) => due));
    const step = Math.min(left, Math.max(1, next - now()));
    left -= step;
    moveClock(step);
    await settle(realign);
    if (pausing) break;
  }
  await realignAll(realign, isMisaligned);
  return { ran: ran - before, left };
}

const isDue = ({ due }) => due <= now();
const isMisaligned = ({ due, set }) => set !== toReal(due);

async function realignAll(realign, which) {
  const chosen = [...pending].filter(([, alarm]) => which(alarm));
  await Promise.all(chosen.map(([id, { name }]) => realign(name, id)));
}

/** Waits until no alarm runs and none is due. */
async function settle(realign) {
  await realignAll(realign, (alarm) => isDue(alarm) && isMisaligned(alarm));
  const began = performance.now();
  for (let looked = 0; running.size > 0 || [...pending.values()].some(isDue); ) {
    const waited = performance.now() - began;
    if (waited > PATIENCE_MS) throw new Error(`alarms are still due or running after ${PATIENCE_MS} ms`);
    if (waited - looked > OVERDUE_MS) {
      looked = waited;
      await realignAll(realign, isDue);
    }
    await scheduler.wait(2);
  }
}
