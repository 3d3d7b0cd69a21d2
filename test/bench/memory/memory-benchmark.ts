/**
 * Whether memory stays flat: over ten million events, and while the broker is away for a minute and events are published
 * all the same. The figure is what is held at the end, in MiB; its line over time stands in the JSON.
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
  derived: (contestants) =>
    Object.fromEntries(contestants.map((one) => [`${one.name}:late/early`, flat(one)])),
  axes: { x: 'seconds', y: 'MiB' },
  run: consumingRun,
  smoke: { events: 2_000, only: ['consuming'] },
};

/** 1 where as much is held late as early. */
function flat({ figures }: Standing): number | null {
  if (figures === undefined) return null;
  return Math.round((figures['lateMiB']! / figures['earlyMiB']!) * 100) / 100;
}
