/**
 * Every sample of the documentation does what it says.
 *
 * A block in a language that runs is run, in the order of its page, against the gateway; what it must
 * be answered or print stands in its info (scripts/docs/samples.mjs). `DOCS_PAGE=orders.md` runs one
 * page only.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { DOCS } from '../../scripts/docs.mjs';
import { readPages } from '../../scripts/docs/pages.mjs';
import { RUNNABLE, samples } from '../../scripts/docs/samples.mjs';
import { setup, useGateway } from './support/gateway.mjs';
import { Reader, Recorder } from './support/samples.mjs';

const gateway = await useGateway({ metered: false });
let creds;
let recorder;
before(async () => {
  creds = await setup(gateway);
  recorder = await Recorder.before(gateway);
});
after(async () => {
  await recorder?.stop();
});

/** What a reader is asked to set before the samples of a page. */
const SETTING = /^export TIDEGATE_(URL|KEY|KEY_ID|SECRET|API_KEY|STORE)=\S+$/;

function check(sample, { statuses, output, failure }) {
  const story = `${sample.code}\nprinted:\n${output}`;
  assert.equal(failure, undefined, `${failure}\n${story}`);
  if (sample.expect) assert.equal(statuses.join(','), sample.expect, `statuses of\n${story}`);
  if (!sample.output) return;
  const [, pattern] = sample.output.match(/^\/(.*)\/$/s) ?? [];
  if (pattern) assert.match(output, new RegExp(pattern), story);
  else assert.ok(output.includes(sample.output), `${sample.output} is not in what\n${story}`);
}

for (const { name, markdown } of readPages(DOCS)) {
  if (process.env.DOCS_PAGE && process.env.DOCS_PAGE !== name) continue;
  const runnable = samples(markdown).filter(({ language }) => RUNNABLE.includes(language));
  if (runnable.length === 0) continue;

  test(`the_samples_of_docs/${name}_do_what_they_say`, async (t) => {
    const reader = new Reader(gateway, creds, recorder);
    t.after(() => reader.close());
    for (const sample of runnable) {
      await t.test(`line ${sample.line}, ${sample.tab ?? sample.language}`, async () => {
        if (sample.set) {
          for (const line of sample.code.trim().split('\n')) assert.match(line, SETTING);
          return;
        }
        assert.ok(sample.expect || sample.output, `docs/${name}, line ${sample.line}: the sample says neither what it is answered nor what it prints`);
        check(sample, await reader.run(sample));
      });
    }
  });
}

test('a_sample_that_is_answered_otherwise_than_it_says_is_noticed', async () => {
  const reader = new Reader(gateway, creds, recorder);
  const sample = { language: 'sh', code: 'curl -sS "$TIDEGATE_URL/healthz"', expect: '201' };
  const result = await reader.run(sample);
  reader.close();
  assert.throws(() => check(sample, result), /statuses of/);
  assert.throws(() => check({ ...sample, expect: '200', output: 'not there' }, result), /not there is not in/);
  assert.throws(() => check(sample, { ...result, failure: 'exit code 1' }), /exit code 1/);
  check({ ...sample, expect: '200', output: '/"status":"o."/' }, result);
});
