/**
 * How long the partitions of a consumer stand still that was killed: two of them share four partitions under a steady
 * load, one gets SIGKILL; until the other has committed the first event of the dead one's partitions. Kafka hears nothing
 * of the death, so the session time-out is the floor.
 */
import type { Benchmark, Standing } from '../harness/benchmark.js';
import { recoveryRun, sessionTimeoutS } from './recovery-run.js';

export const recoveryBenchmark: Benchmark = {
  name: 'recovery',
  about: 'from SIGKILL of one of two consumers to the first new commit on its partitions',
  unit: 's',
  events: 100,
  contestants: [
    {
      name: 'hand-written',
      program: 'contestants/hand-written.entry.js',
      note: `the session time-out of kafkajs, ${sessionTimeoutS['hand-written']} s`,
    },
    {
      name: 'per-event',
      program: 'contestants/ours.entry.js',
      setting: 'batch',
      note: `our own default session time-out, ${sessionTimeoutS['per-event']} s`,
    },
  ],
  ratios: {},
  derived: (contestants) =>
    Object.fromEntries(contestants.map((one) => [`${one.name}-sessionTimeoutS`, beyond(one)])),
  run: recoveryRun,
  smoke: { events: 40, only: ['per-event'] },
};

/** Seconds over the session time-out. */
function beyond({ median, figures }: Standing): number | null {
  const timeoutS = figures?.['sessionTimeoutS'];
  return median === null || timeoutS === undefined ? null : Math.round((median - timeoutS) * 10) / 10;
}
