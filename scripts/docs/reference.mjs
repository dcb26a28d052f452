/** The reference page, from docs/openapi.json (OpenAPI 3.1). */
import { escape, highlighted, inline } from './markdown.mjs';

const METHODS = ['get', 'put', 'post', 'patch', 'delete'];

/** How deep the fields of a body are listed; what lies deeper is named by its type. */
const DEPTH = 3;

/** Sections in Markdown and HTML, a heading for each tag and operation. */
export function referenceSections(openapi, errors) {
  if (!openapi) return 'There is no OpenAPI document in this build.';
  const operations = Object.entries(openapi.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => ({
      path,
      method,
      ...item[method],
      parameters: [...(item.parameters ?? []), ...(item[method].parameters ?? [])].map((each) => resolved(openapi, each)),
    })),
  );
  const described = new Map((openapi.tags ?? []).map(({ name, description }) => [name, description]));
  const tags = new Set([...described.keys(), ...operations.map(tagOf)]);
  const codes = new Set(errors.map(({ code }) => code));
  return [...tags]
    .map((tag) => {
      const own = operations.filter((operation) => tagOf(operation) === tag);
      return own.length === 0 ? '' : [`## ${titled(tag)} {#${slug(tag)}}`, described.get(tag) ?? '', ...own.map((operation) => section(openapi, operation, codes))].join('\n\n');
    })
    .join('\n\n');
}

const tagOf = ({ tags = [] }) => tags[0] ?? 'Operations';
const titled = (tag) => tag[0].toUpperCase() + tag.slice(1);
const slug = (text) => text.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '');

function section(openapi, operation, codes) {
  const { method, path, operationId, summary, description, parameters, requestBody, responses = {} } = operation;
  const body = requestBody && resolved(openapi, requestBody);
  return [
    `### ${summary ?? `${method.toUpperCase()} ${path}`} {#${slug(operationId ?? `${method} ${path}`)}}`,
    `<p class="op-line"><span class="method">${method.toUpperCase()}</span> <code>${escape(path)}</code></p>`,
    linked(description ?? '', codes),
    parameters.length > 0 ? `#### Parameters {#${slug(operationId ?? `${method} ${path}`)}-parameters}\n\n${parametersTable(openapi, parameters, codes)}` : '',
    body ? `#### Body {#${slug(operationId ?? `${method} ${path}`)}-body}\n\n${content(openapi, body, codes)}` : '',
    `#### Answers {#${slug(operationId ?? `${method} ${path}`)}-answers}\n\n${answers(openapi, responses, codes)}`,
  ]
    .filter(Boolean)
    .join('\n\n');
}

