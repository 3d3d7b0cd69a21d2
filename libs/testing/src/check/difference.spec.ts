import { describe, expect, it } from '@jest/globals';
import { differences, type Fields, flat } from './difference.js';

const payment = (...rows: Fields[]) => new Map([['payment', rows]]);

describe('two runs', () => {
  it('are the same whatever the order', () => {
    expect(differences(payment({ a: 1 }, { a: 2 }), payment({ a: 2 }, { a: 1 }))).toEqual([]);
  });

  it('differ by a row that is there twice', () => {
    expect(differences(payment({ a: 1 }), payment({ a: 1 }, { a: 1 }))).toEqual([
      { of: 'payment', missing: [], extra: [{ a: 1 }], changed: [] },
    ]);
  });

  it('differ by a row that is missing', () => {
    expect(differences(payment({ a: 1 }), new Map())).toMatchObject([{ missing: [{ a: 1 }], extra: [] }]);
  });

  it('differ by a field of the row that is nearest', () => {
    const found = differences(
      payment({ a: 1, b: 1 }, { a: 2, b: 2 }),
      payment({ a: 2, b: 3 }, { a: 1, b: 1 }),
    );

    expect(found).toMatchObject([{ missing: [], extra: [], changed: [{ field: 'b', from: 2, to: 3 }] }]);
  });

  it('do not differ by a field that is ignored', () => {
    const ignored = new Map([['payment', new Set(['at'])]]);

    expect(differences(payment({ a: 1, at: 1 }), payment({ a: 1, at: 2 }), ignored)).toEqual([]);
    expect(differences(payment({ 'at.ms': 1 }), payment({ 'at.ms': 2 }), ignored)).toEqual([]);
    expect(differences(payment({ att: 1 }), payment({ att: 2 }), ignored)).toHaveLength(1);
  });
});

it('names nested fields by their path', () => {
  expect(flat({ id: 1, data: { lines: [{ cents: 5 }], none: [] } })).toEqual({
    id: 1,
    'data.lines.0.cents': 5,
    'data.none': '[]',
  });
});
