/** `POST /integrations/v1/orders`: amounts, read exactly and written in the currency's own places. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { assertProblem, mint, order, postOrder, setup, useGateway } from './support/gateway.mjs';

const gateway = await useGateway();
let key;

before(async () => {
  key = await mint(gateway, await setup(gateway));
});

test('amounts are exact in the currency’s own minor unit, from numbers and from strings', async () => {
  const sums = [
    // currency, unit price, quantity, sent total, expected total
    ['JPY', '500', 3, '1500', '1500'],
    ['JPY', 500, 3, 1500.0, '1500'],
    ['JPY', '500.00', 3, '1500.0', '1500'],
    ['KWD', '0.001', 3, '0.003', '0.003'],
    ['KWD', 1.234, 2, 2.468, '2.468'],
    ['USD', 0.1, 3, 0.3, '0.30'],
    ['USD', '0.1', 3, '0.3', '0.30'],
    ['USD', '1e1', 2, '2e1', '20.00'],
    ['USD', '0.07', 0.5, '0.04', '0.04'],
    ['USD', '0', 1, 0, '0.00'],
    ['USD', '90071992547409.91', 1, '90071992547409.91', '90071992547409.91'],
  ];
  for (const [currency, unitPrice, quantity, total, expected] of sums) {
    const sent = order({ currency, total, lines: [{ name: 'Thing', quantity, unit_price: unitPrice }] });
    const { status, body, text } = await postOrder(gateway, key, sent);
    assert.deepEqual([status, body.total, body.lines?.[0].total], [201, expected, expected], text);
  }
});

test('a JSON number is read by its own digits, never as a float', async () => {
  for (const [digits, expected] of [
    ['90071992547409.91', '90071992547409.91'],
    ['10.10', '10.10'],
    ['1.0e1', '10.00'],
    ['0.30000', '0.30'],
  ]) {
    const { external_id: externalId } = order();
    const sent = `{"external_id":"${externalId}","currency":"USD","total":${digits},"lines":[{"name":"Thing","quantity":1,"unit_price":${digits}}]}`;
    const { status, body, text } = await postOrder(gateway, key, sent);
    assert.deepEqual([status, body.total], [201, expected], text);
  }
  const inexact = order().external_id;
  const sent = `{"external_id":"${inexact}","currency":"USD","total":0.1,"lines":[{"name":"Thing","quantity":1,"unit_price":0.1000000000000000055}]}`;
  assertProblem(await postOrder(gateway, key, sent), 422, 'validation_failed', [
    ['/lines/0/unit_price', 'invalid_amount'],
  ]);
});

test('an amount that the currency cannot hold is refused where it stands', async () => {
  const cases = [
    ['JPY', '500.5', 'invalid_amount'],
    ['KWD', '0.0001', 'invalid_amount'],
    ['USD', 9.999, 'invalid_amount'],
    ['USD', '-1', 'negative_amount'],
    ['USD', '1,00', 'invalid_amount'],
    ['USD', '$1', 'invalid_amount'],
    ['USD', '', 'invalid_amount'],
    ['USD', 'NaN', 'invalid_amount'],
    ['USD', '90071992547409.92', 'invalid_amount'],
    ['USD', true, 'invalid_type'],
  ];
  for (const [currency, unitPrice, code] of cases) {
    const sent = order({ currency, total: '1', lines: [{ name: 'Thing', quantity: 1, unit_price: unitPrice }] });
    assertProblem(await postOrder(gateway, key, sent), 422, 'validation_failed', [['/lines/0/unit_price', code]]);
  }
});

test('a total that does not add up says which and by how much', async () => {
  const answer = await postOrder(gateway, key, order({ total: '20.01' }));
  assertProblem(answer, 422, 'validation_failed', [['/total', 'total_mismatch']]);
  assert.match(answer.body.errors[0].detail, /20\.01.*20\.00.*0\.01 too much/);
});
