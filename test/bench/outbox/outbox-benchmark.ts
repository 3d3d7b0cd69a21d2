/**
 * What publishing costs the business transaction: TypeORM with one select, one update and one insert, and one event
 * published in it, beside the same without the event; `single`: an insert is all the business there is. At 1, 16 and 64
 * connections, each with a transaction at a time. No relay runs meanwhile.
 */
import type { Benchmark, Contestant } from '../benchmark.js';
import { outboxRun } from './outbox-run.js';

const connections = [1, 16, 64];
const works = ['', '-single'];
/** `none` publishes nothing; `outbox` in `ExactlyOnce.transaction`, `within` in a `dataSource.transaction`. */
const ways = ['none', 'outbox', 'within'];

const contestants = connections.flatMap((count) =>
  works.flatMap((work) =>
    ways.map((way): Contestant => {
      const program = way === 'none' ? 'outbox/plain.entry.js' : 'outbox/ours.entry.js';
      return { name: `${way}${work}@${count}`, program, setting: JSON.stringify({ way, work, count }) };
    }),
  ),
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
  unit: 'transactions/s',
  events: 10_000,
  contestants,
  ratios: Object.fromEntries(ratios),
  run: outboxRun,
};
