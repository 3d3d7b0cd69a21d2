import { describe, expect, it } from '@jest/globals';
import { absence, flatness, sampled, thinned } from './sampling.js';

const series = (...values: number[]) => values.map((value, second) => [second, value] as const);

describe('sampled', () => {
  const gone = { residentMiB: () => Promise.reject(new Error('it is gone')) };

  it('rejects with what the work says of a process that has died', async () => {
    const work = async () => {
      await new Promise(setImmediate);
      throw new Error('it ended with SIGKILL');
    };

    await expect(sampled([gone], 1, work)).rejects.toThrow('it ended with SIGKILL');
  });

  it('rejects where the work did not notice', async () => {
    await expect(sampled([gone], 1, async () => undefined)).rejects.toThrow('it is gone');
  });
});

describe('flatness', () => {
  it('compares what is held late with what is held early, after the start', () => {
    expect(flatness(series(10, 40, 100, 110, 100, 300, 100, 100, 120, 120))).toEqual({
      earlyMiB: 110,
      lateMiB: 120,
      peakMiB: 300,
    });
  });
});

describe('absence', () => {
  it('compares the most that is held while the broker is away with what was held before', () => {
    const held = series(10, 20, 100, 110, 105, 400, 150, 100, 900);

    expect(absence(held, 4, 7)).toEqual({ beforeMiB: 105, awayMiB: 400 });
  });

  it('has no figure where nothing was seen while it was away', () => {
    expect(absence(series(10, 20, 30), 1.2, 1.4).awayMiB).toBeNaN();
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
