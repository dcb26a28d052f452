/** What the tests ask of a gateway that runs, whoever runs it: the endpoints of metered.mjs. */

/** What `fetch` says of a connection that the other side has closed. */
const CLOSED = ['UND_ERR_SOCKET', 'ECONNRESET'];

/** @abstract has `url`, `state`, `setupToken`, `metered` and `output` */
export class RunningGateway {
  /** Milliseconds that its clock is ahead of real time. */
  #ahead = 0;

  /** The time by its clock, in milliseconds since 1970. */
  now() {
    return Date.now() + this.#ahead;
  }

  /** How far its clock is ahead of real time, in milliseconds. */
  get ahead() {
    return this.#ahead;
  }

  /**
   * Moves its clock forward, from alarm to alarm: each alarm that comes due on the way runs at its
   * time, and has run when this resolves. Timers and the runtime's own deadlines stay in real time.
   *
   * @param {number} milliseconds
   * @returns {Promise<number>} how many alarms ran
   */
  async advance(milliseconds) {
    return (await this.#move({ advance: milliseconds })).ran;
  }

  /** Goes to the beginning of a minute by its clock. Rate-limit bindings and refusals count by the minute. */
  nextMinute() {
    return this.advance(60_000 - (this.now() % 60_000));
  }

  /** Waits until every alarm that is due by its clock has run. Returns how many ran. */
  async tick() {
    return (await this.#move({})).ran;
  }

  /**
   * Moves its clock from alarm to alarm until `holds` says yes to what `ask` returns.
   *
   * @template T
   * @param {() => Promise<T>} ask
   * @param {(value: T) => boolean} [holds]
   * @param {number} [within] - milliseconds by its clock, after which it throws
   * @returns {Promise<T>} the value that held
   */
  async later(ask, holds = Boolean, within = 30_000) {
    await this.tick();
    for (let left = within; ; ) {
      const value = await ask();
      if (holds(value)) return value;
      if (left <= 0) throw new Error(`still so ${within} ms later: ${JSON.stringify(value)}`);
      left = (await this.#move({ advance: left, pausing: true })).left;
    }
  }

  async #move(by) {
    const distance = by.advance ?? 0;
    this.#ahead += distance;
    // Where no answer comes, since the runtime was killed meanwhile, the clock has moved all the same.
    const moved = await this.#harness('POST', '/__clock', by);
    this.#ahead -= moved.left;
    return moved;
  }

  /** Runs the Worker's cron handler. */
  async scheduled(cron = '* * * * *', time = new Date()) {
    const query = new URLSearchParams({ cron, time: String(time.getTime()) });
    const response = await fetch(`${this.url}/cdn-cgi/handler/scheduled?${query}`);
    return response.text();
  }

  /** What has been counted since the last reset: see metered/meter.mjs. */
  meter() {
    return this.#harness('GET', '/__meter');
  }

  async resetMeter() {
    await this.#harness('POST', '/__meter/reset');
  }

  /** Runs `act` and returns what it cost, leaving the counters as they stand after it. */
  async cost(act) {
    await this.resetMeter();
    await act();
    return this.meter();
  }

  /** Takes every object out of memory. */
  async evict() {
    await this.#harness('POST', '/__evict');
  }

  /** Puts a fault in place (metered/faults.mjs); without one, takes all away. */
  async fault(fault = {}) {
    await this.#harness('POST', '/__fault', fault);
  }

  /**
   * Runs SQL inside one object, past product code and meter.
   *
   * @param {"KeyGate" | "StoreLedger"} className
   * @param {string | {id: string}} object - its name, or its id in hex
   * @returns {Promise<object[]>} rows
   */
  async sql(className, object, sql, params = []) {
    const which = typeof object === 'string' ? { name: object } : object;
    return (await this.#harness('POST', '/__sql', { class: className, ...which, sql, params })).rows;
  }

  /** Ends all that was: faults, counts, the clock's lead, objects and their alarms. D1 stays as it is. */
  async forget() {
    await this.#harness('POST', '/__reset');
    this.#ahead = 0;
  }

  /** Runs SQL in D1, past product code and meter. Returns rows. */
  async d1(sql, params = []) {
    return (await this.#harness('POST', '/__d1', { sql, params })).rows;
  }

  /**
   * Calls the method `command` of one object with a message of `src/protocol`, as the product does.
   *
   * @param {"KeyGate" | "StoreLedger"} className
   * @param {string} name - of the object
   * @param {number} [reads] - the newest version of a reply that the sender says it reads; older code says nothing
   * @returns {Promise<{reply: any, body: string}>}
   */
  command(className, name, message, reads) {
    return this.#harness('POST', '/__command', { class: className, name, message, reads });
  }

  async #harness(method, pathname, body) {
    if (!this.metered) throw new Error(`${pathname} needs a metered gateway`);
    const ask = () => fetch(this.url + pathname, { method, body: body && JSON.stringify(body) });
    // A connection that was kept may be closed by the other side at the very moment it is used again.
    const response = await ask().catch((error) => (CLOSED.includes(error.cause?.code) ? ask() : Promise.reject(error)));
    const answer = await response.json();
    if (!response.ok) throw new Error(`${pathname}: ${answer.error}`);
    return answer;
  }
}
