/** The HTML around the content of each page. */
import { escape } from './markdown.mjs';
import { GROUPS } from './pages.mjs';

const MARK =
  '<svg class="mark" viewBox="0 0 32 32" width="22" height="22" aria-hidden="true"><rect width="32" height="32" rx="8" fill="currentColor"/><path d="M9 8v16M23 8v16" stroke-width="3" stroke-linecap="round"/><path d="M9 18.5c2.3-2.4 4.700-2.4 7 0s4.700 2.400 7 0" fill="none" stroke-width="3" stroke-linecap="round"/></svg>';

/** @param {object} page - the rendered page @param {object[]} pages - all pages, in the order of the navigation */
export function layout(page, pages, assets) {
  const { title, description } = page.facts;
  const outline = page.headings.filter(({ level }) => level === 2);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escape(title)} · Tidegate documentation</title>
<meta name="description" content="${escape(description)}">
<link rel="icon" type="image/svg+xml" href="${assets.icon}">
<link rel="stylesheet" href="${assets.style}">
<script src="${assets.script}" defer></script>
</head>
<body>
<a class="skip" href="#content">Skip to content</a>
<header class="bar">
<a class="brand" href="/docs">${MARK}<span>Tidegate <span class="muted">Docs</span></span></a>
${search(assets)}
<details class="menu"><summary>Menu</summary><nav aria-label="All pages">${navigation(page, pages)}</nav></details>
</header>
<div class="frame">
<nav class="side" aria-label="Documentation">${navigation(page, pages)}</nav>
<main id="content" tabindex="-1">
<article>
<h1>${escape(title)}</h1>
<p class="lede">${escape(description)}</p>
${contents(outline, 'contents-inline')}
${page.html}
</article>
${turns(page, pages)}
</main>
${contents(outline, 'contents')}
</div>
</body>
</html>
`;
}

function search({ search: index }) {
  return `<form class="search" role="search" data-index="${index}">
<label class="visually-hidden" for="q">Search the documentation</label>
<input id="q" type="search" placeholder="Search" autocomplete="off" spellcheck="false" aria-controls="found"><kbd aria-hidden="true">/</kbd>
<p class="visually-hidden" role="status"></p>
<ul id="found" hidden></ul>
</form>`;
}

function navigation(page, pages) {
  return GROUPS.map((group) => {
    const entries = pages.filter(({ facts }) => facts.group === group);
    if (entries.length === 0) return '';
    const items = entries.map(({ path, facts }) => `<li><a href="${path}"${path === page.path ? ' aria-current="page"' : ''}>${escape(facts.nav)}</a></li>`);
    return `<p class="group">${escape(group)}</p><ul>${items.join('')}</ul>`;
  }).join('');
}

/** The list of headings: beside the text, or, on a narrow screen, folded above it. */
function contents(outline, place) {
  if (outline.length < 2) return place === 'contents' ? '<div class="contents"></div>' : '';
  const items = outline.map(({ id, text }) => `<li><a href="#${id}">${escape(text)}</a></li>`).join('');
  return place === 'contents'
    ? `<nav class="contents" aria-label="On this page"><p class="group">On this page</p><ul>${items}</ul></nav>`
    : `<details class="contents-inline"><summary>On this page</summary><ul>${items}</ul></details>`;
}

function turns(page, pages) {
  const all = pages.filter(({ facts }) => GROUPS.includes(facts.group));
  const at = all.indexOf(page);
  const link = (other, rel, words) => (other ? `<a rel="${rel}" href="${other.path}"><span class="muted">${words}</span> ${escape(other.facts.title)}</a>` : '<span></span>');
  if (at < 0) return '';
  return `<nav class="turns" aria-label="Previous and next page">${link(all[at - 1], 'prev', 'Before')}${link(all[at + 1], 'next', 'Next')}</nav>`;
}
