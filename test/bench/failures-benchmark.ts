/**
 * Consuming while every event of one key fails, beside the same without that key: what an event that waits in the
 * database costs the others.
 */

import { consumeRun } from './consume-run.js';
import { failuresRun } from './failures-run.js';
import type { Benchmark } from './harness/benchmark.js';

const program = 'contestants/ours-failing.entry.js';

export const failuresBenchmark: Benchmark = {
  name: 'failures',
  about: 'consuming while every event of one key fails, beside none that fails',
  unit: 'events/s',
  events: 40_000,
  contestants: [
    { name: 'none', program, setting: 'plain' },
    { name: 'failures', program, setting: 'plain', run: failuresRun },
    { name: 'none-in-lanes', program, setting: 'lanes' },
    { name: 'failures-in-lanes', program, setting: 'lanes', run: failuresRun },
  ],
  ratios: {
    'failures/none': ['failures', 'none'],
    'failures-in-lanes/none-in-lanes': ['failures-in-lanes', 'none-in-lanes'],
  },
  run: consumeRun,
  smoke: { events: 200, only: ['failures-in-lanes'] },
};
