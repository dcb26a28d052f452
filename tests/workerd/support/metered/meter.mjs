/**
 * The counters of the metered Worker.
 *
 * Worker and objects of one script share one isolate under workerd, so one module-global table
 * serves them all. Units are those of Cloudflare's bill.
 */

const object = () => ({
  /** Constructions: the object was not in memory. */
  wakes: 0,
  /** Calls that reached the object; each is billed as a request. */
  fetches: 0,
  alarms: 0,
  /** WebSocket messages, closes and errors delivered. */
  socket_events: 0,
  rows_read: 0,
  /** Rows written by SQL and key-value calls, and one for each `setAlarm`. */
  rows_written: 0,
  set_alarms: 0,
});

const zero = () => ({
  worker: { fetches: 0, scheduled: 0, queue: 0 },
  /** `calls` are round trips, `queries` statements; rows as D1 reports them. */
  d1: { calls: 0, queries: 0, rows_read: 0, rows_written: 0 },
  KeyGate: object(),
  StoreLedger: object(),
});

/** The table itself; counted into directly. */
export const meter = zero();

/** Sets every counter to zero. */
export function resetMeter() {
  for (const [part, counters] of Object.entries(zero())) Object.assign(meter[part], counters);
}
