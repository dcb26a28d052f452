/** The documentation as it is built: what it must hold, and what its build refuses. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { DOCS, documentation } from '../../scripts/docs.mjs';
import { checkLinks } from '../../scripts/docs/links.mjs';
import { renderPages } from '../../scripts/docs/pages.mjs';

const errors = JSON.parse(readFileSync(path.join(DOCS, 'errors.json'), 'utf8'));
const openapi = JSON.parse(readFileSync(path.join(DOCS, 'openapi.json'), 'utf8'));
const SOURCES = ['custom', 'woocommerce', 'zapier', 'make', 'shopify', 'square', 'bigcommerce', 'stripe_checkout', 'squarespace', 'wix', 'webflow', 'other'];

/** The pages of a directory that holds one page with this text. */
function pageOf(t, text) {
  const directory = mkdtempSync(path.join(tmpdir(), 'tidegate-docs-'));
  t.after(() => rmSync(directory, { recursive: true }));
  writeFileSync(path.join(directory, 'index.md'), `---\ntitle: A page\ndescription: Of a test.\ngroup: Start\norder: 1\n---\n\n${text}\n`);
  return renderPages(directory, { errors, openapi });
}

test('every_error_has_a_section_where_its_type_points', () => {
  const html = documentation()['/docs/errors/index.html'];
  assert.ok(errors.length >= 20);
  for (const { code } of errors) assert.match(html, new RegExp(`<h2 id="${code}">`), code);
});

test('every_source_has_a_quickstart', () => {
  const files = documentation();
  for (const source of SOURCES) assert.ok(files[`/docs/quickstarts/${source}/index.html`], source);
});

test('every_operation_of_the_openapi_document_is_in_the_reference', () => {
  const files = documentation();
  const html = files['/docs/reference/index.html'];
  for (const path of Object.keys(openapi.paths)) assert.ok(html.includes(`<code>${path}</code>`), path);
  assert.deepEqual(JSON.parse(files['/openapi.json']), openapi);
});

test('no_page_holds_an_inline_script_or_style_or_asks_another_origin', () => {
  const pages = Object.entries(documentation()).filter(([name]) => name.endsWith('.html'));
  for (const [name, html] of pages) {
    assert.doesNotMatch(html, /<style|\sstyle=|\son[a-z]+=|javascript:/i, name);
    for (const [tag] of html.matchAll(/<script[^>]*>[^<]*/g)) assert.match(tag, /^<script src="\/docs\/assets\/docs\.[0-9a-f]{12}\.js" defer>$/, name);
    assert.doesNotMatch(html, /<(?:img|iframe|link|source)[^>]+(?:src|href)="(?!\/docs\/assets\/)/, name);
  }
});

const BROKEN = {
  'a link to no page': ['[there](/docs/nowhere)', /\/docs\/nowhere, which leads nowhere/],
  'a link to no anchor': ['## Here\n\n[there](#not-here)', /#not-here, which leads nowhere/],
  'a link to a path of the console': ['[there](/settings)', /\/settings, which leads nowhere/],
  'a block that says what none can say': ['```sh expekt=200\ntrue\n```', /expekt=200 is none of/],
  'a block in an unknown language': ['```perl\n1\n```', /a block says to be perl/],
  'a lonely tab': ['```sh tab=curl\ntrue\n```', /tabs curl are no group/],
  'two headings with one anchor': ['## Same\n\n## Same', /needs an anchor of its own/],
  'a quotation of no kind': ['> Said', /neither \[!NOTE\] nor \[!WARNING\]/],
  'a section made of nothing': ['[[nothing]]', /there is nothing to put in place of \[\[nothing\]\]/],
};

for (const [what, [text, refusal]] of Object.entries(BROKEN)) {
  test(`the_build_refuses ${what}`, (t) => {
    assert.throws(() => checkLinks(pageOf(t, text), {}), refusal);
  });
}

test('what_is_written_is_not_taken_for_markup_of_the_page', (t) => {
  const [page] = pageOf(t, '## `a < b`\n\n```text\n<script>alert(1)</script>\n```\n\n```js title="<b>"\nconst a = "</code>";\n```');
  assert.doesNotMatch(page.html, /<script|<b>|"<\/code>/);
  assert.deepEqual(page.headings, [{ id: 'a-b', text: 'a < b', level: 2 }]);
});
