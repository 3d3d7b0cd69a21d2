import { describe, expect, it } from '@jest/globals';
import type { Benchmark, RunResult } from './benchmark.js';
import type { Machine } from './machine.js';
import { report } from './report.js';

const machine: Machine = {
  cpu: 'x',
  cores: 2,
  memoryGiB: 4,
  node: '20',
  postgres: '15',
  settings: {},
  kafka: '4.3',
};

const benchmark: Benchmark = {
  name: 'test',
  about: 'nothing',
  unit: 'events/s',
  events: 1,
  contestants: ['ours', 'theirs', 'third'].map((name) => ({ name, program: '' })),
  ratios: { 'ours/theirs': ['ours', 'theirs'] },
  derived: (clean) => ({ clean: clean.length }),
  run: () => Promise.reject(new Error('does not run here')),
  smoke: { events: 1 },
};

function results(contestant: string, ...rates: readonly (number | null)[]): RunResult[] {
  return rates.map((rate) => ({ contestant, rate, fault: rate === null ? 'ended with 1' : null }));
}

/** What is reported of one that is void. */
const nothing = { median: null, min: null, max: null, unit: 'events/s', void: true };

function reported(...all: readonly RunResult[]) {
  return report(benchmark, { events: 10, machine }, all);
}

describe('report', () => {
  it('gives median, minimum and maximum, the ratio of the medians, and the spread of those of each round', () => {
    const { contestants, ratios, spreads } = reported(
      ...results('ours', 900, 100, 600),
      ...results('theirs', 100, 200, 150),
    );

    expect(contestants).toEqual([
      { name: 'ours', median: 600, min: 100, max: 900, unit: 'events/s', void: false },
      { name: 'theirs', median: 150, min: 100, max: 200, unit: 'events/s', void: false },
    ]);
    expect(ratios).toEqual({ 'ours/theirs': 4, clean: 2 });
    expect(spreads).toEqual({ 'ours/theirs': [0.5, 9] });
  });

  it('gives the medians of what else was measured', () => {
    const runs = [3, 1, 2].map((p99Ms) => ({ contestant: 'ours', rate: 1, fault: null, figures: { p99Ms } }));

    const { contestants } = reported(...runs);

    expect(contestants[0]!.figures).toEqual({ p99Ms: 2 });
  });

  it('keeps the series of the run in the middle', () => {
    const runs = [30, 10, 20].map((rate) => ({
      contestant: 'ours',
      rate,
      fault: null,
      series: [[0, rate]] as const,
    }));

    expect(reported(...runs).contestants[0]!.series).toEqual([[0, 20]]);
  });

  it('has no ratio with a contestant of which one run is void', () => {
    const lossy = { contestant: 'ours', rate: 800, fault: '1 lost' };

    const { contestants, ratios, spreads } = reported(
      ...results('ours', 600),
      lossy,
      ...results('theirs', 150),
    );

    expect(contestants[0]).toEqual({ ...nothing, name: 'ours', reason: '1 lost' });
    expect(spreads).toEqual({});
    expect(ratios).toEqual({ 'ours/theirs': null, clean: 1 });
  });

  it('names a contestant that never came to its end', () => {
    const { contestants, ratios } = reported(...results('ours', null), ...results('theirs', 150));

    expect(contestants[0]).toEqual({ ...nothing, name: 'ours', reason: 'ended with 1' });
    expect(ratios).toEqual({ 'ours/theirs': null, clean: 1 });
  });
});
