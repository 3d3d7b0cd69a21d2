/**
 * Case 64: a PostgreSQL of the run's own goes away while dead letters are being written, in batches and in retries, and
 * comes back.
 */
import pg from 'pg';
import { observer } from '../../../services/postgres.js';
import type { PostgresCluster } from '../../../services/postgres-cluster.js';
import type { FaultCase } from '../../harness/fault-case.js';
import { holdLettersSql, lettersWaitSql, parkedCountSql } from '../../harness/observe.sql.js';
import {
  checkStayUp,
  consume,
  type Ground,
  layOutInAnyForm,
  ledgerMessage,
  produce,
} from '../../harness/ordinary-run.js';
import { ownDatabase } from '../../harness/own-database.js';
import type { Stage } from '../../harness/stage.js';
import type { Message } from '../../record/message.js';

const ends = ['fast', 'immediate', 'kill'] as const;

interface Outage {
  readonly end: (typeof ends)[number];
  /** Milliseconds for which it is away. */
  readonly awayMs: number;
}

/** What is given up at once, what is given up in the end, and what is not. */
function hopelessAndOthers(stage: Stage, ground: Ground): Message[] {
  const { random } = stage;
  return Array.from({ length: random.between(50, 80) }, () => {
    const key = random.pick(ground.keys);
    if (random.chance(0.6)) return ledgerMessage(stage, { key });
    const hopeless = random.pick([{ act: { kind: 'fail' } }, { rest: '{' }] as const);
    return ledgerMessage(stage, { key, fate: 'dead-letter', ...hopeless });
  });
}

/** Nobody can write a letter; the session ends with the database. */
async function lettersHeld(stage: Stage): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: stage.database.url, application_name: observer });
  client.on('error', () => undefined);
  await client.connect();
  await client.query('BEGIN');
  await client.query(holdLettersSql);
  return client;
}

async function outage(stage: Stage, cluster: PostgresCluster, ground: Ground, { end, awayMs }: Outage) {
  const holder = await lettersHeld(stage);
  await produce(stage, hopelessAndOthers(stage, ground));
  const waiting = await stage.eventually('a letter is being written', async () => {
    const [row] = await stage.database.query(lettersWaitSql);
    return row.count > 0;
  });
  if (end === 'kill') await cluster.kill();
  else await cluster.stop(end);
  await holder.end().catch(() => undefined);
  await new Promise((resolve) => setTimeout(resolve, awayMs));
  await cluster.start();
  stage.fault(`the database went away (${end}) while a letter was written, for ${awayMs} ms`, waiting);
}

export const whileDeadLetteringCase: FaultCase = {
  number: 64,
  fault: 'The database goes away while an event is dead-lettered',
  looksFor: 'L X V: once, and the process stays up',
  heavy: true,
  run: async (stage) => {
    const { random } = stage;
    const cluster = await ownDatabase(stage);
    const ground = await layOutInAnyForm(stage);
    const outages = Array.from({ length: random.between(2, 3) }, () => ({
      end: random.pick(ends),
      awayMs: random.pick([0, 500, 2_000]),
    }));
    Object.assign(stage.schedule, { outages });
    const consumers = Array.from({ length: random.between(1, 2) }, () => consume(stage, ground));
    for (const one of consumers) await one.ready();
    for (const one of outages) await outage(stage, cluster, ground, one);
    await stage.drained();
    const [{ count }] = await stage.database.query(parkedCountSql);
    stage.check(`nothing is parked any more (${count})`, count === 0);
    checkStayUp(stage, consumers);
  },
};
