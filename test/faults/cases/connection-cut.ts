/**
 * Case 7: the connection breaks around COMMIT, once with nothing durable and once with all of it. The client's error
 * is the same; only the database knows.
 */
import type { FaultCase } from '../harness/fault-case.js';
import { businessRowsSql } from '../harness/observe.sql.js';
import {
  consume,
  type Ground,
  layOut,
  ledgerMessage,
  ledgerMessages,
  startProducer,
  startPublisher,
} from '../harness/ordinary-run.js';
import { recordedAttempts } from '../harness/recorded-attempts.js';
import type { Stage } from '../harness/stage.js';
import { type Cut, PostgresProxy } from '../network/postgres-proxy.js';

const cuts: readonly Cut[] = ['before COMMIT', 'after COMMIT'];

/** The choice is made at once, so that the seed repeats it whatever happens meanwhile. */
async function cutTwice(stage: Stage, proxy: PostgresProxy, who: string): Promise<void> {
  const { random } = stage;
  const plan = random.shuffled(cuts).map((cut) => ({ cut, skip: random.between(0, 3) }));
  Object.assign(stage.schedule, { [who]: plan });
  for (const { cut, skip } of plan) {
    let done = false;
    void proxy.cut(cut, skip).then(() => {
      done = true;
    });
    stage.fault(`${who}: cut ${cut}, after ${skip}`, await stage.eventually(`cut ${cut}`, async () => done));
  }
}

/** In a handler the inbox decides. */
async function inHandlers(stage: Stage, ground: Ground, proxy: PostgresProxy): Promise<void> {
  const consumer = consume(stage, ground, { databaseUrl: proxy.through(stage.database.url), maxEvents: 5 });
  await consumer.ready();
  const cutting = cutTwice(stage, proxy, 'consumer');
  await startProducer(stage, ledgerMessages(stage, ground, stage.random.between(60, 100)));
  await cutting;
}

/** `ExactlyOnce.transaction` has no inbox: what it reports must be so. */
async function inTransactions(stage: Stage, ground: Ground, proxy: PostgresProxy): Promise<void> {
  const messages = Array.from({ length: stage.random.between(12, 24) }, () =>
    ledgerMessage(stage, { key: stage.random.pick(ground.keys), source: 'publish' }),
  );
  const databaseUrl = proxy.through(stage.database.url);
  const publisher = await startPublisher(stage, messages, { databaseUrl });
  const cutting = cutTwice(stage, proxy, 'transaction');
  stage.go(publisher);
  await cutting;
  await stage.finished(publisher);
  const reported = recordedAttempts(stage.folder).filter(({ source }) => source === 'publish');
  const rows = new Set((await stage.database.query(businessRowsSql)).map(({ message }) => message));
  const wrong = reported.filter(
    ({ outcome, message }) => outcome !== 'info' && (outcome === 'ok') !== rows.has(message),
  );
  stage.check(`what a transaction reports is so (${wrong.length} wrong)`, wrong.length === 0);
  const failed = reported.filter(({ outcome }) => outcome === 'fail').length;
  stage.check(`exactly the cut before COMMIT is reported as failed (${failed} were)`, failed === 1);
}

/** Nobody can say what became of it: the database is out of reach for longer than it is asked. */
async function unknown(stage: Stage, ground: Ground, proxy: PostgresProxy): Promise<void> {
  const message = ledgerMessage(stage, { key: stage.random.pick(ground.keys), source: 'publish' });
  const databaseUrl = proxy.through(stage.database.url);
  const publisher = await startPublisher(stage, [message], { databaseUrl });
  const fired = proxy.cut('after COMMIT', 0, true);
  stage.go(publisher);
  await fired;
  stage.fault('transaction: cut after COMMIT, then out of reach', true);
  const report = () =>
    stage.evidence().find((line) => line.kind === 'transaction' && line.worker === publisher.name);
  await stage.eventually('the transaction has reported', async () => report() !== undefined);
  proxy.open();
  await stage.finished(publisher);
  const reported = report();
  const code = reported?.kind === 'transaction' ? reported.reported : 'nothing';
  stage.check(`EO_COMMIT_UNKNOWN is reported (${code} was)`, code === 'EO_COMMIT_UNKNOWN');
}

export const connectionCutCase: FaultCase = {
  number: 7,
  fault: 'Database connection cut before COMMIT arrives; after it, reply lost',
  looksFor: 'L D; outcome reported unknown',
  run: async (stage) => {
    const ground = await layOut(stage);
    const proxy = await PostgresProxy.start(stage.database.url);
    const publishersProxy = await PostgresProxy.start(stage.database.url);
    stage.atEnd(() => Promise.all([proxy.close(), publishersProxy.close()]));
    await inHandlers(stage, ground, proxy);
    await inTransactions(stage, ground, publishersProxy);
    await unknown(stage, ground, publishersProxy);
    await stage.drained();
  },
};
