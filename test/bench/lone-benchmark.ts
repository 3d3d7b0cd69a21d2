/**
 * How long a lone event takes from being produced to being committed, nothing else going on, and from the commit that
 * publishes one to the broker's acknowledgement: p50 and p99. Its figure is the median, so less is better.
 */
import type { Benchmark } from './harness/benchmark.js';
import { loneRun } from './lone-run.js';
import { publishingRun } from './publishing-run.js';

export const loneBenchmark: Benchmark = {
  name: 'lone',
  about: 'how long an event takes when nothing else goes on',
  unit: 'ms',
  events: 200,
  contestants: [
    { name: 'hand-written', program: 'contestants/hand-written.entry.js' },
    { name: 'per-event', program: 'contestants/ours.entry.js', setting: 'batch' },
    { name: 'per-event-own-transaction', program: 'contestants/ours.entry.js', setting: 'event' },
    {
      name: 'commit-to-produced',
      program: 'contestants/ours-publishing.entry.js',
      run: publishingRun,
    },
  ],
  ratios: {},
  run: loneRun,
  smoke: { events: 10, only: ['per-event', 'commit-to-produced'] },
};
