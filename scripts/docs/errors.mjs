/**
 * The sections of the error page, one for each code. They come from docs/errors.json, which
 * `tests/documented_errors.rs` compares with the codes in the Rust code.
 */
import { inline } from './markdown.mjs';

/** Whether to send the same request again, by status. */
const AGAIN = {
  429: 'Yes, once `Retry-After` has passed.',
  500: 'Yes, the same request: it takes effect once.',
  503: 'Yes, once `Retry-After` has passed: it takes effect once.',
};

/** @param {{code: string, status: number, title: string, meaning: string, cause: string, fix: string[]}[]} errors */
export function errorSections(errors) {
  return errors.map(section).join('\n');
}

function section({ code, status, title, meaning, cause, fix }) {
  return `
## \`${code}\` {#${code}}

<p class="facts"><span class="badge">${status}</span> ${inline(title)}</p>

${meaning}

**Usual cause.** ${cause}

**What to do.**

${fix.map((step) => `- ${step}`).join('\n')}

**Send the same request again?** ${AGAIN[status] ?? 'No: it would end the same way until the cause is gone.'}
`;
}
