/**
 * The documents that are read in the repository and not served: their links must lead somewhere, and
 * the files that they name must exist.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import MarkdownIt from 'markdown-it';
import { Failure } from '../processes.mjs';
import { ROOT } from '../project.mjs';

/** The document in docs/ that is not a page of /docs. */
export const ARCHITECTURE = 'architecture.md';

const DOCUMENTS = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', `docs/${ARCHITECTURE}`];

/** A path of the repository, as code in a text: `src/lib.rs`, `tests/workerd/console-*.test.mjs`. */
const PATH = /^(?:\.ci|bench|crates|d1-migrations|docs|fuzz|scripts|src|tests)\/[\w./*-]*$/;

/** Fails if a link of a document, or a path that it names, leads nowhere. */
export function checkDocuments() {
  failIfAny(DOCUMENTS.flatMap((document) => [...brokenLinks(document), ...missingPaths(document)]));
}

/** Fails if a link of docs/architecture.md leads nowhere. */
export function checkArchitectureLinks() {
  failIfAny(brokenLinks(`docs/${ARCHITECTURE}`));
}

function failIfAny(problems) {
  if (problems.length > 0) throw new Failure(problems.join('\n'));
}

function brokenLinks(document) {
  const links = inlineTokens(document).flatMap(({ type, attrs }) => {
    if (type !== 'link_open' && type !== 'image') return [];
    return attrs.filter(([name]) => name === 'href' || name === 'src').map(([, value]) => value);
  });
  return links
    .filter((href) => !leads(document, href))
    .map((href) => `${document} links to ${href}, which leads nowhere.`);
}

function leads(document, href) {
  if (/^https?:\/\//.test(href)) return true;
  const [path, anchor] = href.split('#');
  const target = path === '' ? document : relative(ROOT, join(ROOT, dirname(document), path));
  if (target.startsWith('..') || !existsSync(join(ROOT, target))) return false;
  return anchor === undefined || (target.endsWith('.md') && anchors(target).includes(anchor));
}

function missingPaths(document) {
  const paths = inlineTokens(document)
    .filter(({ type, content }) => type === 'code_inline' && PATH.test(content))
    .map(({ content }) => content);
  return paths.filter((path) => !exists(path)).map((path) => `${document} names ${path}, which does not exist.`);
}

/** Whether there is a file or directory at a path. `*` stands for anything within its last segment. */
function exists(path) {
  if (!path.includes('*')) return existsSync(join(ROOT, path));
  const pattern = new RegExp(`^${basename(path).replaceAll('.', '\\.').replaceAll('*', '.*')}$`);
  const directory = join(ROOT, dirname(path));
  return existsSync(directory) && readdirSync(directory).some((name) => pattern.test(name));
}

/** The anchors that GitHub gives the headings of a document. */
function anchors(document) {
  const tokens = parse(document);
  return tokens.flatMap(({ type }, index) => {
    if (type !== 'heading_open') return [];
    const text = tokens[index + 1].children.map(({ content }) => content).join('');
    return [text.toLowerCase().replace(/[^\p{L}\p{N}_\- ]/gu, '').replaceAll(' ', '-')];
  });
}

const inlineTokens = (document) => parse(document).flatMap(({ children }) => children ?? []);

const parse = (document) => new MarkdownIt({ html: true }).parse(readFileSync(join(ROOT, document), 'utf8'), {});
