import { describe, expect, it } from '@jest/globals';
import { SeededRandom } from './seeded-random.js';

const draw = (random: SeededRandom) => Array.from({ length: 20 }, () => random.between(1, 6));

describe('SeededRandom', () => {
  it('repeats its choices for a seed', () => {
    expect(draw(new SeededRandom(7, 'a'))).toEqual(draw(new SeededRandom(7, 'a')));
  });

  it('chooses otherwise for another seed or purpose', () => {
    expect(draw(new SeededRandom(8, 'a'))).not.toEqual(draw(new SeededRandom(7, 'a')));
    expect(draw(new SeededRandom(7, 'b'))).not.toEqual(draw(new SeededRandom(7, 'a')));
  });

  it('stays within its bounds and reaches both', () => {
    const random = new SeededRandom(1);

    const seen = new Set(Array.from({ length: 500 }, () => random.between(1, 3)));

    expect([...seen].toSorted()).toEqual([1, 2, 3]);
  });

  it('keeps every item when it shuffles', () => {
    const items = [1, 2, 3, 4, 5, 6, 7, 8];

    const shuffled = new SeededRandom(3).shuffled(items);

    expect(shuffled).not.toEqual(items);
    expect(shuffled.toSorted()).toEqual(items);
  });
});
