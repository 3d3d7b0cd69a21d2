import { describe, expect, it } from '@jest/globals';
import { flatness, thinned } from './sampling.js';

const series = (...values: number[]) => values.map((value, second) => [second, value] as const);

describe('flatness', () => {
  it('compares what is held late with what is held early, after the start', () => {
    expect(flatness(series(10, 40, 100, 110, 100, 300, 100, 100, 120, 120))).toEqual({
      earlyMiB: 110,
      lateMiB: 120,
      peakMiB: 300,
    });
  });
});

describe('thinned', () => {
  it('leaves points that are evenly apart', () => {
    const all = series(...Array.from({ length: 900 }, (_, index) => index));

    const thin = thinned(all);

    expect(thin).toHaveLength(300);
    expect(thin[1]).toEqual([3, 3]);
  });
});
