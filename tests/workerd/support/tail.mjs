/** Follows the log of a key as an open page does. */
import { gateOf, newId } from './credentials.mjs';
import { until } from './waiting.mjs';
import { openWebSocket } from './web-socket.mjs';

/** A filter that lets everything through, and one with some of its members set. */
export const filter = (members = {}) => ({
  limit: 50,
  before: null,
  from: null,
  to: null,
  status: null,
  status_class: null,
  outcome: null,
  error_code: null,
  external_id: null,
  idempotency_key: null,
  ...members,
});

/**
 * Asks for a tail of a key, past sessions and roles.
 *
 * @param {{key_id: string}} key
 * @param {object} ticket - the message `TailTicket` of `src/protocol/tail.rs`
 * @param {object} heard - as {@link openWebSocket} takes it
 */
export function askForTail(gateway, key, ticket, heard) {
  const query = new URLSearchParams({ gate: gateOf(key.key_id), ticket: JSON.stringify({ v: 2, message: ticket }) });
  return openWebSocket(`${gateway.url}/__tail?${query}`, heard);
}

/**
 * Opens a tail of a key; throws with the status where it is refused.
 *
 * @param {{key_id: string}} key
 * @param {object} [choice] - members of the ticket to override
 * @returns {Promise<Tail>}
 */
export async function openTail(gateway, key, choice = {}) {
  const ticket = { session: 'a session', user_id: newId('usr_'), filter: filter(), opened_at: gateway.now(), ...choice };
  const tail = new Tail();
  const answer = await askForTail(gateway, key, ticket, {
    text: (text) => tail.messages.push({ at: Date.now(), text }),
    close: (code, reason) => (tail.closed = { code, reason }),
  });
  if (answer.status !== 101) throw Object.assign(new Error(answer.body), { status: answer.status });
  return Object.assign(tail, { send: answer.send, close: answer.close });
}

class Tail {
  /** What has been sent, in its order: `{at, text}`. */
  messages = [];
  /** How it was closed: `{code, reason}`; null while it is open. */
  closed = null;

  /** The requests that have been told. */
  get requests() {
    return this.messages.filter(({ text }) => text.startsWith('{')).map(({ text }) => JSON.parse(text).request);
  }

  /** Waits until so many requests have been told; returns them. */
  async told(count, seconds = 5) {
    await until(async () => this.requests.length, (told) => told >= count, seconds);
    return this.requests;
  }

  /** Waits until what was sent to it before has arrived: messages keep their order, and a ping is answered by one. */
  async caughtUp() {
    const pongs = () => this.messages.filter(({ text }) => text === 'pong').length;
    const before = pongs();
    this.send('ping');
    await until(async () => pongs(), (count) => count > before, 5);
  }

  /** Waits until it is closed; returns how. */
  ended(seconds = 5) {
    return until(async () => this.closed, Boolean, seconds);
  }
}
