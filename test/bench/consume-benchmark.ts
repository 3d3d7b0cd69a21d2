/**
 * Consuming: from records on the topic to one committed row for each. Four partitions, 200-byte events, the
 * payload validated, PostgreSQL and Kafka real. `duplicates` meets nothing but what it has handled already, in a
 * process that does not remember it; the fresh ones beside it are those of `per-event`.
 */
import type { Benchmark } from './benchmark.js';
import { consumeRun } from './consume-run.js';
import { duplicatesRun } from './duplicates-run.js';

export const consumeBenchmark: Benchmark = {
  name: 'consume',
  unit: 'events/s',
  events: 20_000,
  contestants: [
    { name: 'floor', program: 'contestants/floor.entry.js' },
    { name: 'hand-written', program: 'contestants/hand-written.entry.js' },
    { name: 'per-event', program: 'contestants/ours.entry.js', setting: 'batch' },
    { name: 'per-event-sequential', program: 'contestants/ours.entry.js', setting: 'sequential' },
    { name: 'per-event-own-transaction', program: 'contestants/ours.entry.js', setting: 'event' },
    { name: 'batch', program: 'contestants/ours-batch.entry.js', setting: '2000' },
    { name: 'duplicates', program: 'contestants/ours.entry.js', setting: 'batch', run: duplicatesRun },
  ],
  ratios: {
    'per-event/hand-written': ['per-event', 'hand-written'],
    'per-event/floor': ['per-event', 'floor'],
    'batch/floor': ['batch', 'floor'],
    'duplicates/fresh': ['duplicates', 'per-event'],
    'per-event-sequential/hand-written': ['per-event-sequential', 'hand-written'],
    'per-event-own-transaction/hand-written': ['per-event-own-transaction', 'hand-written'],
  },
  run: consumeRun,
};
