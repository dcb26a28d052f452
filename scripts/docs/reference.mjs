/** Makes the reference page from docs/openapi.json (OpenAPI 3.1). */
import { escape, inline } from './markdown.mjs';

const METHODS = ['get', 'put', 'post', 'patch', 'delete'];

/** How deep the fields of a body are listed. Deeper ones are only named by their type. */
const DEPTH = 3;

/** The sections, in Markdown and HTML: each tag with its operations, then the objects in their responses. */
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
  const codes = new Set(errors.map(({ code }) => code));
  const objects = new Map();
  const common = commonHeaders(openapi, operations);
  const tags = [...new Set([...described.keys(), ...operations.map(tagOf)])].filter((tag) => operations.some((operation) => tagOf(operation) === tag));
  return [
    overview(openapi, operations, tags, common),
    ...tags.flatMap((tag) => [
      `## ${titled(tag)} {#${slug(tag)}}`,
      described.get(tag) ?? '',
      ...operations.filter((operation) => tagOf(operation) === tag).map((operation) => section(openapi, operation, { codes, objects, common })),
    ]),
    objectSections(openapi, objects, codes),
  ].join('\n\n');
}

/** The headers that most responses carry. They are described once. */
function commonHeaders(openapi, operations) {
  const answers = operations.flatMap(({ responses = {} }) => Object.values(responses).map((response) => resolved(openapi, response)));
  const count = new Map();
  for (const name of answers.flatMap(({ headers = {} }) => Object.keys(headers))) count.set(name, (count.get(name) ?? 0) + 1);
  return new Set([...count].filter(([name, times]) => times > answers.length / 2 || /^RateLimit/.test(name)).map(([name]) => name));
}

function overview(openapi, operations, tags, common) {
  const rows = tags.flatMap((tag) =>
    operations
      .filter((operation) => tagOf(operation) === tag)
      .map((operation) => `<tr><td><span class="method">${operation.method.toUpperCase()}</span></td><td><a href="#${anchorOf(operation)}"><code>${escape(operation.path)}</code></a><br><span class="muted">${inline(operation.summary ?? '')}</span></td></tr>`),
  );
  const headers = openapi.components?.headers ?? {};
  const told = [...common].map((name) => {
    const known = Object.values(headers).find((_, at) => Object.keys(headers)[at].toLowerCase() === name.replaceAll('-', '').toLowerCase());
    return `<tr><td><code>${escape(name)}</code></td><td>${inline(known?.description ?? '')}</td></tr>`;
  });
  return [
    `The [OpenAPI document](/openapi.json) is version ${openapi.openapi}, for generators and test tools.`,
    table(['Method', 'Path'], rows),
    `## Headers of every answer {#headers}\n\n${table(['Header', ''], told)}`,
  ].join('\n\n');
}

function objectSections(openapi, objects, codes) {
  if (objects.size === 0) return '';
  const sections = [...objects].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, example]) => {
    const schema = openapi.components.schemas[name];
    return [
      `### ${name} {#object-${slug(name)}}`,
      schema.description ? linked(schema.description, codes) : '',
      table(['Field', 'Type', ''], fields(openapi, schema, { codes, told: true })),
      example === undefined ? '' : exampleOf('Example', example),
    ].join('\n\n');
  });
  return `## Objects {#objects}\n\n${sections.join('\n\n')}`;
}

const tagOf = ({ tags = [] }) => tags[0] ?? 'Operations';
const titled = (tag) => tag[0].toUpperCase() + tag.slice(1);
const slug = (text) => text.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '');

const anchorOf = ({ operationId, method, path }) => slug(operationId ?? `${method} ${path}`);

function section(openapi, operation, context) {
  const { method, path, summary, description, parameters, requestBody, responses = {} } = operation;
  const { codes } = context;
  const anchor = anchorOf(operation);
  const body = requestBody && resolved(openapi, requestBody);
  return [
    `### ${summary ?? `${method.toUpperCase()} ${path}`} {#${anchor}}`,
    `<p class="op-line"><span class="method">${method.toUpperCase()}</span> <code>${escape(path)}</code></p>`,
    linked(description ?? '', codes),
    parameters.length > 0 ? `#### Parameters {#${anchor}-parameters}\n\n${parametersTable(openapi, parameters, codes)}` : '',
    body ? `#### Body {#${anchor}-body}\n\n${content(openapi, body, codes)}` : '',
    `#### Answers {#${anchor}-answers}\n\n${answers(openapi, responses, context)}`,
  ]
    .filter(Boolean)
    .join('\n\n');
}

/** Turns error codes into links to their sections. */
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

/** The fields and an example of a body, for each content type that has a schema of its own. */
function content(openapi, { content: types = {}, description }, codes) {
  const parts = [description ? linked(description, codes) : ''];
  const shown = new Set();
  for (const [type, { schema, example, examples }] of Object.entries(types)) {
    const key = JSON.stringify(schema ?? {});
    parts.push(`<p><span class="badge">${escape(type)}</span></p>`);
    if (!shown.has(key)) {
      shown.add(key);
      const rows = fields(openapi, schema ?? {}, { codes });
      if (rows.length > 0) parts.push(table(['Field', 'Type', ''], rows));
    }
    const values = [...(example === undefined ? [] : [['Example', example]]), ...Object.entries(examples ?? {}).map(([name, each]) => [each.summary ?? name, resolved(openapi, each).value])];
    for (const [name, value] of values) parts.push(exampleOf(name, value));
  }
  return parts.filter(Boolean).join('\n\n');
}

