/**
 * Whether memory stays flat: over ten million events, and while the broker is away for a minute and events are published
 * all the same. The figure is what is held at the end, or the most while the broker is away, in MiB; its line over time
 * stands in the JSON.
 */
import type { Benchmark, Standing } from '../harness/benchmark.js';
import { brokerAwayRun } from './broker-away-run.js';
import { consumingRun } from './consuming-run.js';

const program = 'contestants/ours.entry.js';

export const memoryBenchmark: Benchmark = {
  name: 'memory',
  about: 'resident memory over 10,000,000 events, and while the broker is away for a minute',
  unit: 'MiB',
  events: 10_000_000,
  contestants: [
    { name: 'consuming', program, setting: 'batch', note: 'one consumer, in lanes' },
    {
      name: 'broker-away',
      program,
      setting: 'batch',
      run: brokerAwayRun,
      note: 'a publisher of 200 events/s with its relay, and a consumer; the sum of both',
    },
  ],
  ratios: {},
  derived: (contestants) => Object.fromEntries(contestants.flatMap(ratiosOf)),
  axes: { x: 'seconds', y: 'MiB' },
  run: consumingRun,
  smoke: { events: 2_000, only: ['consuming', 'broker-away'] },
};

/** 1 where as much is held late as early, or while the broker is away as before. */
function ratiosOf({ name, figures = {} }: Standing): [string, number | null][] {
  const ratio = (over: string, under: string): number | null => {
    const [a, b] = [figures[over], figures[under]];
    return a && b ? Math.round((a / b) * 100) / 100 : null;
  };
  const flat: [string, number | null] = [`${name}:late/early`, ratio('lateMiB', 'earlyMiB')];
  return name === 'broker-away' ? [[`${name}:away/before`, ratio('awayMiB', 'beforeMiB')], flat] : [flat];
}
