/**
 * Counts D1 queries and the rows that D1 itself reports, and fails them on demand.
 *
 * `first()` keeps its meta to itself, so it is answered from `all()`. `raw()` does too but has no
 * equal, so the rows it returns are counted as read (a lower bound).
 */
import { underD1Fault } from './faults.mjs';
import { meter } from './meter.mjs';
import { wrapping } from './wrapping.mjs';

/** The statement behind a wrapped one, which `batch` must be given. */
const REAL = Symbol('real statement');

/**
 * @param {D1Database | D1DatabaseSession} database
 * @returns {D1Database | D1DatabaseSession} the same, counted
 */
export function countedD1(database) {
  return wrapping(database, {
    prepare: (real) => (sql) => statement(real.prepare(sql)),
    batch: (real) => (statements) =>
      query(statements.length, () => real.batch(statements.map((wrapped) => wrapped[REAL]))),
    exec: (real) => (sql) => query(1, () => real.exec(sql)),
    withSession: (real) => (...args) => countedD1(real.withSession(...args)),
  });
}

function statement(prepared) {
  return wrapping(prepared, {
    [REAL]: (real) => real,
    bind: (real) => (...values) => statement(real.bind(...values)),
    all: (real) => () => query(1, () => real.all()),
    run: (real) => () => query(1, () => real.run()),
    first: (real) => async (column) => {
      const [row] = (await query(1, () => real.all())).results;
      if (row === undefined) return null;
      if (column === undefined) return row;
      if (!(column in row)) throw new Error(`D1_COLUMN_NOTFOUND: Column not found (${column})`);
      return row[column];
    },
    raw: (real) => async (options) => {
      const rows = await query(1, () => real.raw(options));
      meter.d1.rows_read += rows.length - (options?.columnNames ? 1 : 0);
      return rows;
    },
  });
}

/** One round trip of so many statements; what it answers is counted where it carries meta. */
async function query(statements, run) {
  meter.d1.calls += 1;
  meter.d1.queries += statements;
  const answer = await underD1Fault(run);
  for (const { meta } of [answer].flat()) {
    meter.d1.rows_read += meta?.rows_read ?? 0;
    meter.d1.rows_written += meta?.rows_written ?? 0;
  }
  return answer;
}
