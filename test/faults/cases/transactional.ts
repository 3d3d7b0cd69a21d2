/**
 * Cases 1, 4, 5, 17 and 30 for handlers that consume, transform and produce in Kafka transactions, without a
 * database.
 */
import kafkajs from 'kafkajs';
import type { FaultCase } from '../harness/fault-case.js';
import { hasFired, killsItself } from '../harness/ordinary-run.js';
import { inputType, type Stage } from '../harness/stage.js';
import { claims, layOutTransactional, produceSome, transform } from '../harness/transactional-run.js';
import type { WorkerProcess } from '../harness/worker-process.js';
import type { FaultPlan, Point } from '../worker/worker-plan.js';

function crash(
  number: number,
  fault: string,
  looksFor: string,
  points: readonly Point[],
  most: number,
): FaultCase {
  return {
    ...{ number, fault, looksFor },
    brokers: ['kafka'],
    transaction: 'kafka',
    ...(number === 4 ? {} : { heavy: true as const }),
    run: async (stage) => {
      const { random } = stage;
      const ground = await layOutTransactional(stage);
      const rounds = random.between(1, 2);
      for (let round = 1; round <= rounds; round++) {
        const plan: FaultPlan = {
          point: random.pick(points),
          hit: random.between(1, most),
          signal: 'SIGKILL',
        };
        Object.assign(stage.schedule, { [`round ${round}`]: plan });
        await produceSome(stage, ground, random.between(60, 160));
        await killsItself(stage, transform(stage, { ...ground, maxEvents: 7 }, { fault: plan }), plan);
      }
      const successors = random.between(1, 2);
      for (let count = 0; count < successors; count++) transform(stage, ground);
      await stage.drained();
    },
  };
}

/** What it was about to commit was refused, or the next that it tried. */
function wasRefused(stage: Stage, { name }: WorkerProcess): boolean {
  return stage
    .evidence()
    .some((line) => (line.kind === 'refused' || line.kind === 'fenced') && line.worker === name);
}

const zombie: FaultCase = {
  number: 17,
  fault: 'SIGSTOP past the session time-out, a peer takes over, SIGCONT',
  looksFor: 'D R; the zombie is refused',
  heavy: true,
  brokers: ['kafka'],
  transaction: 'kafka',
  run: async (stage) => {
    const { random } = stage;
    const ground = { ...(await layOutTransactional(stage)), maxEvents: 7 };
    const points = ['handler:end', 'commit:before', 'commit:before', 'end:before', 'commit:after'] as const;
    const fault: FaultPlan = { point: random.pick(points), hit: random.between(1, 3), signal: 'SIGSTOP' };
    Object.assign(stage.schedule, { fault });
    await produceSome(stage, ground, random.between(100, 200));
    const stopped = transform(stage, ground, { fault });
    const fired = await stage.eventually('it stops itself', async () => hasFired(stage, stopped));
    stage.fault(`SIGSTOP of ${stopped.name} at ${fault.point}, hit ${fault.hit}`, fired);
    await produceSome(stage, ground, 20);
    const peer = transform(stage, ground);
    const all = async () => claims(stage, peer).size === ground.partitions;
    stage.fault('the peer took over', await stage.eventually('the peer takes over', all));
    await stage.drained();
    stopped.resume();
    if (fault.point !== 'commit:after') {
      const refused = await stage.eventually('the zombie is refused', async () => wasRefused(stage, stopped));
      stage.check('the zombie is refused', refused);
    }
    await produceSome(stage, ground, 20);
    await stage.drained();
  },
};

/** Initialises each id that the holder has, as another producer would by mistake. */
async function takeIds(stage: Stage, holder: WorkerProcess): Promise<void> {
  const kafka = new kafkajs.Kafka({
    brokers: [...stage.broker.addresses],
    logLevel: kafkajs.logLevel.NOTHING,
  });
  for (const partition of claims(stage, holder)) {
    const transactionalId = `${stage.group}/${stage.topics[inputType]}/${partition}`;
    const producer = kafka.producer({ transactionalId, maxInFlightRequests: 1, idempotent: true });
    await producer.connect();
    await (await producer.transaction()).abort();
    await producer.disconnect();
  }
}

const amidst: FaultCase = {
  number: 30,
  fault: 'Rebalance in the midst of a Kafka transaction; two producers with one transactional id',
  looksFor: 'D at read_committed; the loser is fenced',
  brokers: ['kafka'],
  transaction: 'kafka',
  heavy: true,
  run: async (stage) => {
    const { random } = stage;
    const way = random.pick(['rebalance', 'two producers'] as const);
    const ground = { ...(await layOutTransactional(stage, [4])), maxEvents: 7 };
    const fault: FaultPlan = { point: 'end:before', hit: random.between(1, 3), signal: 'hold' };
    Object.assign(stage.schedule, { way, fault });
    await produceSome(stage, ground, random.between(100, 200));
    const holder = transform(stage, ground, { fault });
    const held = await stage.eventually('it is in a transaction', async () => hasFired(stage, holder));
    stage.fault(`${holder.name} was held in its transaction, hit ${fault.hit}`, held);
    if (way === 'two producers') {
      await takeIds(stage, holder);
    } else {
      await produceSome(stage, ground, 20);
      const peer = transform(stage, ground);
      const joined = await stage.eventually('the peer claims', async () => claims(stage, peer).size > 0);
      stage.fault('a peer claimed meanwhile', joined);
    }
    stage.release();
    if (way === 'two producers') {
      const fenced = await stage.eventually('the loser is fenced', async () => wasRefused(stage, holder));
      stage.fault('the loser was fenced', fenced);
    }
    await produceSome(stage, ground, 20);
    await stage.drained();
    Object.assign(stage.measured, { 'the holder was fenced': wasRefused(stage, holder) });
  },
};

export const transactionalCases: readonly FaultCase[] = [
  crash(1, 'SIGKILL after poll, before the handler', 'L D', ['process:before', 'begin:before'], 1),
  crash(
    4,
    'SIGKILL after the handler, before the end of the Kafka transaction',
    'T L',
    ['handler:end', 'seal:before', 'commit:before', 'end:before', 'end:before'],
    3,
  ),
  crash(
    5,
    'SIGKILL after the end of the Kafka transaction, before anything else',
    'D',
    ['end:after', 'commit:after', 'done:before'],
    3,
  ),
  zombie,
  amidst,
];
