import { describe, expect, it } from '@jest/globals';
import { auditLedger, type Ledger } from './ledger.js';

/** Orders 1 to 4. */
const clean: Ledger = {
  effects: 4,
  orders: 4,
  cents: 10,
  inboxRecords: 4,
  deadLetters: 0,
  lastEffectAtMs: 0,
};

describe('auditLedger', () => {
  it('finds nothing in clean books', () => {
    expect(auditLedger(clean, 4)).toEqual([]);
  });

  it.each<[string, Partial<Ledger>, string]>([
    ['a lost event', { effects: 3, orders: 3, cents: 6, inboxRecords: 3 }, '1 lost'],
    [
      'a lost event that the inbox has',
      { effects: 3, orders: 3, cents: 6 },
      'torn: 4 inbox records, 3 effects',
    ],
    ['a doubled event', { effects: 5, cents: 14 }, '1 doubled'],
    ['one lost and one doubled', { orders: 3, cents: 9 }, '1 lost'],
    ['an effect without its inbox record', { inboxRecords: 3 }, 'torn: 3 inbox records, 4 effects'],
    ['a wrong amount', { cents: 11 }, 'the sum is 11, not 10'],
    [
      'an event that nobody sent',
      { effects: 5, orders: 5, inboxRecords: 5, cents: 10 },
      '1 that nobody sent',
    ],
    ['a dead letter', { deadLetters: 1 }, '1 dead letters'],
  ])('finds %s', (_, planted, finding) => {
    expect(auditLedger({ ...clean, ...planted }, 4)).toContain(finding);
  });
});
