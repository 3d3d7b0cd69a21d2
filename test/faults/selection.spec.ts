import { describe, expect, it } from '@jest/globals';
import { faultCases } from './cases/case-table.js';
import { parseRequest } from './command-line.js';
import { modeOf, runsOn } from './harness/fault-case.js';
import { wantedRuns } from './selection.js';

describe('the runs that are wanted', () => {
  const names = (...words: string[]) =>
    wantedRuns(parseRequest(words)).map(
      ({ faultCase, broker }) => `${faultCase.number} ${broker} ${modeOf(faultCase)}`,
    );

  it('are, of all, each case on each broker and in each mode that it exists in', () => {
    const forms = faultCases.filter(({ number }) => number !== 70).flatMap((one) => runsOn(one));

    expect(names('--all')).toHaveLength(forms.length);
    expect(names('--all')).toEqual(
      expect.arrayContaining(['4 kafka database', '4 database database', '4 kafka kafka']),
    );
  });

  it('are, at random, the soak alone, and as long as it was said', () => {
    expect(names('--random', '--minutes', '10')).toEqual(['70 kafka database']);
    expect(parseRequest(['--random', '--minutes', '10']).durationMs).toBe(600_000);
  });

  it('leave what is heavy out of the quick set', () => {
    const heavy = faultCases
      .filter((one) => one.heavy === true)
      .map(({ number }) => `${number} kafka database`);
    const light = faultCases
      .filter((one) => one.heavy !== true)
      .map(({ number }) => `${number} kafka database`);

    expect(names('--quick').filter((name) => heavy.includes(name) && !light.includes(name))).toEqual([]);
    expect(names('--quick')).toContain('4 kafka kafka');
  });
});
