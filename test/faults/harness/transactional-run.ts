/**
 * The ground of cases in Kafka transactions: handlers that consume, transform and produce, without a database.
 */
import { letterType, secondOutputType, type WorkerPlan } from '../worker/worker-plan.js';
import { type Ground, layOut, ledgerMessage, ledgerMessages, produce } from './ordinary-run.js';
import type { Stage } from './stage.js';
import type { WorkerProcess } from './worker-process.js';

export interface TransactionalGround extends Ground {
  readonly partitions: number;
}

export async function layOutTransactional(stage: Stage, choices = [1, 2, 4]): Promise<TransactionalGround> {
  const partitions = stage.random.pick(choices);
  const ground = await layOut(stage, { partitions, outputTypes: [secondOutputType, letterType] });
  Object.assign(stage.schedule, { commit: undefined }); // it is of databases
  return { ...ground, partitions };
}

export function transform(
  stage: Stage,
  { maxEvents, dedupCacheSize }: TransactionalGround,
  changes: Partial<WorkerPlan> = {},
): WorkerProcess {
  return stage.start({ role: 'transform', maxEvents, dedupCacheSize, ...changes });
}

/** Some for each partition, and among them now and then one that is given up. */
export async function produceSome(stage: Stage, ground: TransactionalGround, count: number): Promise<void> {
  const some = ledgerMessages(stage, ground, count);
  const everywhere = Array.from({ length: ground.partitions }, (_, partition) =>
    ledgerMessage(stage, { key: `at-${partition}`, partition }),
  );
  const bad = stage.random.chance(0.3)
    ? [ledgerMessage(stage, { key: 'bad', act: { kind: 'fail' }, fate: 'dead-letter' })]
    : [];
  await produce(stage, [...everywhere, ...bad, ...some]);
}

/** Partitions that it has made its own so far. */
export function claims(stage: Stage, worker: WorkerProcess): Set<number> {
  return new Set(
    stage
      .evidence()
      .flatMap((line) => (line.kind === 'claimed' && line.worker === worker.name ? [line.partition] : [])),
  );
}
