/** Checks pages with axe-core. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/**
 * Throws if axe-core finds a violation on the page in its current state. The message names the rule,
 * the element and the reason. The page needs JavaScript.
 *
 * @param {import('playwright-core').Page} page
 * @param {string} [within] - a selector, to check only a part of the page
 */
export async function assertAccessible(page, within) {
  // The page's Content-Security-Policy would refuse axe-core as a script element.
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(AXE);
  const violations = await page.evaluate(async (selector) => {
    // `preload` would fetch style sheets again and insert them, which the policy refuses as well.
    const found = await window.axe.run(selector ?? document, { resultTypes: ['violations'], preload: false });
    return found.violations.map(({ id, impact, help, nodes }) => ({
      rule: `${id} (${impact}): ${help}`,
      nodes: nodes.map(({ target, failureSummary }) => `${target.join(' ')}: ${failureSummary}`),
    }));
  }, within);
  if (violations.length === 0) return;
  const descriptions = violations.map(({ rule, nodes }) => [rule, ...nodes].join('\n    '));
  assert.fail(`axe-core finds ${violations.length} violations on ${page.url()}:\n  ${descriptions.join('\n  ')}`);
}

/** The themes and widths in which people see pages. */
const LOOKS = [
  { colorScheme: 'light', width: 1280 },
  { colorScheme: 'light', width: 390 },
  { colorScheme: 'dark', width: 390 },
  { colorScheme: 'dark', width: 1280 },
];

/**
 * Runs `look` on the page in both themes and at both widths, without loading it anew, and leaves it as
 * it was. Throws at the end, with the look in the message.
 *
 * @param {import('playwright-core').Page} page
 * @param {(page: import('playwright-core').Page) => Promise<void>} look
 */
export async function inEveryLook(page, look) {
  const viewport = page.viewportSize();
  const problems = [];
  for (const { colorScheme, width } of LOOKS) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ ...viewport, width });
    await animationsEnd(page);
    await look(page).catch((problem) => problems.push(`${colorScheme} at ${width}: ${problem.message}`));
  }
  await page.emulateMedia({ colorScheme: null });
  await page.setViewportSize(viewport);
  assert.deepEqual(problems, []);
}

/** Waits for what moves: an element that fades in has its own colours only at the end. */
async function animationsEnd(page) {
  await page.evaluate(() => {
    const ends = document.getAnimations().map(({ finished }) => finished.catch(() => {}));
    const second = new Promise((done) => setTimeout(done, 1_000));
    return Promise.race([Promise.all(ends), second]);
  });
}
