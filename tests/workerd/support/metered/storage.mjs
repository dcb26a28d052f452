/**
 * Counts what an object's storage bills: rows of SQL, key-value calls, alarms.
 *
 * A cursor's counters grow while it is consumed, so cursors are kept and read at the end of the
 * turn, and again at the end of the event; they can only be read inside their own object.
 */
import { wrapping } from './wrapping.mjs';

/** How many of the newest cursors are kept in a loop that never goes idle; twice as many at most. */
const KEPT = 256;

export class CountedStorage {
  #counters;
  #kept = [];
  #scheduled = false;

  /**
   * @param {DurableObjectStorage} storage
   * @param {{rows_read: number, rows_written: number, set_alarms: number}} counters
   * @param {Record<'setAlarm' | 'getAlarm' | 'deleteAlarm', (real: DurableObjectStorage) => Function>} alarm - the alarm on the moved clock
   */
  constructor(storage, counters, alarm) {
    this.#counters = counters;
    const sql = wrapping(storage.sql, {
      exec: (real) => (...args) => this.#keep(real.exec(...args)),
    });
    const write = (method) => (real) => (...args) => {
      counters.rows_written += typeof args[0] === 'object' ? Object.keys(args[0]).length : 1;
      return real[method](...args);
    };
    const kv = storage.kv && wrapping(storage.kv, { put: write('put'), delete: write('delete') });
    this.storage = wrapping(storage, {
      sql: () => sql,
      kv: () => kv,
      put: write('put'),
      delete: write('delete'),
      ...alarm,
      setAlarm: (real) => (...args) => {
        counters.set_alarms += 1;
        counters.rows_written += 1;
        return alarm.setAlarm(real)(...args);
      },
    });
  }

  #keep(cursor) {
    this.#kept.push({ cursor, read: 0, written: 0 });
    // Rarely, for so many: reading the counters of all of them costs far more than a query.
    if (this.#kept.length >= 2 * KEPT) {
      this.settle();
      this.#kept.splice(0, KEPT);
    }
    if (!this.#scheduled) {
      this.#scheduled = true;
      queueMicrotask(() => {
        this.#scheduled = false;
        this.settle();
      });
    }
    return cursor;
  }

  /** Counts what the kept cursors have read and written since last time. */
  settle() {
    for (const kept of this.#kept) {
      const { rowsRead, rowsWritten } = kept.cursor;
      this.#counters.rows_read += rowsRead - kept.read;
      this.#counters.rows_written += rowsWritten - kept.written;
      kept.read = rowsRead;
      kept.written = rowsWritten;
    }
  }

  /** Settles and lets go of the cursors: no event that could still consume them is running. */
  idle() {
    this.settle();
    this.#kept = [];
  }
}
