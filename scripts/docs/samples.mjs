/**
 * The code blocks of a page, and what each says about itself after its language:
 *
 *     ```python tab=Python expect=201 output="ord_"
 *
 * - `tab=NAME`        one of several blocks in a row that say the same in different languages
 * - `expect=201,200`  the statuses that the gateway answers while it runs, in order
 * - `output="TEXT"`   what its output contains, in either kind of quotation marks; `output="/…/"` is a
 *                     regular expression
 * - `set`             settings to fill in, `export NAME=value` lines; not run
 * - `file=NAME`       shown as its title; kept under that name when it runs
 * - `title="…"`       shown above it
 *
 * What is written in a language of RUNNABLE is run by `tests/workerd/docs-samples.test.mjs`.
 */
import MarkdownIt from 'markdown-it';

export const RUNNABLE = ['sh', 'js', 'python', 'php'];
const NAMES = ['tab', 'expect', 'output', 'set', 'file', 'title'];

/** Throws where a block says what no block can say. */
export function readInfo(info) {
  const [language, rest = ''] = info.trim().split(/\s+(.*)/s);
  const said = {};
  for (const [all, name, , quoted, bare] of rest.matchAll(/(\w+)(?:=(["'])(.*?)\2|=(\S+))?/g)) {
    if (!NAMES.includes(name)) throw new Error(`\`${info}\`: ${all} is none of ${NAMES.join(', ')}`);
    said[name] = quoted ?? bare ?? true;
  }
  return { language, ...said };
}

/** Every block of a page: `{ language, …what it says, code, line }`. */
export function samples(markdown) {
  return new MarkdownIt()
    .parse(markdown, {})
    .filter(({ type }) => type === 'fence')
    .map(({ info, content, map }) => ({ ...readInfo(info), code: content, line: map[0] + 1 }));
}
