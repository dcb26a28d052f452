/** Measures what a page transfers, and how much its content shifts while the user reads. */

/** The DevTools protocol's types of resources, and the sums they belong to here. */
const KINDS = { Document: 'documents', Stylesheet: 'styles', Script: 'scripts', Image: 'images' };

/**
 * Loads an address with an empty cache and the session of `page`, and adds up the transferred bytes:
 * headers, and bodies as they were compressed.
 *
 * @param {import('playwright-core').Page} page
 * @param {string} url - or a path
 * @returns {Promise<{documents: number, styles: number, scripts: number, images: number, others: number, total: number, beforeImages: number, requests: {url: string, kind: string, bytes: number}[]}>} in bytes; the largest request first
 */
export async function weight(page, url) {
  const context = await page.context().browser().newContext({
    storageState: await page.context().storageState(),
    viewport: page.viewportSize(),
  });
  try {
    const cold = await context.newPage();
    const requests = await transferred(context, cold, new URL(url, page.url()).href);
    const bytes = (wanted) => requests.filter(({ kind }) => wanted(kind)).reduce((sum, request) => sum + request.bytes, 0);
    const byKind = Object.fromEntries([...Object.values(KINDS), 'others'].map((kind) => [kind, bytes((each) => each === kind)]));
    return { ...byKind, total: bytes(() => true), beforeImages: bytes((kind) => kind !== 'images'), requests };
  } finally {
    await context.close();
  }
}

async function transferred(context, page, url) {
  const session = await context.newCDPSession(page);
  const answered = new Map();
  const requests = [];
  session.on('Network.responseReceived', ({ requestId, type, response }) => {
    answered.set(requestId, { url: response.url, kind: KINDS[type] ?? 'others' });
  });
  session.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    const { url, kind } = answered.get(requestId) ?? {};
    // A resource that the page has already loaded, such as an icon, comes from its cache.
    if (url?.startsWith('http') && encodedDataLength > 0) requests.push({ url, kind, bytes: encodedDataLength });
  });
  await session.send('Network.enable');
  const response = await page.goto(url, { waitUntil: 'networkidle' });
  if (!response.ok()) throw new Error(`${url} answered ${response.status()}`);
  return requests.sort((a, b) => b.bytes - a.bytes || (a.url < b.url ? -1 : 1));
}

/**
 * The cumulative layout shift since the page was loaded; 0 is none. As the metric defines it, a shift
 * within half a second of user input does not count.
 *
 * @param {import('playwright-core').Page} page
 * @returns {Promise<number>}
 */
export function layoutShift(page) {
  return page.evaluate(async () => {
    let sum = 0;
    const add = (entries) => entries.forEach((entry) => (sum += entry.hadRecentInput ? 0 : entry.value));
    const observer = new PerformanceObserver((list) => add(list.getEntries()));
    observer.observe({ type: 'layout-shift', buffered: true });
    // Buffered entries arrive in a task of their own, and a shift is known once its frame is drawn.
    const frame = () => new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn)));
    await frame();
    await frame();
    add(observer.takeRecords());
    observer.disconnect();
    return sum;
  });
}
