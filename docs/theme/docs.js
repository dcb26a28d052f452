/** What moves on the documentation's pages; all of them can be read without it. */
'use strict';

/* Code: a button that copies it */

for (const figure of document.querySelectorAll('.code')) {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'copy';
  button.textContent = 'Copy';
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(`${figure.querySelector('code').textContent}\n`);
      button.textContent = 'Copied';
    } catch {
      // Where the page may not write to the clipboard, the reader can.
      getSelection().selectAllChildren(figure.querySelector('code'));
      button.textContent = 'Selected';
    }
    setTimeout(() => (button.textContent = 'Copy'), 2000);
  });
  figure.append(button);
}

/* Tabs: one choice for all groups, remembered */

const CHOICE = 'tidegate-docs-tab';
const groups = [...document.querySelectorAll('.tabs')];

function choose(name) {
  for (const group of groups) {
    const tabs = [...group.querySelectorAll('[role=tab]')];
    if (!tabs.some((tab) => tab.textContent === name)) continue;
    for (const tab of tabs) {
      const chosen = tab.textContent === name;
      tab.setAttribute('aria-selected', chosen);
      tab.tabIndex = chosen ? 0 : -1;
      document.getElementById(tab.getAttribute('aria-controls')).classList.toggle('chosen', chosen);
    }
  }
}

function chooseHere(tab) {
  const before = tab.getBoundingClientRect().top;
  choose(tab.textContent);
  // Groups above may have grown: what was clicked stays where it is.
  scrollBy({ top: tab.getBoundingClientRect().top - before, behavior: 'instant' });
  try {
    localStorage.setItem(CHOICE, tab.textContent);
  } catch {
    // Without storage the choice holds for this page.
  }
}

for (const group of groups) {
  group.addEventListener('click', ({ target }) => target.role === 'tab' && chooseHere(target));
  group.addEventListener('keydown', (event) => {
    const tabs = [...group.querySelectorAll('[role=tab]')];
    const at = tabs.indexOf(event.target);
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    const tab = tabs.at(to % tabs.length);
    tab.focus();
    chooseHere(tab);
  });
}
try {
  const before = localStorage.getItem(CHOICE);
  if (before) choose(before);
} catch {
  // The first tab stays chosen.
}

/* On this page: where the reader is */

const entries = new Map([...document.querySelectorAll('.contents a')].map((link) => [decodeURIComponent(link.hash.slice(1)), link]));
if (entries.size > 0) {
  const seen = new Set();
  const observer = new IntersectionObserver(
    (changes) => {
      for (const { target, isIntersecting } of changes) seen[isIntersecting ? 'add' : 'delete'](target.id);
      const current = [...entries.keys()].find((id) => seen.has(id));
      if (!current) return;
      for (const [id, link] of entries) id === current ? link.setAttribute('aria-current', 'true') : link.removeAttribute('aria-current');
    },
    { rootMargin: '-64px 0px -50% 0px' },
  );
  for (const id of entries.keys()) observer.observe(document.getElementById(id));
}
document.querySelector('.side [aria-current]')?.scrollIntoView({ block: 'nearest' });

/* Search */

const form = document.querySelector('.search');
const input = form.querySelector('input');
const list = form.querySelector('#found');
const status = form.querySelector('[role=status]');
let index;

const loaded = () => (index ??= fetch(form.dataset.index).then((answer) => answer.json()));

function score(words, title, heading, text) {
  const places = [[title.toLowerCase(), 4], [heading.toLowerCase(), 8], [text.toLowerCase(), 1]];
  let sum = 0;
  for (const word of words) {
    const found = places.reduce((best, [place, weight]) => (place.includes(word) ? best + weight : best), 0);
    if (found === 0) return 0;
    sum += found;
  }
  return words.includes(heading.toLowerCase()) ? sum + 10 : sum;
}

function matches(pages, query) {
  const words = query.toLowerCase().split(/[^\p{L}\p{N}_]+/u).filter(Boolean);
  if (words.length === 0) return [];
  const found = pages.flatMap(([path, title, sections]) =>
    sections.map(([id, heading, text]) => ({ href: id ? `${path}#${id}` : path, title, heading, text, score: score(words, title, heading, text) })),
  );
  return found.filter((each) => each.score > 0).sort((a, b) => b.score - a.score).slice(0, 12);
}

function item({ href, title, heading, text }) {
  const link = document.createElement('a');
  link.href = href;
  link.append(heading ? `${title} › ${heading}` : title);
  const excerpt = document.createElement('span');
  excerpt.textContent = text;
  link.append(excerpt);
  const line = document.createElement('li');
  line.append(link);
  return line;
}

function nothing() {
  const line = document.createElement('li');
  const text = document.createElement('p');
  text.textContent = 'Nothing found. An error code or the name of a header finds most.';
  line.append(text);
  return line;
}

async function search() {
  const query = input.value.trim();
  const found = query === '' ? [] : matches(await loaded(), query);
  if (query !== input.value.trim()) return;
  list.replaceChildren(...(found.length > 0 ? found.map(item) : [nothing()]));
  list.hidden = query === '';
  status.textContent = query === '' ? '' : `${found.length} results`;
}

input.addEventListener('focus', loaded);
input.addEventListener('input', search);
form.addEventListener('submit', (event) => {
  event.preventDefault();
  list.querySelector('a')?.click();
});
form.addEventListener('keydown', (event) => {
  const links = [...list.querySelectorAll('a')];
  const at = links.indexOf(document.activeElement);
  if (event.key === 'Escape') {
    list.hidden = true;
    input.focus();
  } else if (event.key === 'ArrowDown' && links.length > 0 && !list.hidden) {
    event.preventDefault();
    links[Math.min(at + 1, links.length - 1)].focus();
  } else if (event.key === 'ArrowUp' && at >= 0) {
    event.preventDefault();
    (links[at - 1] ?? input).focus();
  }
});
list.addEventListener('click', ({ target }) => {
  // A link within this page loads nothing that would close the list.
  if (target.closest('a')) list.hidden = true;
});
document.addEventListener('click', ({ target }) => {
  if (!form.contains(target)) list.hidden = true;
});
document.addEventListener('keydown', (event) => {
  if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey || event.target.matches('input, textarea, select')) return;
  event.preventDefault();
  input.focus();
});
