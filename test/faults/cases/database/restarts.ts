/**
 * Case 10: a PostgreSQL of the run's own is stopped and started again and again under load, in order or as by a crash.
 */
import type { PostgresCluster } from '../../../services/postgres-cluster.js';
import type { FaultCase } from '../../harness/fault-case.js';
import { effectCountSql } from '../../harness/observe.sql.js';
import {
  checkStayUp,
  consume,
  layOutInAnyForm,
  ledgerMessages,
  startProducer,
  startPublisher,
} from '../../harness/ordinary-run.js';
import { ownDatabase } from '../../harness/own-database.js';
import type { Stage } from '../../harness/stage.js';

const ends = ['fast', 'immediate', 'immediate', 'kill'] as const;

interface Restart {
  readonly end: (typeof ends)[number];
  /** Milliseconds for which it is away. */
  readonly awayMs: number;
  /** Events that are handled before. */
  readonly after: number;
}

async function restart(
  stage: Stage,
  cluster: PostgresCluster,
  { end, awayMs, after }: Restart,
  what: string,
) {
  const handled = async () => (await stage.database.query(effectCountSql))[0].count as number;
  const before = await stage.eventually(`${what}: the database answers`, async () => (await handled()) >= 0);
  const least = before ? (await handled()) + after : 0;
  const busy = await stage.eventually(`${what}: events are handled`, async () => (await handled()) >= least);
  if (end === 'kill') await cluster.kill();
  else await cluster.stop(end);
  await new Promise((resolve) => setTimeout(resolve, awayMs));
  await cluster.start();
  stage.fault(`${what}: ${end} stop while events are handled, away for ${awayMs} ms`, busy);
}

async function restartAgain(stage: Stage): Promise<void> {
  const { random } = stage;
  const cluster = await ownDatabase(stage);
  const ground = await layOutInAnyForm(stage, { partitions: 4 });
  const restarts: Restart[] = Array.from({ length: random.between(3, 4) }, () => ({
    end: random.pick(ends),
    awayMs: random.pick([0, 300, 1_500]),
    after: random.between(1, 15),
  }));
  Object.assign(stage.schedule, { restarts });
  const working = [0, 1].map(() => consume(stage, ground, { paceMs: 2 }));
  const published = ledgerMessages(stage, ground, 400, { source: 'publish' });
  const publisher = await startPublisher(stage, published, { paceMs: 20 });
  for (const one of working) await one.ready();
  stage.go(publisher);
  for (const [round, one] of restarts.entries()) {
    const producer = await startProducer(stage, ledgerMessages(stage, ground, 100), 10);
    await restart(stage, cluster, one, `round ${round + 1}`);
    await stage.finished(producer);
  }
  stage.enough();
  await stage.finished(publisher);
  await startProducer(stage, ledgerMessages(stage, ground, 20));
  await stage.drained();
  checkStayUp(stage, working);
}

export const restartsCase: FaultCase = {
  number: 10,
  fault: 'PostgreSQL restarted again and again under load; immediate stop',
  looksFor: 'L V; the process stays up',
  heavy: true,
  run: restartAgain,
};
