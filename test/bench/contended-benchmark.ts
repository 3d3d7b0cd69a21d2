/**
 * Consuming with hot rows: one inserted row for each event, and an update of one of 100 accounts, over four
 * partitions at once.
 */

import { contendedRun } from './contended-run.js';
import type { Benchmark } from './harness/benchmark.js';

export const contendedBenchmark: Benchmark = {
  name: 'contended',
  about: 'consuming where every event also pays into one of 100 accounts',
  unit: 'events/s',
  events: 10_000,
  contestants: [
    { name: 'hand-written', program: 'contestants/hand-written.entry.js', setting: 'contended' },
    { name: 'contended', program: 'contestants/ours-contended.entry.js', setting: 'batch' },
    { name: 'contended-sequential', program: 'contestants/ours-contended.entry.js', setting: 'sequential' },
    { name: 'contended-own-transaction', program: 'contestants/ours-contended.entry.js', setting: 'event' },
  ],
  ratios: {
    'contended/hand-written': ['contended', 'hand-written'],
    'contended-sequential/hand-written': ['contended-sequential', 'hand-written'],
    'contended-own-transaction/hand-written': ['contended-own-transaction', 'hand-written'],
  },
  run: contendedRun,
  smoke: { events: 200, only: ['hand-written', 'contended'] },
};
