/**
 * Builds the documentation from docs/ into build/assets/: one file per page, and the stylesheet,
 * script and search index under names that contain their hash. Does nothing if no input has changed.
 * Fails if a link leads nowhere or a page is too large.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { gzipSync } from 'node:zlib';
import { checkArchitectureLinks } from './docs/documents.mjs';
import { layout } from './docs/layout.mjs';
import { checkLinks } from './docs/links.mjs';
import { renderPages } from './docs/pages.mjs';
import { searchIndex } from './docs/search.mjs';
import { Failure, isMain, runScript, step } from './processes.mjs';
import { BUILD_DIR, ROOT } from './project.mjs';

export const DOCS = join(ROOT, 'docs');
const OUT = join(BUILD_DIR, 'assets');
const THEME = join(DOCS, 'theme');
const CONSOLE = join(ROOT, 'crates/console/src/assets');
const OPENAPI = join(DOCS, 'openapi.json');

/** The most bytes, compressed, that a page may transfer with everything that it loads. */
const MAX_PAGE_BYTES = 60_000;

const INPUTS = [DOCS, CONSOLE, join(ROOT, 'scripts/docs.mjs'), join(ROOT, 'scripts/docs'), join(ROOT, 'package-lock.json')];
const STAMP = join(BUILD_DIR, '.docs.json');

/** Builds the documentation if an input has changed. Returns whether it did. */
export async function buildDocs() {
  const digest = inputsDigest();
  if (existsSync(join(OUT, 'docs/index.html')) && readStamp() === digest) return false;
  await step('Building the documentation', () => {
    rmSync(STAMP, { force: true });
    const files = documentation();
    // The directory is emptied and not removed, because a runtime may be serving it.
    mkdirSync(OUT, { recursive: true });
    for (const name of readdirSync(OUT)) rmSync(join(OUT, name), { recursive: true });
    for (const [path, content] of Object.entries(files)) write(path, content);
    writeFileSync(STAMP, JSON.stringify({ digest }));
  });
  return true;
}

/** Every file of the documentation, by its path: `{ '/docs/index.html': '<!doctype …', … }`. */
export function documentation() {
  const openapi = existsSync(OPENAPI) ? JSON.parse(readFileSync(OPENAPI, 'utf8')) : undefined;
  const pages = renderPages(DOCS, { errors: JSON.parse(readFileSync(join(DOCS, 'errors.json'), 'utf8')), openapi });
  const files = {};
  const fingerprinted = (name, content) => {
    const hash = createHash('sha256').update(content).digest('hex').slice(0, 12);
    const path = `/docs/assets/${name.replace('.', `.${hash}.`)}`;
    files[path] = content;
    return path;
  };
  const assets = {
    style: fingerprinted('docs.css', stylesheet()),
    script: fingerprinted('docs.js', readFileSync(join(THEME, 'docs.js'), 'utf8')),
    icon: fingerprinted('favicon.svg', readFileSync(join(CONSOLE, 'favicon.svg'), 'utf8')),
    search: fingerprinted('search.json', JSON.stringify(searchIndex(pages))),
  };
  const initially = [assets.style, assets.script, assets.icon].reduce((sum, path) => sum + compressed(files[path]), 0);
  for (const page of pages) {
    const html = layout(page, pages, assets);
    const bytes = initially + compressed(html);
    if (bytes > MAX_PAGE_BYTES) throw new Failure(`${page.path} weighs ${bytes} bytes, of at most ${MAX_PAGE_BYTES}.`);
    files[page.file] = html;
  }
  if (openapi) files['/openapi.json'] = JSON.stringify(openapi);
  checkLinks(pages, files);
  checkArchitectureLinks();
  return files;
}

/** The stylesheet: the console's custom properties, so that both look alike, then the documentation's own rules. */
function stylesheet() {
  const tokens = readFileSync(join(CONSOLE, 'console.css'), 'utf8').match(/^:root \{\n.*?^\}$/ms)?.[0];
  if (!tokens) throw new Failure('console.css does not begin with :root { … }, from which the documentation takes its colours.');
  return `${tokens}\n${readFileSync(join(THEME, 'docs.css'), 'utf8')}`;
}

const compressed = (content) => gzipSync(content, { level: 9 }).length;

function write(path, content) {
  const file = join(OUT, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
}

function readStamp() {
  try {
    return JSON.parse(readFileSync(STAMP, 'utf8')).digest;
  } catch {
    return undefined;
  }
}

function inputsDigest() {
  const hash = createHash('sha256');
  for (const file of INPUTS.flatMap(filesUnder).sort()) {
    // The pictures in docs/ belong to the README.
    if (!file.endsWith('.png')) hash.update(`\0${relative(ROOT, file)}\0`).update(readFileSync(file));
  }
  return hash.digest('hex');
}

function filesUnder(path) {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path).flatMap((name) => filesUnder(join(path, name)));
}

if (isMain(import.meta)) {
  await runScript(async () => {
    if (!(await buildDocs())) console.log('  The documentation is up to date.');
  });
}
