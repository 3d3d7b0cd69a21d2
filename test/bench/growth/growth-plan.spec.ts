import { describe, expect, it } from '@jest/globals';
import { auditCycle, plans } from './growth-plan.js';

describe('plans', () => {
  it('have the named size in the mean, and as many events at each', () => {
    for (const { size, filled, cycles, roundsOfCycle, eventsOfRound } of plans(40_000)) {
      const grown = roundsOfCycle * eventsOfRound;

      expect(filled + grown / 2).toBe(size);
      expect(grown).toBeLessThanOrEqual(size);
      expect(cycles * grown).toBe(40_000);
    }
  });

  it('fill a small inbox anew before each round', () => {
    expect(plans(40_000)[0]).toEqual({
      size: 1_000,
      filled: 500,
      cycles: 40,
      roundsOfCycle: 1,
      eventsOfRound: 1_000,
    });
  });

  it('end with the most rows that were asked for', () => {
    expect(plans(40_000, 100_000).map(({ size }) => size)).toEqual([1_000, 10_000, 100_000]);
    expect(plans(200, 200)).toEqual([
      { size: 200, filled: 100, cycles: 1, roundsOfCycle: 1, eventsOfRound: 200 },
    ]);
  });
});

describe('auditCycle', () => {
  const plan = { size: 4, filled: 2, cycles: 1, roundsOfCycle: 2, eventsOfRound: 2 };
  /** Orders 1 to 4, in an inbox that had two rows. */
  const clean = { effects: 4, orders: 4, cents: 10, inboxRecords: 6, deadLetters: 0, lastEffectAtMs: 0 };

  it('finds nothing in clean books', () => {
    expect(auditCycle(clean, plan)).toEqual([]);
  });

  it.each([
    ['a lost event', { effects: 3, orders: 3, cents: 6, inboxRecords: 5 }, 'before 4 rows: 1 lost'],
    ['a doubled event', { effects: 5, cents: 14 }, 'before 4 rows: 1 doubled'],
    [
      'an inbox that was filled otherwise',
      { inboxRecords: 7 },
      'before 4 rows: torn: 5 inbox records, 4 effects',
    ],
  ])('finds %s', (_, planted, finding) => {
    expect(auditCycle({ ...clean, ...planted }, plan)).toContain(finding);
  });
});
