import { expect, it } from '@jest/globals';
import { valueText } from './made-values.js';

it.each([
  [7, '7'],
  ['2026-01-02T03:04:05.678901+00:00', '2026-01-02T03:04:05.678Z'],
  ['9007199254740993', '9007199254740993'],
])('a value is found again in another form: %s', (one, other) => {
  expect(valueText(one)).toBe(valueText(other));
});

it('a value is not taken for another one', () => {
  expect(valueText('2026-01-02T03:04:05.678Z')).not.toBe(valueText('2026-01-02T03:04:05.679Z'));
});
