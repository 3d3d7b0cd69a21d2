/**
 * Case 6: SIGTERM reaches a consumer in the midst of a slow handler, which then ends within the grace time, or does not.
 */
import type { FaultCase } from '../harness/fault-case.js';
import { effectCountSql } from '../harness/observe.sql.js';
import {
  consume,
  type Ground,
  hasFired,
  layOut,
  ledgerMessages,
  produce,
  startProducer,
} from '../harness/ordinary-run.js';
import type { Stage } from '../harness/stage.js';
import { layOutTransactional, transform } from '../harness/transactional-run.js';
import type { WorkerProcess } from '../harness/worker-process.js';
import type { Evidence } from '../record/evidence.js';
import { outputType, type WorkerPlan } from '../worker/worker-plan.js';

/** Milliseconds on top of the grace time for all that is not a handler: leaving the group, closing connections. */
const toCloseMs = 2_000;

type Start = (changes?: Partial<WorkerPlan>) => WorkerProcess;

interface End {
  /** The handler's call that meets it. */
  readonly hit: number;
  readonly shutdownMs: number;
  /** How long each handler takes. */
  readonly paceMs: number;
}

/** Asked to end while a handler stands between two writes. */
async function endedInHandler(stage: Stage, start: Start, end: End): Promise<void> {
  const { hit, shutdownMs, paceMs } = end;
  const worker = start({ shutdownMs, paceMs, fault: { point: 'handler:between', hit, signal: 'SIGTERM' } });
  const asked = await stage.eventually(`${worker.name} is in a handler`, async () => hasFired(stage, worker));
  stage.fault(`SIGTERM in a handler of ${paceMs} ms, with ${shutdownMs} ms of grace`, asked);
  const isAsked = (line: Evidence) => line.kind === 'fault' && line.worker === worker.name;
  const atMs = stage.evidence().find(isAsked)?.atMs ?? Date.now();
  await stage.finished(worker);
  const tookMs = Date.now() - atMs;
  stage.check(
    `${worker.name} ends in its grace time (${tookMs} ms of ${shutdownMs})`,
    tookMs <= shutdownMs + toCloseMs,
  );
  Object.assign(stage.measured, { [`${worker.name} ended after ms`]: tookMs });
}

/** `handled`: how many events are, as far as it is committed. */
async function endTwice(
  stage: Stage,
  ground: Ground,
  start: Start,
  handled: () => Promise<number>,
): Promise<void> {
  const { random } = stage;
  const shutdownMs = random.pick([2_500, 3_500]);
  const drains: End = { hit: random.between(1, 4), shutdownMs, paceMs: shutdownMs * 0.2 };
  const rollsBack: End = { hit: 1, shutdownMs, paceMs: shutdownMs * 10 };
  Object.assign(stage.schedule, { drains, rollsBack });
  await produce(stage, ledgerMessages(stage, ground, random.between(20, 60)));

  await endedInHandler(stage, start, drains);
  const whole = await handled();
  stage.check(`what was at work is done (${whole} of ${drains.hit})`, whole >= drains.hit);

  await endedInHandler(stage, start, rollsBack);
  const left = (await handled()) - whole;
  stage.check(`what took too long is rolled back (${left} are there)`, left === 0);

  await startProducer(stage, ledgerMessages(stage, ground, 20));
  start();
  await stage.drained();
}

const asked = {
  number: 6,
  fault: 'SIGTERM with slow handlers: one ends in the grace time, one does not',
  looksFor: 'drains or rolls back; exits in its grace time',
} as const;

export const orderlyEndCases: readonly FaultCase[] = [
  {
    ...asked,
    run: async (stage) => {
      const ground = await layOut(stage);
      const handled = async () => (await stage.database.query(effectCountSql))[0].count;
      await endTwice(stage, ground, (changes) => consume(stage, ground, changes), handled);
    },
  },
  {
    ...asked,
    brokers: ['kafka'],
    transaction: 'kafka',
    run: async (stage) => {
      const ground = await layOutTransactional(stage);
      const handled = async () => (await stage.broker.dump(stage.topics[outputType]!)).length;
      await endTwice(stage, ground, (changes) => transform(stage, ground, changes), handled);
    },
  },
];
