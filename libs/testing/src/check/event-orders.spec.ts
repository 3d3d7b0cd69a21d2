import { describe, expect, it } from '@jest/globals';
import type { TestEvent } from '../application/test-event.js';
import { inPairs, reordered } from './event-orders.js';

/** `k1`: the first of key `k`. */
const events = (...ids: string[]) =>
  ids.map((id) => ({ id, message: { key: id[0], headers: {}, body: null } }) as unknown as TestEvent);
const idsOf = (all: readonly TestEvent[] | null) => all?.map(({ id }) => id);

describe('events of several keys', () => {
  it('come in another order, those of a key in their own', () => {
    expect(idsOf(reordered(events('a1', 'b1', 'a2')))).toEqual(['b1', 'a1', 'a2']);
    expect(reordered(events('a1', 'a2'))).toBeNull();
  });

  it('come in pairs of different keys, as far as there are', () => {
    expect(inPairs(events('a1', 'b1', 'a2', 'c1', 'a3'))?.map(idsOf)).toEqual([
      ['a1', 'b1'],
      ['a2', 'c1'],
      ['a3'],
    ]);
    expect(inPairs(events('a1', 'a2'))).toBeNull();
  });
});
