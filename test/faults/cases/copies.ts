/**
 * Cases 14, 15 and 20: copies of one event that meet, or come again elsewhere.
 */
import type { FaultCase } from '../harness/fault-case.js';
import { deadlocksSql, findDeadlocksSoonSql, waitingSql } from '../harness/observe.sql.js';
import {
  consume,
  type Ground,
  layOut,
  layOutInAnyForm,
  ledgerMessage,
  ledgerMessages,
  produce,
} from '../harness/ordinary-run.js';
import { inputType, type Stage } from '../harness/stage.js';
import type { Message } from '../record/message.js';

const copiesOfEach = 20;
const processes = 3;

/** All processes are ready, then every partition gets its share of the copies, each in an order of its own. */
async function throughTheTopic(stage: Stage, ground: Ground, events: readonly Message[]): Promise<void> {
  const consumers = Array.from({ length: processes }, () =>
    consume(stage, ground, { maxEvents: 500, maxOpenMs: 2_000 }),
  );
  await Promise.all(consumers.map((consumer) => consumer.ready()));
  const copies = events.flatMap((event) =>
    Array.from({ length: copiesOfEach }, (_, copy) => ({ ...event, partition: copy % 6 })),
  );
  const producer = stage.start({
    role: 'produce',
    messages: stage.messageFile(stage.random.shuffled(copies)),
    sendAtOnce: copies.length,
  });
  await stage.finished(producer);
  await stage.drained();
  const records = await stage.recordsIn(inputType);
  stage.fault(`${records} records of ${events.length} events`, records === copies.length);
}

/** A transport of our own hands each process its copies, all at the same moment. */
async function throughATransport(stage: Stage, ground: Ground, events: readonly Message[]): Promise<void> {
  const shares = Array.from({ length: processes }, (_, process) => {
    const count = process === 0 ? copiesOfEach - 2 * 7 : 7;
    return stage.random.shuffled(events.flatMap((event) => Array.from({ length: count }, () => event)));
  });
  const workers = shares.map((share) =>
    stage.start({
      role: 'deliver',
      relay: false,
      messages: stage.messageFile(share),
      maxEvents: ground.maxEvents,
    }),
  );
  await Promise.all(workers.map((worker) => worker.ready()));
  stage.release();
  stage.start({ role: 'relay' });
  for (const worker of workers) await stage.finished(worker);
  await stage.drained();
  stage.fault(`${copiesOfEach} deliveries of each of ${events.length} events`, true);
}

const atOnce: FaultCase = {
  number: 14,
  fault: `${copiesOfEach} copies of one event at once in three processes`,
  looksFor: 'D; no deadlock',
  run: async (stage) => {
    const ground = await layOut(stage, { partitions: 6 });
    await stage.database.query(findDeadlocksSoonSql);
    const way = stage.random.pick(['topic', 'topic', 'transport'] as const);
    const count = way === 'topic' ? stage.random.between(100, 250) : stage.random.between(4, 12);
    const events = Array.from({ length: count }, (_, index) =>
      ledgerMessage(stage, { key: `only-${index}` }),
    );
    Object.assign(stage.schedule, { way, events: events.length });
    await stage.prepareCounters(events);
    if (way === 'topic') await throughTheTopic(stage, ground, events);
    else await throughATransport(stage, ground, events);
    await stage.quiet(); // a session reports its deadlocks at its end
    const [row] = await stage.database.query(deadlocksSql);
    stage.check(`no deadlock (${row.count} counted by the database)`, row.count === 0);
  },
};

const secondWaits: FaultCase = {
  number: 15,
  fault: 'Second copy waits while the first is in flight; the first rolls back',
  looksFor: 'L',
  run: async (stage) => {
    const ground = await layOut(stage, { partitions: 2 });
    const consumers = [consume(stage, ground), consume(stage, ground)];
    await Promise.all(consumers.map((consumer) => consumer.ready()));
    const then = stage.random.pick(['throw', 'die'] as const);
    Object.assign(stage.schedule, { then });
    const held = ledgerMessage(stage, { key: 'held', act: { kind: 'hold', then } });
    const neighbours = ledgerMessages(stage, ground, stage.random.between(0, 10));
    await produce(stage, [{ ...held, partition: 0 }, { ...held, partition: 1 }, ...neighbours]);
    const waiting = await stage.eventually('the second copy waits for the first', async () => {
      const [row] = await stage.database.query(waitingSql);
      return row.count > 0 && stage.evidence().some((line) => line.kind === 'act' && line.act === 'hold');
    });
    stage.fault('the second copy waited', waiting);
    const holder = stage.evidence().find((line) => line.kind === 'act' && line.act === 'hold')?.worker;
    const victim = consumers.find(({ name }) => name === holder);
    if (then === 'die') victim?.expectEnd();
    stage.release();
    await stage.drained();
    const over = stage.evidence().some((line) => line.kind === 'act' && line.act === `hold-${then}`);
    stage.fault(
      `the first copy rolled back (${then})`,
      over && (then === 'throw' || victim?.exit?.signal === 'SIGKILL'),
    );
  },
};

const elsewhere: FaultCase = {
  number: 20,
  fault: 'The same id at another offset or partition (producer retry)',
  looksFor: 'D',
  run: async (stage) => {
    const { random } = stage;
    const partitions = random.pick([2, 3]);
    const ground = await layOutInAnyForm(stage, { partitions });
    const events = Array.from({ length: random.between(30, 60) }, (_, index) => ({
      ...ledgerMessage(stage, { key: `only-${index}` }),
      partition: random.between(0, partitions - 1),
    }));
    const again = random.shuffled(events).slice(0, random.between(10, 30));
    const copies = again.map((event) => ({ ...event, partition: random.between(0, partitions - 1) }));
    const all = random.chance(0.5) ? [...events, ...copies] : random.shuffled([...events, ...copies]);
    const consumers = random.between(1, 2);
    for (let count = 0; count < consumers; count++) consume(stage, ground);
    await produce(stage, all);
    await stage.drained();
    const records = await stage.recordsIn(inputType);
    stage.fault(`${records - events.length} ids stand twice`, records === all.length && copies.length > 0);
  },
};

export const copyCases: readonly FaultCase[] = [atOnce, secondWaits, elsewhere];
