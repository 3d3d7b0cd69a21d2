/**
 * How long an event takes from the transaction that publishes it to the commit of its handler, at a steady 100 and 1,000
 * events a second: outbox, relay, Kafka, consumer, inbox. The publisher and the relay are ours in all of them.
 */
import type { Benchmark } from '../harness/benchmark.js';
import { latencyRun } from './latency-run.js';

const rates = [100, 1_000];
const figures = ['p50Ms', 'p99Ms', 'p999Ms'].flatMap((name) => [name, `${name} from commit`]);

export const latencyBenchmark: Benchmark = {
  name: 'latency',
  about:
    'from the commit that publishes to the commit that handles, at 100 and 1,000 events/s, in an open loop',
  unit: 'ms',
  events: 30_000,
  contestants: rates.flatMap((rate) => [
    { name: `hand-written@${rate}`, program: 'contestants/hand-written.entry.js' },
    { name: `per-event@${rate}`, program: 'contestants/ours.entry.js', setting: 'batch' },
  ]),
  ratios: {},
  derived: (contestants) =>
    Object.fromEntries(
      rates.flatMap((rate) =>
        figures.map((figure) => {
          const own = contestants.find(({ name }) => name === `per-event@${rate}`);
          return [`${figure}@${rate}`, own?.figures?.[figure] ?? null] as const;
        }),
      ),
    ),
  run: latencyRun,
  smoke: { events: 2_000, only: ['per-event@100'] },
};
