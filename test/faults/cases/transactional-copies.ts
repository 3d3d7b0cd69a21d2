/**
 * Case 20 for handlers in Kafka transactions: what this mode promises of copies that a producer wrote twice.
 *
 * The process that handled the first lately skips the second. After a take-over nobody knows the first: the copy may be
 * published again, whole and under the same ids, once for each record.
 */
import type { FaultCase } from '../harness/fault-case.js';
import { ledgerMessage, produce } from '../harness/ordinary-run.js';
import { inputType, type Stage } from '../harness/stage.js';
import {
  claims,
  layOutTransactional,
  type TransactionalGround,
  transform,
} from '../harness/transactional-run.js';
import type { WorkerProcess } from '../harness/worker-process.js';
import type { Message } from '../record/message.js';

/** Leaves or is killed, before anything else comes. */
async function takenOver(
  stage: Stage,
  ground: TransactionalGround,
  first: WorkerProcess,
): Promise<WorkerProcess> {
  const way = stage.random.pick(['leaves', 'is killed'] as const);
  Object.assign(stage.schedule, { 'the first process': way });
  if (way === 'is killed') await first.kill();
  const complaint = await first.terminate();
  if (complaint !== null) stage.stuck.push(complaint);
  return transform(stage, ground);
}

export const transactionalCopiesCase: FaultCase = {
  number: 20,
  fault:
    'The same id at another offset (producer retry): for the process that handled the first; after a take-over',
  looksFor: 'D; after a take-over published again under the same ids, at most',
  brokers: ['kafka'],
  transaction: 'kafka',
  heavy: true,
  run: async (stage) => {
    const { random } = stage;
    const ground = { ...(await layOutTransactional(stage)), dedupCacheSize: 10_000 };
    const events = Array.from({ length: random.between(30, 60) }, (_, index) => ({
      ...ledgerMessage(stage, { key: `only-${index}` }),
      partition: random.between(0, ground.partitions - 1),
    }));
    const again = random.shuffled(events).slice(0, random.between(10, 30));
    const later = random.shuffled(events).slice(0, random.between(10, 30));
    const first = transform(stage, ground);
    await produce(stage, random.chance(0.5) ? [...events, ...again] : random.shuffled([...events, ...again]));
    await stage.drained();
    const records = await stage.recordsIn(inputType);
    stage.fault(`${records - events.length} ids stand twice`, records === events.length + again.length);
    for (const { attempt } of later) stage.mayComeAgain.add(attempt.message);
    const peer = await takenOver(stage, ground, first);
    await produce(stage, later.map(elsewhere(stage, ground)));
    await stage.drained();
    const claimed = claims(stage, peer);
    const met = new Set(later.map(({ partition }) => partition)).size;
    stage.fault(
      `${later.length} copies came to another process, in ${met} partitions of its ${claimed.size}`,
      (await stage.recordsIn(inputType)) === records + later.length && claimed.size > 0,
    );
  },
};

/** Of all partitions any. */
function elsewhere(stage: Stage, ground: TransactionalGround): (message: Message) => Message {
  return (message) => ({ ...message, partition: stage.random.between(0, ground.partitions - 1) });
}