function exampleOf(name, value) {
  const text = typeof value === 'string' ? value.trimEnd() : JSON.stringify(value, null, 2);
  // On one line, because a blank line would end the HTML for Markdown. Without colours, because their
  // markup would weigh more than the code.
  const lines = escape(text).replaceAll('\n', '&#10;');
  return `<details class="fold"><summary>${escape(name)}</summary><figure class="code"><pre tabindex="0" role="group" aria-label="${escape(name)}"><code>${lines}</code></pre></figure></details>`;
}

/**
 * A row for each field. `told`: the schema is of a response, so requirements on the values are left out.
 * Objects in responses that have a name are linked.
 */
function fields(openapi, schema, context, prefix = '', depth = 0, seen = []) {
  const { codes, told } = context;
  const known = resolved(openapi, schema);
  if (seen.includes(known)) return [];
  const same = (inner) => fields(openapi, inner, context, prefix, depth, [...seen, known]);
  const variants = (known.oneOf ?? known.anyOf ?? []).map((each) => resolved(openapi, each)).filter(({ type }) => type !== 'null');
  if (known.allOf) return known.allOf.flatMap(same);
  if (variants.length === 1) return same(variants[0]);
  const required = known.required ?? [];
  return Object.entries(known.properties ?? {}).flatMap(([name, inner]) => {
    const field = resolved(openapi, inner);
    const path = prefix ? `${prefix}.${name}` : name;
    const list = arrayOf(openapi, field);
    const mark = required.includes(name) && !told ? ' <span class="required">required</span>' : '';
    const row = `<tr><td><code>${escape(path)}</code>${mark}</td><td><span class="type">${escape(typeOf(openapi, inner))}</span></td><td>${cell(inner.description ?? field.description, codes)}${limits(field, told)}</td></tr>`;
    if (depth >= DEPTH) return [row];
    return [row, ...fields(openapi, list ?? inner, context, list ? `${path}[]` : path, depth + 1, [...seen, known])];
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

function limits({ enum: values, minLength, maxLength, minimum, maximum, maxItems, pattern, default: preset }, told = false) {
  const asked = [
    maxLength !== undefined && (minLength ? `${minLength} to ${maxLength} characters` : `at most ${maxLength} characters`),
    minimum !== undefined && `at least ${minimum}`,
    maximum !== undefined && `at most ${maximum}`,
    maxItems !== undefined && `at most ${maxItems} of them`,
    pattern && `matches <code>${escape(pattern)}</code>`,
    preset !== undefined && preset !== null && `<code>${escape(JSON.stringify(preset))}</code> if left out`,
  ];
  const said = [
    values && `one of ${values.map((value) => `<code>${escape(value)}</code>`).join(', ')}`,
    ...(told ? [] : asked),
  ].filter(Boolean);
  return said.length > 0 ? ` <span class="muted">${said.join('; ')}.</span>` : '';
}

/** The table of responses. Errors all have the same form, so only their descriptions, with their codes, are shown. */
function answers(openapi, responses, { codes, objects, common }) {
  const rows = [];
  const examples = new Map();
  for (const [status, response] of Object.entries(responses)) {
    const { description = '', content: types = {}, headers = {} } = resolved(openapi, response);
    const own = Object.keys(headers).filter((name) => !common.has(name));
    const named = own.length > 0 ? ` <span class="muted">Headers: ${own.map((name) => `<code>${escape(name)}</code>`).join(', ')}.</span>` : '';
    const said = [cell(description, codes)];
    for (const [type, { schema = {}, example, examples: more = {} }] of Object.entries(types)) {
      if (!/^2/.test(status)) continue;
      const parts = schema.allOf ?? [schema];
      const names = parts.filter(({ $ref }) => $ref).map(({ $ref }) => $ref.split('/').pop());
      const shown = [example, ...Object.values(more).map((each) => resolved(openapi, each).value)].find((value) => value !== undefined);
      // One example of each object, shown beside its fields, is enough.
      for (const name of names) objects.set(name, objects.get(name) ?? (parts.length === 1 ? shown : undefined));
      said.push(names.length > 0 ? names.map((name) => `<a href="#object-${slug(name)}">${escape(name)}</a>`).join(' and ') : `<span class="type">${escape(type)}</span>`);
      const own = parts.filter(({ $ref }) => !$ref).flatMap((part) => fields(openapi, part, { codes, told: true }));
      if (own.length > 0) said.push(`${names.length > 0 ? 'with' : ''} ${table(['Field', 'Type', ''], own)}`);
      if (names.length !== 1 && shown !== undefined) examples.set(JSON.stringify(shown), [`Example of ${status}`, shown]);
    }
    rows.push(`<tr><td><span class="badge">${escape(status)}</span></td><td>${said.filter(Boolean).join(' ')}${named}</td></tr>`);
  }
  return [table(['Status', ''], rows), ...[...examples.values()].map(([name, value]) => exampleOf(name, value))].join('\n\n');
}

/** Follows `$ref` within the document. Keywords beside it apply too (JSON Schema 2020-12). */
function resolved(openapi, value) {
  if (!value?.$ref) return value ?? {};
  const target = value.$ref.replace(/^#\//, '').split('/').reduce((at, part) => at?.[part.replaceAll('~1', '/').replaceAll('~0', '~')], openapi);
  if (!target) throw new Error(`openapi.json refers to ${value.$ref}, which is not there`);
  const { $ref, ...beside } = value;
  return Object.keys(beside).length > 0 ? { ...resolved(openapi, target), ...beside } : resolved(openapi, target);
}
