/**
 * Case 24: a broker of the run's own dies by SIGKILL while events are produced and consumed, and comes back.
 */
import type { FaultCase } from '../harness/fault-case.js';
import { effectCountSql } from '../harness/observe.sql.js';
import { consume, type Ground, layOut, ledgerMessages, produce } from '../harness/ordinary-run.js';
import { ownBroker } from '../harness/own-broker.js';
import { inputType, type Stage } from '../harness/stage.js';
import { layOutTransactional, transform } from '../harness/transactional-run.js';

/** Who handles, and how many events they have handled so far. */
interface Handling {
  readonly ground: Ground;
  readonly start: () => void;
  readonly handled: () => Promise<number>;
}

async function inDatabase(stage: Stage): Promise<Handling> {
  const ground = await layOut(stage);
  return {
    ground,
    start: () => void consume(stage, ground, { paceMs: 1 }),
    handled: async () => (await stage.database.query(effectCountSql))[0].count,
  };
}

/** Offsets that are committed are of events whose output is, too. */
async function inTransactions(stage: Stage): Promise<Handling> {
  const ground = await layOutTransactional(stage);
  return {
    ground,
    start: () => void transform(stage, ground, { paceMs: 1 }),
    handled: async () => {
      const committed = await stage.broker.committed(stage.group, stage.topics[inputType]!);
      return [...committed.values()].reduce((sum, next) => sum + Math.max(0, Number(next)), 0);
    },
  };
}

async function killAgain(stage: Stage, handle: (stage: Stage) => Promise<Handling>): Promise<void> {
  const { random } = stage;
  const broker = await ownBroker(stage);
  const { ground, start, handled } = await handle(stage);
  for (let count = random.between(1, 2); count > 0; count--) start();
  const kills = random.between(1, 2);
  for (let round = 0; round < kills; round++) {
    const before = await handled();
    const messages = ledgerMessages(stage, ground, 150);
    await stage.prepareCounters(messages);
    const producer = stage.start({
      ...{ role: 'produce', messages: stage.messageFile(messages) },
      ...{ sendAtOnce: 1, paceMs: 100 },
    });
    const wanted = before + random.between(5, 20);
    const busy = await stage.eventually('some are handled', async () => (await handled()) > wanted);
    const producing = producer.exit === null;
    await broker.kill();
    await new Promise((resolve) => setTimeout(resolve, random.between(0, 2_000)));
    await broker.start();
    stage.fault(`broker killed while consumed (round ${round + 1})`, busy);
    stage.fault(`broker killed while produced (round ${round + 1})`, producing);
    await stage.finished(producer);
  }
  await produce(stage, ledgerMessages(stage, ground, 20));
  await stage.drained();
}

const killed = {
  number: 24,
  fault: 'Broker killed and restarted during produce and consume',
  brokers: ['kafka'],
  heavy: true,
} as const;

export const brokerKilledCases: readonly FaultCase[] = [
  { ...killed, looksFor: 'L D', run: (stage) => killAgain(stage, inDatabase) },
  {
    ...{ ...killed, looksFor: 'L D T', transaction: 'kafka' },
    run: (stage) => killAgain(stage, inTransactions),
  },
];
