/** What there is to call, from docs/openapi.json, which is made of the Worker's own tables. */
import { readFileSync } from 'node:fs';

const DOCUMENT = JSON.parse(readFileSync(new URL('../../../docs/openapi.json', import.meta.url), 'utf8'));

/** Every operation: `{method, path, schemes}`, with the names of the schemes each of which lets one in; '' is none. */
export const OPERATIONS = Object.entries(DOCUMENT.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, { security }]) => ({
    method: method.toUpperCase(),
    path,
    schemes: security.flatMap((way) => (Object.keys(way).length > 0 ? Object.keys(way) : [''])),
  })));

const PROCEDURE = /^\/rpc\/core\.rpc_/;

/** The names of the procedures that an API key may call, without `core.rpc_` in front. */
export const PROCEDURES = OPERATIONS.filter(({ path, schemes }) => PROCEDURE.test(path) && schemes.includes('apiKey'))
  .map(({ path }) => path.replace(PROCEDURE, ''));

/** The senders in the paths of webhooks. */
export const SOURCES = DOCUMENT.components.parameters.Source.schema.enum ?? [];
