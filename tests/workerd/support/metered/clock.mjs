/**
 * The clock of the metered Worker: real time, plus what tests have moved it by.
 *
 * The Worker and its objects run in one isolate and ask `Date` at the moment of the call, so
 * replacing the global moves the time for all of them, without a line in the product. Timers
 * (`setTimeout`, `scheduler.wait`) and the platform's own deadlines stay in real time. Import this
 * module before the build.
 */

const RealDate = globalThis.Date;

let offset;

globalThis.Date = class Date extends RealDate {
  constructor(...args) {
    if (args.length === 0) super(Date.now());
    else super(...args);
  }

  static now() {
    return RealDate.now() + (offset ?? 0);
  }
};

/** The time of the clock, in milliseconds since 1970. */
export const now = () => Date.now();

/** The real time that the clock's time `at` falls on. */
export const toReal = (at) => at - (offset ?? 0);

/** The clock's time at the real time `at`. */
export const fromReal = (at) => at + (offset ?? 0);

/** Moves the clock forward. */
export function moveClock(milliseconds) {
  offset = (offset ?? 0) + milliseconds;
}

/** Goes back to real time. */
export function resetClock() {
  offset = 0;
}

/**
 * Starts the clock where an earlier runtime over the same state left it.
 *
 * @param {{HARNESS_CLOCK?: string}} env - milliseconds ahead of real time
 */
export function startClock(env) {
  offset ??= Number(env.HARNESS_CLOCK ?? 0);
}
