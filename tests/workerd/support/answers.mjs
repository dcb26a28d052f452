/** What the tests expect of answers. */
import assert from 'node:assert/strict';

/**
 * An error as every API answers it: RFC 9457, with this status and code.
 *
 * @param {{status: number, headers: Headers, body: any, text: string}} answer
 * @param {number} status
 * @param {string} code
 * @param {[pointer: string, code: string][]} [fields] - exactly the fields that are named, in any order
 */
export function assertProblem(answer, status, code, fields) {
  assert.deepEqual([answer.status, answer.body?.code], [status, code], answer.text ?? JSON.stringify(answer.body));
  assert.equal(answer.headers.get('content-type'), 'application/problem+json');
  const { type, title, detail, request_id: requestId } = answer.body;
  assert.equal(answer.body.status, status);
  assert.equal(type, `/docs/errors#${code}`);
  assert.ok(title && detail, 'a title and a detail');
  assert.match(requestId, /^req_[a-z2-7]{31}$/);
  if (!answer.headers.get('idempotency-replayed')) assert.equal(answer.headers.get('x-request-id'), requestId);
  if (status === 401) assert.equal(answer.headers.get('www-authenticate'), 'Bearer');
  const named = answer.body.errors?.map((error) => [error.pointer, error.code]);
  assert.deepEqual(named?.sort(), fields && [...fields].sort(), answer.text);
  for (const error of answer.body.errors ?? []) assert.ok(error.detail);
}

/** Any answer to a request whose key was recognised says what is left of the limit. */
export function assertQuota(answer, perMinute) {
  assert.equal(answer.headers.get('ratelimit-policy'), `"key";q=${perMinute};w=60`);
  const [, left, reset] = answer.headers.get('ratelimit')?.match(/^"key";r=(\d+);t=(\d+)$/) ?? [];
  assert.ok(Number(left) < perMinute, `ratelimit: ${answer.headers.get('ratelimit')}`);
  assert.ok(Number(reset) >= 1 && Number(reset) <= 60, `ratelimit: ${answer.headers.get('ratelimit')}`);
}

/** How often each value occurs: `count([1, 1, 2])` is `{1: 2, 2: 1}`. */
export function count(values) {
  const counts = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}

/** Makes `n` calls at once; `act` is given the number of each. */
export const times = (n, act) => Promise.all(Array.from({ length: n }, (_, index) => act(index)));

/** How often each status occurs: `{201: 99, 429: 1}`. */
export const statuses = (answers) => count(answers.map((answer) => answer.status));
