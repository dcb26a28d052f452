/**
 * Watches everything that the pages of a test do. A page must not throw, log an error, violate its
 * Content-Security-Policy, or contact any server but the gateway.
 */

/** The beginning of a page's own report of a policy violation. */
const VIOLATION = 'CSP violation';

/** Runs in the page. Only this event reports a refused action whose error a script catches, such as `eval`. */
function reportViolations(prefix) {
  document.addEventListener('securitypolicyviolation', (event) => {
    const where = `${event.sourceFile || event.documentURI}:${event.lineNumber}`;
    console.error(`${prefix}: ${event.effectiveDirective} blocks ${event.blockedURI} ${event.sample} (${where})`);
  });
}

/** Schemes that contact no server. */
const LOCAL = ['about:', 'blob:', 'chrome-error:', 'data:'];

export class Guard {
  #origin;
  #allowed = [];
  #problems = [];

  /**
   * Must be awaited before the context opens its first page.
   *
   * @param {import('playwright-core').BrowserContext} context
   * @param {string} origin - the only one that may be contacted
   * @returns {Promise<Guard>}
   */
  static async over(context, origin) {
    const guard = new Guard(origin);
    await context.addInitScript(reportViolations, VIOLATION);
    context.on('weberror', (problem) => guard.#note(`page error: ${problem.error().stack}`));
    context.on('console', (message) => {
      if (message.type() !== 'error') return;
      guard.#note(`console error: ${message.text()} (${message.location().url})`);
    });
    context.on('request', (request) => guard.#contacted(request.url()));
    context.on('page', (page) => page.on('websocket', (socket) => guard.#contacted(socket.url())));
    return guard;
  }

  constructor(origin) {
    this.#origin = origin;
  }

  /**
   * Allows the problems, past and to come, whose text matches.
   *
   * @param {RegExp} pattern
   */
  allow(pattern) {
    this.#allowed.push(pattern);
  }

  /** The problems that were noticed and are not allowed, one text each. */
  get problems() {
    return this.#problems.filter((problem) => !this.#allowed.some((pattern) => pattern.test(problem)));
  }

  #contacted(address) {
    const url = new URL(address);
    if (LOCAL.includes(url.protocol)) return;
    const origin = url.origin === 'null' ? address : url.origin.replace(/^ws/, 'http');
    if (origin !== this.#origin) this.#note(`request to another origin: ${address}`);
  }

  #note(problem) {
    this.#problems.push(problem);
  }
}
