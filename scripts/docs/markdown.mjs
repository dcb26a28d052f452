/** Converts Markdown to the content of a page. */
import hljs from 'highlight.js/lib/core';
import bash from 'highlight.js/lib/languages/bash';
import http from 'highlight.js/lib/languages/http';
import ini from 'highlight.js/lib/languages/ini';
import javascript from 'highlight.js/lib/languages/javascript';
import json from 'highlight.js/lib/languages/json';
import php from 'highlight.js/lib/languages/php';
import python from 'highlight.js/lib/languages/python';
import MarkdownIt from 'markdown-it';
import { Failure } from '../processes.mjs';
import { readInfo } from './samples.mjs';

const LANGUAGES = { sh: bash, js: javascript, python, php, json, http, hcl: ini };
for (const [name, language] of Object.entries(LANGUAGES)) hljs.registerLanguage(name, language);

const NOTES = { NOTE: 'Note', WARNING: 'Careful' };

/** A line that is replaced with sections made from data, for example `[[errors]]`. */
const GENERATED = /^\[\[(\w+)\]\]$/;

export const escape = (text) =>
  String(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** @returns {{html: string, headings: object[], links: string[], sections: object[], variables: string[]}} */
export function render(markdown, generated, name) {
  const page = { headings: [], links: [], groups: 0 };
  const md = markdownIt(page);
  try {
    const source = markdown.replace(new RegExp(GENERATED, 'gm'), (all, what) => {
      if (!generated[what]) throw new Error(`there is nothing to put in place of ${all}`);
      return generated[what]();
    });
    const tokens = md.parse(source, {});
    const html = md.renderer.render(tokens, md.options, {});
    return { html, headings: page.headings, links: page.links, sections: sections(tokens) };
  } catch (error) {
    throw new Failure(`docs/${name}: ${error.message}`);
  }
}

/** Renders one line of Markdown, for generated sections. */
export const inline = (text) => new MarkdownIt().renderInline(String(text));

function markdownIt(page) {
  // HTML is allowed, because generated sections contain it and all pages are our own.
  const md = new MarkdownIt({ html: true, typographer: false });
  md.core.ruler.push('headings', ({ tokens }) => headings(tokens, page));
  md.core.ruler.push('notes', ({ tokens }) => notes(tokens));
  md.core.ruler.push('tables', (state) => tables(state));
  md.core.ruler.push('tabs', ({ tokens, Token }) => tabs(tokens, Token, page));
  const rules = md.renderer.rules;
  rules.fence = (tokens, index) => figure(tokens[index]);
  rules.heading_open = (tokens, index) => `<${tokens[index].tag} id="${tokens[index].meta.id}">`;
  rules.heading_close = (tokens, index) => {
    const { tag, meta } = tokens[index];
    return tag === 'h1' ? '</h1>\n' : `<a class="anchor" href="#${meta.id}" aria-label="Link to “${escape(meta.text)}”">#</a></${tag}>\n`;
  };
  rules.table_open = () => '<div class="table" tabindex="0" role="group" aria-label="Table"><table>\n';
  rules.table_close = () => '</table></div>\n';
  rules.link_open = (tokens, index, options, env, self) => {
    page.links.push(tokens[index].attrGet('href'));
    return self.renderToken(tokens, index, options);
  };
  return md;
}

/** Gives each heading its anchor: the name in `{#name}` at its end, or else its words. */
function headings(tokens, page) {
  const taken = new Set();
  tokens.forEach((token, index) => {
    if (token.type !== 'heading_open') return;
    const content = tokens[index + 1];
    const last = content.children.at(-1);
    const [all, chosen] = last?.content.match(/\s*\{#([\w-]+)\}$/) ?? [''];
    if (chosen) last.content = last.content.slice(0, -all.length);
    const text = plain(content);
    const id = chosen ?? text.toLowerCase().replace(/[^a-z0-9_]+/g, '-').replace(/^-|-$/g, '');
    if (id === '' || taken.has(id)) throw new Error(`the heading “${text}” needs an anchor of its own: {#name}`);
    taken.add(id);
    token.meta = tokens[index + 2].meta = { id, text };
    page.headings.push({ id, text, level: Number(token.tag.slice(1)) });
  });
}

/** The text of a token without markup. */
const plain = ({ children }) => children.map(({ type, content }) => (type === 'text' || type === 'code_inline' ? content : type === 'softbreak' ? ' ' : '')).join('');

/** Turns a quotation that begins with [!NOTE] or [!WARNING] into a note. */
function notes(tokens) {
  tokens.forEach((token, index) => {
    if (token.type !== 'blockquote_open') return;
    const first = tokens[index + 2]?.children?.[0];
    const kind = first?.content.match(/^\[!(\w+)\]$/)?.[1];
    if (!NOTES[kind]) throw new Error(`the quotation in line ${token.map[0] + 1} is neither [!NOTE] nor [!WARNING]`);
    first.type = 'html_inline';
    first.content = `<strong>${NOTES[kind]}.</strong> `;
    token.tag = closing(tokens, index).tag = 'div';
    token.attrSet('class', `note ${kind.toLowerCase()}`);
  });
}

function closing(tokens, index) {
  return tokens.slice(index).find(({ type, level }) => type === 'blockquote_close' && level === tokens[index].level);
}

/**
 * Marks up the headings of tables. An empty cell is no heading. In a table without a head the first cell of
 * each row is its heading.
 */
function tables(state) {
  const { tokens } = state;
  const isEmpty = (index) => tokens[index + 1].content === '';
  let headless = false;
  let inHead = false;
  const dropped = new Set();
  tokens.forEach((token, index) => {
    if (token.type === 'thead_open') {
      const end = tokens.findIndex(({ type }, at) => at > index && type === 'thead_close');
      const cells = [...tokens.keys()].slice(index, end).filter((at) => tokens[at].type === 'th_open');
      headless = cells.every(isEmpty);
      inHead = true;
      if (headless) for (let at = index; at <= end; at += 1) dropped.add(at);
    } else if (token.type === 'thead_close') inHead = false;
    else if (token.type === 'th_open' && inHead) {
      if (isEmpty(index)) token.tag = tokens[index + 2].tag = 'td';
      else token.attrSet('scope', 'col');
    } else if (token.type === 'td_open' && headless && tokens[index - 1].type === 'tr_open') {
      token.tag = tokens[index + 2].tag = 'th';
      token.attrSet('scope', 'row');
    }
  });
  state.tokens = tokens.filter((_, index) => !dropped.has(index));
}

/** Puts consecutive blocks that are marked as tabs into one group. */
function tabs(tokens, Token, page) {
  for (let start = 0; start < tokens.length; start += 1) {
    let end = start;
    while (tokens[end]?.type === 'fence' && readInfo(tokens[end].info).tab) end += 1;
    if (end === start) continue;
    const group = (page.groups += 1);
    const names = tokens.slice(start, end).map(({ info }) => readInfo(info).tab);
    if (names.length < 2 || new Set(names).size < names.length) throw new Error(`tabs ${names.join(', ')} are no group`);
    const html = (content) => Object.assign(new Token('html_block', '', 0), { content });
    const bar = names.map((name, at) => `<button type="button" role="tab" id="tab-${group}-${at}" aria-controls="panel-${group}-${at}" aria-selected="${at === 0}"${at === 0 ? '' : ' tabindex="-1"'}>${escape(name)}</button>`);
    const put = [html(`<div class="tabs"><div class="tab-bar" role="tablist" aria-label="Language">${bar.join('')}</div>\n`)];
    tokens.slice(start, end).forEach((fence, at) => {
      put.push(html(`<div class="tab${at === 0 ? ' chosen' : ''}" role="tabpanel" id="panel-${group}-${at}" aria-labelledby="tab-${group}-${at}"><p class="tab-label">${escape(names[at])}</p>\n`), fence, html('</div>\n'));
    });
    put.push(html('</div>\n'));
    tokens.splice(start, end - start, ...put);
    start += put.length - 1;
  }
}

/** One block of code. It can be scrolled, so it must be reachable by keyboard. */
function figure({ info, content }) {
  const { language, file, title, tab } = readInfo(info);
  const said = file ?? title;
  const caption = said ? `<figcaption>${escape(said)}</figcaption>` : '';
  const label = escape(said ?? `${tab ?? language} code`);
  return `<figure class="code">${caption}<pre tabindex="0" role="group" aria-label="${label}"><code>${highlighted(language, content)}</code></pre></figure>\n`;
}

function highlighted(language, code) {
  const text = code.replace(/\n$/, '');
  if (!LANGUAGES[language]) {
    if (language !== 'text') throw new Error(`a block says to be ${language || 'nothing'}: write text or one of ${Object.keys(LANGUAGES).join(', ')}`);
    return escape(text);
  }
  return hljs.highlight(text, { language }).value;
}

/** The text under each heading, for the search. */
function sections(tokens) {
  const all = [];
  for (const [index, token] of tokens.entries()) {
    if (token.type === 'heading_open') all.push({ id: token.meta.id, heading: token.meta.text, text: '' });
    else if (token.type === 'inline' && tokens[index - 1]?.type !== 'heading_open') {
      if (all.length === 0) all.push({ id: '', heading: '', text: '' });
      all.at(-1).text += `${plain(token)} `;
    }
  }
  return all;
}
