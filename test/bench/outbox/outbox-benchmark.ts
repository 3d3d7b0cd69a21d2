/**
 * What publishing costs the business transaction: TypeORM with one select, one update and one insert, and one event
 * published in it, beside the same without the event; `single`: an insert is all the business there is. At 1, 16 and 64
 * connections, each with a transaction at a time. No relay runs meanwhile.
 */
import type { Benchmark, Contestant } from '../harness/benchmark.js';
import { outboxRun } from './outbox-run.js';

const connections = [1, 16, 64];
const works = ['', '-single'];
/** `none` publishes nothing; `outbox` in `ExactlyOnce.transaction`, `within` in a `dataSource.transaction`. */
const ways = ['none', 'outbox', 'within'];
/** Beside the larger transaction; with how each stands for speed. */
const peers: Readonly<Record<string, string>> = {
  'pg-transactional-outbox': 'its message storage on the same connection; no listener runs',
  'nestjs-outbox':
    'its emitter in the same transaction, without its logging, on TypeORM 0.3; its poller rests',
};

const ownContestants = connections.flatMap((count) =>
  works.flatMap((work) =>
    ways.map((way): Contestant => {
      const program = way === 'none' ? 'outbox/plain.entry.js' : 'outbox/ours.entry.js';
      return { name: `${way}${work}@${count}`, program, setting: JSON.stringify({ way, work, count }) };
    }),
  ),
);

const peerContestants = connections.flatMap((count) =>
  Object.entries(peers).map(
    ([way, note]): Contestant => ({
      name: `${way}@${count}`,
      program: `apart/${way}-publish.entry.js`,
      setting: JSON.stringify({ way, work: '', count }),
      note,
    }),
  ),
);

const peerRatios = connections.flatMap((count) =>
  Object.keys(peers).map((way) => [`${way}/none@${count}`, [`${way}@${count}`, `none@${count}`]] as const),
);

const ratios = connections.flatMap((count) =>
  works.flatMap((work) =>
    ways.slice(1).map((way) => {
      const [over, under] = [`${way}${work}`, `none${work}`];
      return [`${over}/${under}@${count}`, [`${over}@${count}`, `${under}@${count}`]] as const;
    }),
  ),
);

export const outboxBenchmark: Benchmark = {
  name: 'outbox',
  about: 'what publishing costs the business transaction at 1, 16 and 64 connections',
  unit: 'transactions/s',
  events: 10_000,
  contestants: [...ownContestants, ...peerContestants],
  ratios: Object.fromEntries([...ratios, ...peerRatios]),
  run: outboxRun,
  smoke: {
    events: 100,
    only: ['none@16', 'outbox@16', 'within@16', 'pg-transactional-outbox@16', 'nestjs-outbox@16'],
  },
};
