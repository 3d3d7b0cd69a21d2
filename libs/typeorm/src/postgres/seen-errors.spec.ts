import { describe, expect, it } from '@jest/globals';
import type { PostgresConnection } from './postgres-connection.js';
import { SeenErrors } from './seen-errors.js';

function seen(...states: string[]): SeenErrors {
  const errors = new SeenErrors({ mark: () => undefined } as unknown as PostgresConnection);
  for (const code of states) errors.note(Object.assign(new Error(code), { severity: 'ERROR', code }));
  return errors;
}

describe('the errors of a transaction', () => {
  it('say that it cannot go on after the first of them', () => {
    const { aborted, fault } = seen('23505', '25P02');

    expect(aborted).toMatchObject({ code: 'EO_TRANSACTION_ABORTED', cause: { code: '23505' } });
    expect(fault).toBeNull();
  });

  it('say that the server ended it, and not that a handler went on, also where a statement was told so', () => {
    const { aborted, fault } = seen('57P01');

    expect(aborted).toMatchObject({ code: 'EO_STORAGE_UNAVAILABLE', cause: { code: '57P01' } });
    expect(fault).toBe(aborted);
  });

  it('are undone by a savepoint that is rolled back to, but for a stale snapshot', () => {
    const [unique, stale] = [seen('23505'), seen('40001')];

    for (const errors of [unique, stale]) errors.recovered();

    expect([unique.aborted, unique.fault, stale.aborted]).toEqual([null, null, null]);
    expect(stale.fault).toMatchObject({ code: 'EO_SERIALIZATION_FAILURE' });
  });
});
