import { describe, expect, it } from '@jest/globals';
import { auditInbox } from './tax-run.js';

const clean = { records: 4, parked: 0, deadLetters: 0, handled: 4 };

describe('auditInbox', () => {
  it('finds nothing where each event is recorded', () => {
    expect(auditInbox(clean, 4)).toEqual([]);
  });

  it.each([
    ['a lost event', { records: 3 }, '1 lost'],
    ['an event that nobody sent', { records: 5 }, '1 that nobody sent'],
    ['an event that the handler was not given', { handled: 3 }, 'the handler was given 3, not 4'],
    ['an event that the handler was given again', { handled: 5 }, 'the handler was given 5, not 4'],
    ['an event that waits', { parked: 1 }, '1 wait'],
    ['a dead letter', { deadLetters: 1 }, '1 dead letters'],
  ])('finds %s', (_, planted, finding) => {
    expect(auditInbox({ ...clean, ...planted }, 4)).toEqual([finding]);
  });
});
