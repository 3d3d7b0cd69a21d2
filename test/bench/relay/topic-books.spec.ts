import { describe, expect, it } from '@jest/globals';
import type { DumpedRecord } from '../../services/console-consumer.js';
import { TopicBooks } from './topic-books.js';

/** One record for each number; its id is that of its number. */
function findings(
  numbers: readonly number[],
  key = (number: number) => `customer-${number % 2}`,
  ordered = true,
): string[] {
  const books = new TopicBooks(4, ordered);
  for (const [offset, cents] of numbers.entries()) {
    const record: DumpedRecord = {
      partition: 0,
      offset: BigInt(offset),
      key: key(cents),
      headers: { ce_id: `id-${cents}` },
      value: JSON.stringify({ cents }),
    };
    books.enter(record);
  }
  return books.findings();
}

describe('TopicBooks', () => {
  it('finds nothing where each customer has their orders once and in order', () => {
    expect(findings([2, 1, 4, 3])).toEqual([]);
  });

  it('takes any order where none was promised', () => {
    expect(findings([1, 4, 3, 2], undefined, false)).toEqual([]);
  });

  it.each([
    ['a lost order', [1, 2, 4], '1 lost'],
    ['a doubled order', [1, 2, 2, 3, 4], '1 doubled'],
    ['one lost and one doubled', [1, 2, 3, 3], '1 lost'],
    ['an order that nobody sent', [1, 2, 3, 4, 5], '1 that nobody sent'],
    ['a wrong amount', [1, 2, 3, 5], 'the sum is 11, not 10'],
    ['an order that overtook another of its customer', [1, 4, 3, 2], '1 out of order'],
  ])('finds %s', (_, numbers, finding) => {
    expect(findings(numbers)).toContain(finding);
  });
});
