import { describe, expect, it } from '@jest/globals';
import { planKills } from './kill-plan.js';

describe('the plan of the kills', () => {
  it('spreads them over the run, in order, before the last order', () => {
    for (let seed = 0; seed < 200; seed++) {
      const afters = planKills(seed, 900, 3).map(({ afterOrders }) => afterOrders);

      expect(afters).toEqual(afters.toSorted((one, other) => one - other));
      expect(afters.map((after) => Math.floor(after / 300))).toEqual([0, 1, 2]);
      expect(afters.at(-1)).toBeLessThan(900);
    }
  });

  it('kills at each place where there are three', () => {
    const places = planKills(7, 1_000, 3).map(({ where }) => where);

    expect(places.toSorted()).toEqual(['before-commit', 'before-seal', 'placing']);
  });

  it('is the same for the same seed, and another for another', () => {
    expect(planKills(7, 1_000, 3)).toEqual(planKills(7, 1_000, 3));
    expect(planKills(7, 1_000, 3)).not.toEqual(planKills(8, 1_000, 3));
  });

  it('has an order between two kills, however many there are, and may be empty', () => {
    expect(planKills(7, 3, 3).map(({ afterOrders }) => afterOrders)).toEqual([0, 1, 2]);
    expect(planKills(7, 10, 0)).toEqual([]);
  });
});
