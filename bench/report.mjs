/** Prints the benchmark's result against its budgets. */
import { MAX_WORKER_GZIP_BYTES } from '../scripts/project.mjs';

/** Rounds to four significant digits, because the rest is noise. Integers stay as they are. */
export function rounded(value) {
  if (typeof value === 'number') return Number.isInteger(value) ? value : Number(value.toPrecision(4));
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, rounded(inner)]));
}

/** @param {ReturnType<typeof rounded>} result - as bench/run.mjs makes it */
export function report(result) {
  const { floor, order, order_with_body, forged } = result;
  console.table(Object.fromEntries(Object.entries({ floor, order, order_with_body, forged }).map(([name, { rps, p50_ms, p99_ms, cpu_us }]) => [
    name,
    { 'requests/s': rps, 'p50 ms': p50_ms, 'p99 ms': p99_ms, 'CPU µs': cpu_us },
  ])));
  console.table(Object.fromEntries(Object.entries({ order, order_with_body, forged }).map(([name, { do_requests, rows_written, rows_read, d1_queries }]) => [
    name,
    { 'object requests': do_requests, 'rows written': rows_written, 'rows read': rows_read, 'D1 queries': d1_queries },
  ])));
  console.table(
    [
      ['throughput of an order to the floor', result.ratio_to_floor, '>=', 0.6],
      ['CPU time of an order to the floor', result.cpu_ratio_to_floor, '<=', 1.7],
      ['object requests of an order', order.do_requests, '<=', 2],
      ['rows written by an order', order.rows_written, '<=', 5],
      ['rows written by an order whose body is kept', order_with_body.rows_written, '<=', 6],
      ['D1 queries of an order', order.d1_queries, '<=', 0],
      ['object requests and D1 queries of a forged order', forged.do_requests + forged.d1_queries, '<=', 0],
      ['wasm, bytes gzipped', result.wasm_gzip_bytes, '<=', MAX_WORKER_GZIP_BYTES],
    ].map(([what, is, relation, budget]) => ({
      what,
      is,
      budget: `${relation} ${budget}`,
      kept: relation === '>=' ? is >= budget : is <= budget,
    })),
  );
}
