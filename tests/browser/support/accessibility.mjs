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
export async function axe(page, within) {
  // The page's Content-Security-Policy would refuse axe-core as a script element.
  await page.evaluate(AXE);
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
