/** Measures what a request costs: time, CPU time of the runtime, and billable units. */
import { load } from '../tests/workerd/support/load.mjs';

export const CONNECTIONS = 16;

/**
 * Sends requests for at most `seconds`. Throws unless every response has the expected status.
 *
 * @param {{url: string, cpuMillis: () => number}} server
 * @returns {Promise<{rps: number, p50_ms: number, p99_ms: number, cpu_us: number}>} CPU time per request
 */
export async function timed(server, requests, expected, seconds) {
  const before = server.cpuMillis();
  const { count, rps, p50_ms, p99_ms, statuses, resets } = await load({ url: server.url, requests, connections: CONNECTIONS, seconds });
  const cpu_us = ((server.cpuMillis() - before) * 1000) / count;
  expectOnly(expected, statuses);
  if (resets > 0) console.error(`  ${resets} of ${count} connections were reset: does the Worker leave a body unread?`);
  return { rps, p50_ms, p99_ms, cpu_us };
}

/**
 * Sends all requests to a metered gateway.
 *
 * @returns {Promise<{do_requests: number, rows_written: number, rows_read: number, d1_queries: number}>} per request
 */
export async function units(gateway, requests, expected) {
  const { KeyGate, StoreLedger, d1 } = await gateway.cost(async () => {
    const { statuses } = await load({ url: gateway.url, requests, connections: CONNECTIONS });
    expectOnly(expected, statuses);
  });
  const perRequest = (total) => total / requests.length;
  return {
    do_requests: perRequest(KeyGate.fetches + StoreLedger.fetches),
    rows_written: perRequest(KeyGate.rows_written + StoreLedger.rows_written),
    rows_read: perRequest(KeyGate.rows_read + StoreLedger.rows_read),
    d1_queries: perRequest(d1.queries),
  };
}

function expectOnly(expected, statuses) {
  if (Object.keys(statuses).some((status) => Number(status) !== expected)) {
    throw new Error(`every answer should be ${expected}, but they were ${JSON.stringify(statuses)}`);
  }
}

/** The median of each member over records of the same members. */
export function medians(records) {
  return Object.fromEntries(Object.keys(records[0]).map((name) => [name, median(records.map((record) => record[name]))]));
}

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