/** Codes of errors become links to what they mean. */
const linked = (text, codes) => text.replace(/(?<!\[)`(\w+)`/g, (all, code) => (codes.has(code) ? `[\`${code}\`](/docs/errors#${code})` : all));

const cell = (text, codes) => inline(linked((text ?? '').replace(/\s*\n\s*/g, ' '), codes));

function parametersTable(openapi, parameters, codes) {
  const rows = parameters.map(({ name, in: place, required, schema = {}, description }) => {
    const known = resolved(openapi, schema);
    return `<tr><td><code>${escape(name)}</code>${required ? ' <span class="required">required</span>' : ''}</td><td>${escape(place)}</td><td><span class="type">${escape(typeOf(openapi, schema))}</span> ${cell(description ?? known.description, codes)}${limits(known)}</td></tr>`;
  });
  return table(['Name', 'In', ''], rows);
}

const table = (heads, rows) =>
  `<div class="table" tabindex="0" role="group" aria-label="Table"><table><thead><tr>${heads.map((head) => `<th scope="col">${head || '<span class="visually-hidden">Description</span>'}</th>`).join('')}</tr></thead><tbody>${rows.join('')}</tbody></table></div>`;

/** The fields of a body, and an example of it, for each content type that differs. */
function content(openapi, { content: types = {}, description }, codes) {
  const parts = [description ? linked(description, codes) : ''];
  const shown = new Set();
  for (const [type, { schema, example, examples }] of Object.entries(types)) {
    const key = JSON.stringify(schema ?? {});
    parts.push(`<p><span class="badge">${escape(type)}</span></p>`);
    if (!shown.has(key)) {
      shown.add(key);
      const rows = fields(openapi, schema ?? {}, codes);
      if (rows.length > 0) parts.push(table(['Field', 'Type', ''], rows));
    }
    const values = [...(example === undefined ? [] : [['Example', example]]), ...Object.entries(examples ?? {}).map(([name, each]) => [each.summary ?? name, resolved(openapi, each).value])];
    for (const [name, value] of values) parts.push(exampleOf(name, value));
  }
  return parts.filter(Boolean).join('\n\n');
}

function exampleOf(name, value) {
  const text = typeof value === 'string' ? value.trimEnd() : JSON.stringify(value, null, 2);
  const code = highlighted(typeof value === 'string' ? 'text' : 'json', text);
  // One line of HTML: a blank line in it would end the block for Markdown.
  const lines = code.replaceAll('\n', '&#10;');
  return `<details class="fold"><summary>${escape(name)}</summary><figure class="code"><pre tabindex="0" role="group" aria-label="${escape(name)}"><code>${lines}</code></pre></figure></details>`;
}

function fields(openapi, schema, codes, prefix = '', depth = 0, seen = []) {
  const known = resolved(openapi, schema);
  if (seen.includes(known)) return [];
  const variants = (known.oneOf ?? known.anyOf ?? []).map((each) => resolved(openapi, each)).filter(({ type }) => type !== 'null');
  const deeper = (inner, name) => fields(openapi, inner, codes, name, depth + 1, [...seen, known]);
  if (known.allOf) return known.allOf.flatMap((each) => fields(openapi, each, codes, prefix, depth, [...seen, known]));
  if (variants.length === 1) return fields(openapi, variants[0], codes, prefix, depth, [...seen, known]);
  const item = known.items && resolved(openapi, known.items);
  if (item?.properties && prefix !== '') return fields(openapi, item, codes, prefix, depth, [...seen, known]);
  const required = known.required ?? [];
  return Object.entries(known.properties ?? {}).flatMap(([name, inner]) => {
    const field = resolved(openapi, inner);
    const path = prefix ? `${prefix}.${name}` : name;
    const list = arrayOf(openapi, field);
    const row = `<tr><td><code>${escape(path)}</code>${required.includes(name) ? ' <span class="required">required</span>' : ''}</td><td><span class="type">${escape(typeOf(openapi, inner))}</span></td><td>${cell(inner.description ?? field.description, codes)}${limits(field)}</td></tr>`;
    return depth >= DEPTH ? [row] : [row, ...deeper(list ?? inner, list ? `${path}[]` : path)];
  });
}

function arrayOf(openapi, field) {
  const array = [field, ...(field.oneOf ?? field.anyOf ?? []).map((each) => resolved(openapi, each))].find(({ items }) => items);
  return array && resolved(openapi, array.items);
}

function typeOf(openapi, schema) {
  const known = resolved(openapi, schema);
  if (known.const !== undefined) return JSON.stringify(known.const);
  if (known.oneOf ?? known.anyOf) return [...new Set((known.oneOf ?? known.anyOf).map((each) => typeOf(openapi, each)))].join(' or ');
  if (known.allOf) return typeOf(openapi, known.allOf[0]);
  const types = [known.type ?? (known.properties ? 'object' : 'any')].flat();
  const named = types.map((type) => (type === 'array' ? `array of ${typeOf(openapi, known.items ?? {})}` : type));
  return `${named.join(' or ')}${known.format ? ` (${known.format})` : ''}`;
}

function limits({ enum: values, minLength, maxLength, minimum, maximum, maxItems, pattern, default: preset }) {
  const said = [
    values && `one of ${values.map((value) => `<code>${escape(value)}</code>`).join(', ')}`,
    maxLength !== undefined && (minLength ? `${minLength} to ${maxLength} characters` : `at most ${maxLength} characters`),
    minimum !== undefined && `at least ${minimum}`,
    maximum !== undefined && `at most ${maximum}`,
    maxItems !== undefined && `at most ${maxItems} of them`,
    pattern && `matches <code>${escape(pattern)}</code>`,
    preset !== undefined && preset !== null && `<code>${escape(JSON.stringify(preset))}</code> if left out`,
  ].filter(Boolean);
  return said.length > 0 ? ` <span class="muted">${said.join('; ')}.</span>` : '';
}

/** Errors share one shape: what tells them apart is their codes. */
function answers(openapi, responses, codes) {
  const rows = [];
  const bodies = [];
  for (const [status, response] of Object.entries(responses)) {
    const { description = '', content: types, headers = {} } = resolved(openapi, response);
    const named = Object.keys(headers).map((name) => `<code>${escape(name)}</code>`).join(', ');
    rows.push(`<tr><td><span class="badge">${escape(status)}</span></td><td>${cell(description, codes)}${named ? ` <span class="muted">Headers: ${named}.</span>` : ''}</td></tr>`);
    if (/^2/.test(status) && types) bodies.push(fold(`The answer ${status}`, content(openapi, { content: types }, codes)));
  }
  return [table(['Status', ''], rows), ...bodies].join('\n\n');
}

const fold = (summary, inside) => `<details class="fold"><summary>${escape(summary)}</summary>\n\n${inside}\n\n</details>`;

/** Follows `$ref` within the document; what stands beside it counts too (JSON Schema 2020-12). */
function resolved(openapi, value) {
  if (!value?.$ref) return value ?? {};
  const target = value.$ref.replace(/^#\//, '').split('/').reduce((at, part) => at?.[part.replaceAll('~1', '/').replaceAll('~0', '~')], openapi);
  if (!target) throw new Error(`openapi.json refers to ${value.$ref}, which is not there`);
  const { $ref, ...beside } = value;
  return Object.keys(beside).length > 0 ? { ...resolved(openapi, target), ...beside } : resolved(openapi, target);
}
