import { describe, expect, it } from '@jest/globals';
import type { Benchmark, Measured, Stage } from './benchmark.js';
import { outcome } from './progress-bar.js';
import { type Progress, runBenchmark } from './run-benchmark.js';

const stage = { interrupted: new AbortController().signal } as Stage;

const silent: Progress = { begins: () => undefined, ends: () => undefined };

function benchmark(run: (name: string) => Promise<Measured>): Benchmark {
  const contestants = ['a', 'b'].map((name) => ({ name, program: '' }));
  return {
    name: 'test',
    about: 'nothing',
    unit: 'events/s',
    events: 1,
    contestants,
    ratios: {},
    run: ({ name }) => run(name),
    smoke: { events: 1 },
  };
}

describe('runBenchmark', () => {
  it('interleaves the contestants', async () => {
    const ran: string[] = [];
    const all = benchmark(async (name) => {
      ran.push(name);
      return { rate: 1, findings: [] };
    });

    await runBenchmark(all, stage, { repeat: 2, only: [], progress: silent });

    expect(ran).toEqual(['a', 'b', 'a', 'b']);
  });

  it('goes on with the others where one fails, and says so', async () => {
    const lines: string[] = [];
    const all = benchmark(async (name) => {
      if (name === 'a') throw new Error('a ended with 1');
      return { rate: 7, findings: [] };
    });

    const results = await runBenchmark(all, stage, {
      repeat: 1,
      only: [],
      progress: { ...silent, ends: (result, total) => lines.push(`${total} ${outcome(result, 'events/s')}`) },
    });

    expect(results).toEqual([
      { contestant: 'a', rate: null, fault: 'a ended with 1' },
      { contestant: 'b', rate: 7, fault: null },
    ]);
    expect(lines).toEqual(['2 a: void: a ended with 1', '2 b: 7 events/s']);
  });

  it('makes a run with findings void', async () => {
    const all = benchmark(async () => ({ rate: 9, findings: ['1 lost', '1 doubled'] }));

    const [result] = await runBenchmark(all, stage, { repeat: 1, only: ['b'], progress: silent });

    expect(result).toEqual({ contestant: 'b', rate: 9, fault: '1 lost, 1 doubled' });
  });

  it('makes a run without a figure void', async () => {
    const all = benchmark(async () => ({ rate: Number.NaN, findings: [] }));

    const [result] = await runBenchmark(all, stage, { repeat: 1, only: ['a'], progress: silent });

    expect(result!.fault).toBe('no figure');
  });

  it('ends where it is interrupted', async () => {
    const interruption = new AbortController();
    const all = benchmark(async () => {
      interruption.abort(new Error('interrupted'));
      return { rate: 1, findings: [] };
    });
    const options = { repeat: 2, only: [], progress: silent };

    const running = runBenchmark(all, { ...stage, interrupted: interruption.signal }, options);

    await expect(running).rejects.toThrow('interrupted');
  });
});
