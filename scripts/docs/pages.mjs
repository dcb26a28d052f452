/**
 * The pages of docs/: Markdown files that begin with a few facts about themselves. The one file that
 * is not a page, docs/architecture.md, has none, so the build would fail if it were read here.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { Failure } from '../processes.mjs';
import { ARCHITECTURE } from './documents.mjs';
import { errorSections } from './errors.mjs';
import { render } from './markdown.mjs';
import { referenceSections } from './reference.mjs';

/** The groups of the navigation, in its order. */
export const GROUPS = ['Start', 'Quickstarts', 'Sending', 'Receiving webhooks', 'When something fails', 'Cookbook', 'Reference'];

const FACTS = ['title', 'nav', 'description', 'group', 'order'];

/**
 * The pages, unrendered. `path` is a page's address, `file` the path of the built file, `name` the
 * path of its source in docs/, `facts` the lines at its beginning, `markdown` the rest.
 */
export function readPages(directory) {
  return markdownFiles(directory)
    .filter((file) => relative(directory, file) !== ARCHITECTURE)
    .map((file) => readPage(directory, file))
    .sort((a, b) => GROUPS.indexOf(a.facts.group) - GROUPS.indexOf(b.facts.group) || a.facts.order - b.facts.order);
}

/** The rendered pages: in addition, their `html`, `headings`, `links`, and the `sections` for the search. */
export function renderPages(directory, { errors, openapi }) {
  const generated = { errors: () => errorSections(errors), reference: () => referenceSections(openapi, errors) };
  return readPages(directory).map((page) => ({ ...page, ...render(page.markdown, generated, page.name) }));
}

function markdownFiles(directory) {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) return markdownFiles(path);
    return entry.name.endsWith('.md') ? [path] : [];
  });
}

function readPage(directory, file) {
  const name = relative(directory, file).replaceAll('\\', '/');
  const [, head, markdown] = readFileSync(file, 'utf8').match(/^---\n(.*?)\n---\n(.*)$/s) ?? [];
  if (!head) throw new Failure(`docs/${name} does not begin with its facts between two lines ---.`);
  const facts = Object.fromEntries(head.split('\n').map((line) => line.match(/^(\w+): (.+)$/)?.slice(1) ?? [line]));
  const unknown = Object.keys(facts).find((fact) => !FACTS.includes(fact));
  if (unknown) throw new Failure(`docs/${name}: ${unknown} is none of ${FACTS.join(', ')}.`);
  const missing = FACTS.find((fact) => fact !== 'nav' && facts[fact] === undefined);
  if (missing) throw new Failure(`docs/${name} says nothing of its ${missing}.`);
  if (!GROUPS.includes(facts.group) && name !== '404.md') throw new Failure(`docs/${name}: there is no group ${facts.group}.`);
  const slug = name.replace(/(^|\/)index\.md$|\.md$/, '');
  const path = slug === '' ? '/docs' : `/docs/${slug}`;
  // The 404 page is served under any address.
  const built = name === '404.md' ? '/docs/404.html' : `${path}/index.html`;
  return { name, path, file: built, markdown, facts: { ...facts, nav: facts.nav ?? facts.title, order: Number(facts.order) } };
}
