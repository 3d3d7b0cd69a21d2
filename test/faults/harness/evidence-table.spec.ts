import { describe, expect, it } from '@jest/globals';
import { faultCases } from '../cases/case-table.js';
import { evidenceTable, families, withTable } from './evidence-table.js';
import type { PastRun } from './history.js';

const run = (changes: Partial<PastRun>): PastRun => ({
  ...{ case: 4, broker: 'kafka', transaction: 'database', seed: 1, fault: 'f', events: 1_000 },
  ...{ fired: 1, expected: 1, counts: { L: 0, D: 0, T: 0, P: 0, R: 0, V: 0, X: 0 }, seconds: 1 },
  ...{ schedule: {}, measured: {}, findings: [], evidence: null },
  ...{ endedAt: '2026-01-01T00:00:00.000Z', commit: 'abc', planted: [] },
  ...changes,
});

describe('the table of evidence', () => {
  it('has a family for each case, and one only', () => {
    const numbers = Object.values(families).flat();

    expect(numbers).toEqual([...new Set(numbers)]);
    expect(numbers).toEqual(expect.arrayContaining(faultCases.map(({ number }) => number)));
  });

  it('sums what was run, and leaves out what was planted', () => {
    const counts = { L: 0, D: 2, T: 0, P: 0, R: 0, V: 1, X: 0 };
    const findings = ['looked for: nothing passes', 'D: twice'];
    const past = [
      run({}),
      run({ case: 1, counts, fired: 1, expected: 2, findings }),
      run({ planted: ['no-fence'], commit: 'abc+' }),
    ];

    const table = evidenceTable(past);

    expect(table).toContain('| 1, 4 | 2 | 2,000 | 2 (1 did not) | 3 | 1 |');
    expect(table.split('\n').at(-1)).toBe('| **All** |  | 2 | 2,000 | 2 (1 did not) | 3 | 1 |');
  });

  it('counts a run as red in which no oracle but the case found something', () => {
    const table = evidenceTable([run({ findings: ['looked for: the zombie is refused by the fence'] })]);

    expect(table.split('\n').at(-1)).toBe('| **All** |  | 1 | 1,000 | 1 | 0 | 1 |');
  });

  it.each(['abc+', 'unknown'])('is refused where a run is of code in no commit: %s', (commit) => {
    expect(() => evidenceTable([run({}), run({ commit })])).toThrow(
      '1 runs are of code that is in no commit',
    );
  });

  it('stands between its markers', () => {
    const page = 'before\n<!-- faults: begin -->\nold\n<!-- faults: end -->\nafter';

    expect(withTable(page, 'new')).toBe('before\n<!-- faults: begin -->\nnew\n<!-- faults: end -->\nafter');
    expect(() => withTable('nothing', 'new')).toThrow('lacks');
  });
});
