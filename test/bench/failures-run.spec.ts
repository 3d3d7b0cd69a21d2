import { describe, expect, it } from '@jest/globals';
import { auditFailures } from './failures-run.js';

/** Orders 1 to 4, and three of the failing key. */
const clean = {
  effects: 4,
  orders: 4,
  cents: 10,
  inboxRecords: 7,
  parked: 2,
  deadLetters: 1,
  lastEffectAtMs: 0,
};

describe('auditFailures', () => {
  it('finds nothing where each failing event waits or is dead', () => {
    expect(auditFailures(clean, 4, 3)).toEqual([]);
  });

  it.each([
    ['one that was lost', { parked: 1, inboxRecords: 6 }, '2 of 3 failing events wait or are dead'],
    ['one that waits twice', { parked: 3, inboxRecords: 8 }, '4 of 3 failing events wait or are dead'],
    ['one whose inbox record is missing', { inboxRecords: 6 }, 'torn: 3 inbox records, 4 effects'],
    ['another that was lost', { effects: 3, orders: 3, cents: 6, inboxRecords: 6 }, '1 lost'],
  ])('finds %s', (_, planted, finding) => {
    expect(auditFailures({ ...clean, ...planted }, 4, 3)).toContain(finding);
  });
});
