/**
 * Case 8: the connections of a consumer become half open. Nothing comes back on them, and the server does not hear that
 * they were given up: it holds their rows until its own time-out. Once more while it is asked to end.
 */
import type { FaultCase } from '../../harness/fault-case.js';
import { effectCountSql } from '../../harness/observe.sql.js';
import { consume, type Ground, layOut, ledgerMessages, startProducer } from '../../harness/ordinary-run.js';
import type { Stage } from '../../harness/stage.js';
import type { WorkerProcess } from '../../harness/worker-process.js';
import { PostgresProxy } from '../../network/postgres-proxy.js';

/** A statement of the framework that gets no answer costs its connection after so many milliseconds. */
const patienceMs = 30_000;

/**
 * Milliseconds that an end may take on top of the grace time: the claims are given back, and later the leases, and neither
 * is answered.
 */
const toCloseMs = 2 * patienceMs + 5_000;

/** For a while new connections get no answer either. */
interface Hole {
  readonly swallowsMs: number;
  readonly after: number;
}

interface Moment {
  readonly swallows: boolean;
  readonly after: number;
  readonly what: string;
}

async function isInHole(
  stage: Stage,
  proxy: PostgresProxy,
  { swallows, after, what }: Moment,
): Promise<void> {
  const handled = async () => (await stage.database.query(effectCountSql))[0].count as number;
  const wanted = (await handled()) + after;
  const busy = await stage.eventually('events are handled', async () => (await handled()) >= wanted);
  let lost = 0;
  void proxy.blackHoleWithinTransaction(swallows).then((count) => {
    lost = count;
  });
  const within = await stage.eventually('a transaction is open', async () => lost > 0);
  stage.fault(`${lost} connections half open, one within its transaction, ${what}`, busy && within);
}

async function fallIn(stage: Stage, proxy: PostgresProxy, { swallowsMs, after }: Hole): Promise<void> {
  const what = `new ones for ${swallowsMs} ms`;
  await isInHole(stage, proxy, { swallows: swallowsMs > 0, after, what });
  await new Promise((resolve) => setTimeout(resolve, swallowsMs));
  proxy.open();
}

async function blackHole(stage: Stage, ground: Ground): Promise<void> {
  const { random } = stage;
  const proxy = await PostgresProxy.start(stage.database.url);
  stage.atEnd(() => proxy.close());
  const hole: Hole = { swallowsMs: random.pick([0, 3_000]), after: random.between(3, 40) };
  Object.assign(stage.schedule, { hole });
  const through = { databaseUrl: proxy.through(stage.database.url), connectTimeoutMs: 5_000, paceMs: 10 };
  const consumer = consume(stage, ground, through);
  await consumer.ready();
  await startProducer(stage, ledgerMessages(stage, ground, 150), 10);
  await fallIn(stage, proxy, hole);
  const fellAtMs = Date.now();
  await startProducer(stage, ledgerMessages(stage, ground, 20));
  await stage.drained(patienceMs + stage.options.patienceMs);
  Object.assign(stage.measured, { 'healed after ms': Date.now() - fellAtMs });
  stage.check('the process stays up', consumer.exit === null);
  await endInHole(stage, ground, consumer, proxy);
}

/** SIGTERM while nothing is answered: late, but it ends by itself, and whoever follows handles the rest. */
async function endInHole(
  stage: Stage,
  ground: Ground,
  consumer: WorkerProcess,
  proxy: PostgresProxy,
): Promise<void> {
  const after = stage.random.between(3, 40);
  Object.assign(stage.schedule, { 'ended after': after });
  await startProducer(stage, ledgerMessages(stage, ground, 150), 10);
  await isInHole(stage, proxy, { swallows: true, after, what: 'then SIGTERM' });
  const mostMs = consumer.plan.shutdownMs + toCloseMs;
  const askedAtMs = Date.now();
  const complaint = await consumer.terminate(mostMs);
  stage.check(`it ends within ${mostMs} ms of SIGTERM (${complaint})`, complaint === null);
  Object.assign(stage.measured, { 'ended after ms': Date.now() - askedAtMs });
  proxy.open();
  consume(stage, ground);
  await stage.drained(patienceMs + stage.options.patienceMs);
}

export const blackHoleCase: FaultCase = {
  number: 8,
  fault: 'Half-open database socket (black hole)',
  looksFor: 'V: times out, pool heals; SIGTERM ends it',
  heavy: true,
  run: async (stage) => blackHole(stage, await layOut(stage, { partitions: 4 })),
};
