/**
 * A bounded load: so many connections, kept alive, each sending its next request as soon as the
 * last was answered, until the requests or the time run out.
 *
 * workerd resets the connection after an answer to a body that the Worker did not read, and the
 * answer may be lost to it. Such a request is sent again on another connection and counted in
 * `resets`; a Worker that reads or drains what it refuses has none.
 */
import http from 'node:http';

/**
 * @param {object} run
 * @param {string} run.url - origin
 * @param {{method: string, path: string, headers?: object, body?: string | Buffer}[]} run.requests - sent in order, each once
 * @param {number} [run.connections]
 * @param {number} [run.seconds] - no request starts later than this
 * @param {(answer: {status: number, text: string}, request: object) => void} [run.check] - throws on a wrong answer; reads the body only when given
 * @returns {Promise<{count: number, seconds: number, rps: number, p50_ms: number, p99_ms: number, max_ms: number, resets: number, statuses: Record<number, number>}>}
 */
export async function load({ url, requests, connections = 16, seconds = Infinity, check }) {
  const { hostname, port } = new URL(url);
  const agent = new http.Agent({ keepAlive: true, maxSockets: connections, scheduling: 'fifo' });
  const latencies = [];
  const statuses = {};
  const began = performance.now();
  const until = began + seconds * 1000;
  let next = 0;
  let resets = 0;

  const lane = async () => {
    while (next < requests.length && performance.now() < until) {
      const request = requests[next++];
      const sent = performance.now();
      let answer;
      while (!(answer = await exchange({ agent, hostname, port }, request, Boolean(check)))) {
        resets += 1;
        if (resets > requests.length) throw new Error('the server resets every connection');
      }
      latencies.push(performance.now() - sent);
      statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
      check?.(answer, request);
    }
  };
  try {
    await Promise.all(Array.from({ length: connections }, lane));
  } finally {
    agent.destroy();
  }

  const elapsed = (performance.now() - began) / 1000;
  latencies.sort((a, b) => a - b);
  return {
    count: latencies.length,
    seconds: elapsed,
    rps: latencies.length / elapsed,
    p50_ms: quantile(latencies, 0.5),
    p99_ms: quantile(latencies, 0.99),
    max_ms: latencies.at(-1) ?? NaN,
    resets,
    statuses,
  };
}

const RESET = new Set(['ECONNRESET', 'EPIPE']);

/** One request and its whole answer; undefined if the connection was reset before the answer began. */
function exchange(connection, { method, path, headers, body }, reading) {
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
    const request = http.request({ ...connection, method, path, headers: { ...headers, ...length } }, (response) => {
      let text = '';
      response.on('error', reject);
      if (reading) response.setEncoding('utf8').on('data', (chunk) => (text += chunk));
      else response.resume();
      response.on('end', () => resolve({ status: response.statusCode, text }));
    });
    request.on('error', (reason) => (RESET.has(reason.code) ? resolve(undefined) : reject(reason)));
    request.end(body);
  });
}

/** The smallest value that at least the given share of them does not exceed. */
export function quantile(sorted, share) {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? NaN;
}
