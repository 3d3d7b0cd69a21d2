import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { benchmarks } from '../benchmarks.js';
import type { Benchmark } from '../harness/benchmark.js';
import type { Report } from '../harness/report.js';
import { between, refuseProfiled, section } from './section.js';

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
  machine: {
    cpu: 'x',
    cores: 2,
    memoryGiB: 4,
    node: '20',
    postgres: '15',
    settings: { fsync: 'on' },
    kafka: '4.3',
  },
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
    { name: 'theirs', median: null, min: null, max: null, unit: 'events/s', void: true, reason: '1 lost' },
  ],
  ratios: { 'ours/theirs': null, 'ours/ours': 1 },
  spreads: { 'ours/ours': [0.9, 1.2] },
};

describe('section', () => {
  it('has a row for each contestant, and no figure of one that is void', () => {
    const text = section(benchmark, report);

    expect(text.split('\n')).toEqual([
      '20,000 events; 2 × x, 4 GiB, Node 20, PostgreSQL 15 (fsync on), Kafka 4.3',
      '',
      '|  | median, events/s | minimum | maximum | p99Ms |',
      '| --- | ---: | ---: | ---: | ---: |',
      '| ours | 4,000 | 3,900 | 4,100 | 2 |',
      '| theirs | void: 1 lost |  |  |  |',
      '',
      '| ratio | of medians | of each round |',
      '| --- | ---: | ---: |',
      '| ours/theirs | – |  |',
      '| ours/ours | 1 | 0.9 – 1.2 |',
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

describe('refuseProfiled', () => {
  it('takes no figures from a run that was profiled', () => {
    expect(() => refuseProfiled({ profiled: true }, 'consume.json')).toThrow('consume.json was taken with');
    expect(() => refuseProfiled({}, 'consume.json')).not.toThrow();
  });
});

describe('the page of the benchmarks', () => {
  it('has a place for each', () => {
    const page = readFileSync('docs/benchmarks.md', 'utf8');

    for (const { name } of benchmarks) expect(() => between(page, name, '')).not.toThrow();
  });
});
