import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { Benchmark, Contestant, Measured, Stage } from './benchmark.js';
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
  it('interleaves the contestants, and begins each round with another', async () => {
    const ran: string[] = [];
    const all = benchmark(async (name) => {
      ran.push(name);
      return { rate: 1, findings: [] };
    });

    await runBenchmark(all, stage, { repeat: 2, only: [], progress: silent });

    expect(ran).toEqual(['a', 'b', 'b', 'a']);
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

  it('names the file in which the processes of a void run said something, and keeps no other', async () => {
    const logs = mkdtempSync(join(tmpdir(), 'bench-logs-'));
    const all = benchmark(async () => ({ rate: 9, findings: [] }));
    const run = async ({ name }: Contestant, { log }: Stage) => {
      writeFileSync(log!, name === 'a' ? 'no route to host' : 'a warning');
      return { rate: 9, findings: name === 'a' ? ['1 lost'] : [] };
    };

    const options = { repeat: 1, only: [], progress: silent };
    const [lossy, clean] = await runBenchmark({ ...all, run }, { ...stage, logs }, options);

    const [file] = readdirSync(logs);
    expect(readdirSync(logs)).toHaveLength(1);
    expect(lossy!.fault).toBe(`1 lost (see ${join(logs, file!)})`);
    expect(readFileSync(lossy!.log!, 'utf8')).toBe('no route to host');
    expect(clean).toEqual({ contestant: 'b', rate: 9, fault: null });
    rmSync(logs, { recursive: true });
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
