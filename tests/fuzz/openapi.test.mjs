/**
 * Checks that `docs/openapi.json` describes the running Worker. Schemathesis generates requests from
 * the document, as callers with every kind of key, and checks the Worker's responses against it.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, test } from 'node:test';
import { useGateway } from '../workerd/support/gateway.mjs';
import { withKnownIds, populate } from './support/callers.mjs';
import { schemathesis } from './support/schemathesis.mjs';

/** `npm run fuzz` generates more requests, and different ones each time. */
const EXAMPLES = Number(process.env.FUZZ_EXAMPLES ?? 12);
const SEED = Number(process.env.FUZZ_SEED ?? 20261125);

const gateway = await useGateway({ rateLimits: { WEBHOOK_LIMITER: 1_000_000, LOGIN_LIMITER: 1_000_000 } });
let document;
let callers;

before(async () => {
  const { callers: who, ids } = await populate(gateway);
  callers = who;
  document = withKnownIds(JSON.parse(readFileSync(new URL('../../docs/openapi.json', import.meta.url), 'utf8')), ids);
});

test('no_response_is_a_5xx_or_differs_from_the_document', async (t) => {
  const { code, output, seen } = await schemathesis(gateway, { document, callers, examples: EXAMPLES, seed: SEED });
  assert.equal(code, 0, output);
  t.diagnostic(Object.entries(seen).map(([id, statuses]) => `${id} ${JSON.stringify(statuses)}`).join('\n'));
  const operations = Object.values(document.paths).flatMap((path) => Object.values(path).map(({ operationId }) => operationId));
  const unsuccessful = operations.filter((id) => !Object.keys(seen[id] ?? {}).some((status) => status.startsWith('2')));
  // A deployment can be set up only once, and `populate` has done that.
  assert.deepEqual(unsuccessful, ['core.rpc_setup_workspace'], JSON.stringify(seen, null, 1));
});

const BROKEN = {
  'a status that is not documented': (broken) => delete broken.paths['/integrations/v1/whoami'].get.responses[200],
  'a property that is not documented': ({ components: { schemas: { Whoami } } }) => {
    delete Whoami.properties.preview;
    Whoami.required = Whoami.required.filter((name) => name !== 'preview');
  },
  'a property of another type': (broken) => (broken.components.schemas.Whoami.properties.name = { type: 'integer' }),
  'a header that is missing': (broken) => {
    broken.components.headers.Missing = { required: true, schema: { type: 'string' } };
    broken.paths['/integrations/v1/whoami'].get.responses[200].headers['X-Missing'] = { $ref: '#/components/headers/Missing' };
  },
};

for (const [what, breaks] of Object.entries(BROKEN)) {
  test(`${what} is found`, async () => {
    const broken = structuredClone(document);
    breaks(broken);
    const { code, output } = await schemathesis(gateway, { document: broken, callers, examples: 5, seed: SEED, only: ['whoami'] });
    assert.equal(code, 1, output);
  });
}
