/**
 * A relay before a backlog, beside the same before 10,000 rows. Measured once it is warm: the clock starts when it
 * has settled the 10,000 rows that stand before those that count.
 */
import type { Benchmark } from '../harness/benchmark.js';
import { warmRelayRun } from './relay-run.js';

const small = 10_000;
const program = 'relay/relay.entry.js';

export const backlogBenchmark: Benchmark = {
  name: 'backlog',
  about: 'a relay before a million rows, beside the same before 10,000',
  unit: 'events/s',
  events: 1_000_000,
  contestants: [
    {
      name: 'small',
      program,
      setting: 'plain',
      run: (contestant, stage) =>
        warmRelayRun(contestant, { ...stage, events: Math.min(stage.events, small) }),
    },
    { name: 'backlog', program, setting: 'plain' },
  ],
  ratios: { 'backlog/small': ['backlog', 'small'] },
  run: warmRelayRun,
  smoke: { events: 200, only: ['backlog'] },
};
