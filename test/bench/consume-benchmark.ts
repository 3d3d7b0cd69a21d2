/**
 * Consuming: from records on the topic to one committed row for each. Four partitions, 200-byte events, the
 * payload validated, PostgreSQL and Kafka real.
 */
import type { Benchmark } from './benchmark.js';
import { consumeRun } from './consume-run.js';

export const consumeBenchmark: Benchmark = {
  name: 'consume',
  unit: 'events/s',
  contestants: [
    { name: 'floor', program: 'contestants/floor.entry.js' },
    { name: 'hand-written', program: 'contestants/hand-written.entry.js' },
    { name: 'per-event', program: 'contestants/ours.entry.js', setting: 'batch' },
    { name: 'per-event-sequential', program: 'contestants/ours.entry.js', setting: 'sequential' },
    { name: 'per-event-own-transaction', program: 'contestants/ours.entry.js', setting: 'event' },
  ],
  ratios: {
    'per-event/hand-written': ['per-event', 'hand-written'],
    'per-event/floor': ['per-event', 'floor'],
    'per-event-sequential/hand-written': ['per-event-sequential', 'hand-written'],
    'per-event-own-transaction/hand-written': ['per-event-own-transaction', 'hand-written'],
  },
  run: consumeRun,
};
