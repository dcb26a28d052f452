/** The pages of docs/: Markdown files that begin with a few facts about themselves. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { Failure } from '../processes.mjs';
import { errorSections } from './errors.mjs';
import { render } from './markdown.mjs';
import { referenceSections } from './reference.mjs';

/** The groups of the navigation, in its order. */
export const GROUPS = ['Start', 'Quickstarts', 'Sending', 'Receiving webhooks', 'When something fails', 'Cookbook', 'Reference'];

const FACTS = ['title', 'nav', 'description', 'group', 'order'];

/**
 * A page as it is written: `path` is its address, `file` where it is built to, `name` its place in
 * docs/, `facts` what it says about itself, `markdown` the rest.
 */
export function readPages(directory) {
  return markdownFiles(directory)
    .map((file) => readPage(directory, file))
    .sort((a, b) => GROUPS.indexOf(a.facts.group) - GROUPS.indexOf(b.facts.group) || a.facts.order - b.facts.order);
}

/** The same rendered: `html`, its `headings`, its `links`, the `sections` that search looks in. */
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
  // Not found is answered under any address.
  const built = name === '404.md' ? '/docs/404.html' : `${path}/index.html`;
  return { name, path, file: built, markdown, facts: { ...facts, nav: facts.nav ?? facts.title, order: Number(facts.order) } };
}
