/** Waits in real time, for what happens by itself within moments. What an alarm does is asked for by `gateway.later`. */

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Asks again and again until `holds` says yes.
 *
 * @template T
 * @param {() => Promise<T>} ask
 * @param {(value: T) => boolean} [holds]
 * @param {number} [seconds] - after which it throws, with the last value
 * @returns {Promise<T>} the value that held
 */
export async function until(ask, holds = Boolean, seconds = 30) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const value = await ask();
    if (holds(value)) return value;
    if (Date.now() > end) throw new Error(`still so after ${seconds} s: ${JSON.stringify(value)}`);
    await pause(100);
  }
}
