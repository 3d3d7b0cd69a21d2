import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { benchmarks } from '../benchmarks.js';
import type { Benchmark } from '../harness/benchmark.js';
import type { Report } from '../harness/report.js';
import { between, section } from './section.js';

const benchmark = {
  name: 'test',
  contestants: [
    { name: 'ours', program: '' },
    { name: 'theirs', program: '', note: 'as they advise' },
    { name: 'absent', program: '', note: 'did not run' },
  ],
} as unknown as Benchmark;
const report: Report = {
  benchmark: 'test',
  events: 20_000,
  machine: { cpu: 'x', cores: 2, memoryGiB: 4, node: '20', postgres: '15', kafka: '4.3' },
  contestants: [
    {
      name: 'ours',
      median: 4_000,
      min: 3_900,
      max: 4_100,
      unit: 'events/s',
      figures: { p99Ms: 2 },
      void: false,
    },
    { name: 'theirs', median: 9_000, min: 1, max: 2, unit: 'events/s', void: '1 lost' },
  ],
  ratios: { 'ours/theirs': null },
};

describe('section', () => {
  it('has a row for each contestant, and no figure of one that is void', () => {
    const text = section(benchmark, report);

    expect(text.split('\n')).toEqual([
      '20,000 events; 2 × x, 4 GiB, Node 20, PostgreSQL 15, Kafka 4.3',
      '',
      '|  | median, events/s | minimum | maximum | p99Ms |',
      '| --- | ---: | ---: | ---: | ---: |',
      '| ours | 4,000 | 3,900 | 4,100 | 2 |',
      '| theirs | void: 1 lost |  |  |  |',
      '',
      '| ratio |  |',
      '| --- | ---: |',
      '| ours/theirs | – |',
      '',
      '- *theirs*: as they advise',
      '',
      '![test](benchmarks/test.svg)',
    ]);
  });
});

describe('between', () => {
  it('replaces what stands between the markers, and nothing else', () => {
    const page = 'before\n<!-- results of test -->\nold\n<!-- end of test -->\nafter';

    const once = between(page, 'test', 'new');

    expect(once).toBe('before\n<!-- results of test -->\n\nnew\n\n<!-- end of test -->\nafter');
    expect(between(once, 'test', 'new')).toBe(once);
  });

  it('refuses a page without them', () => {
    expect(() => between('nothing', 'test', 'new')).toThrow('no place for test');
  });
});

describe('the page of the benchmarks', () => {
  it('has a place for each', () => {
    const page = readFileSync('docs/benchmarks.md', 'utf8');

    for (const { name } of benchmarks) expect(() => between(page, name, '')).not.toThrow();
  });
});
