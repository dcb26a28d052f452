/**
 * The code blocks of a page, and the attributes that each may have after its language:
 *
 *     ```python tab=Python expect=201 output="ord_"
 *
 * - `tab=NAME`        one of several consecutive blocks that do the same in different languages
 * - `expect=201,200`  the statuses of the gateway's responses while the block runs, in order
 * - `output="TEXT"`   a text that the output contains, in either kind of quotation marks; `output="/…/"`
 *                     is a regular expression
 * - `set`             settings for the reader to fill in, as lines `export NAME=value`; not run
 * - `file=NAME`       the title; when the block runs, it is saved under this name
 * - `title="…"`       the title
 *
 * `tests/workerd/docs-samples.test.mjs` runs the blocks in the languages of RUNNABLE.
 */
import MarkdownIt from 'markdown-it';

export const RUNNABLE = ['sh', 'js', 'python', 'php'];
const NAMES = ['tab', 'expect', 'output', 'set', 'file', 'title'];

/** Parses the info string of a block. Throws for an unknown attribute. */
export function readInfo(info) {
  const [language, rest = ''] = info.trim().split(/\s+(.*)/s);
  const said = {};
  for (const [all, name, , quoted, bare] of rest.matchAll(/(\w+)(?:=(["'])(.*?)\2|=(\S+))?/g)) {
    if (!NAMES.includes(name)) throw new Error(`\`${info}\`: ${all} is none of ${NAMES.join(', ')}`);
    said[name] = quoted ?? bare ?? true;
  }
  return { language, ...said };
}

/** Every block of a page: `{ language, code, line }` and its attributes. */
export function samples(markdown) {
  return new MarkdownIt()
    .parse(markdown, {})
    .filter(({ type }) => type === 'fence')
    .map(({ info, content, map }) => ({ ...readInfo(info), code: content, line: map[0] + 1 }));
}
