/**
 * Cases 22, 44 and 47: under its old name the topic is another log, or a larger one.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FaultCase } from '../harness/fault-case.js';
import {
  consume,
  type Ground,
  layOut,
  ledgerMessage,
  ledgerMessages,
  produce,
} from '../harness/ordinary-run.js';
import { inputType, type Stage } from '../harness/stage.js';
import type { WorkerProcess } from '../harness/worker-process.js';
import type { Message } from '../record/message.js';

/** Each key has a partition of its own choice, which the number of partitions does not move. */
function placed(ground: Ground, messages: readonly Message[], from: number, to: number): Message[] {
  return messages.map((message) => ({
    ...message,
    partition: from + (ground.keys.indexOf(message.key!) % (to - from)),
  }));
}

async function endOf(stage: Stage, consumer: WorkerProcess): Promise<void> {
  const complaint = await consumer.terminate();
  if (complaint !== null) stage.stuck.push(complaint);
  await stage.eventually('the group is empty', () => stage.broker.isAbandoned(stage.group));
}

function says(stage: Stage, consumer: WorkerProcess, code: string): boolean {
  return readFileSync(join(stage.folder, `log-${consumer.name}.txt`), 'utf8').includes(code);
}

/** The first log, handled to its end; then the second one, with the group away. */
async function replaceLog(
  stage: Stage,
  second: (ground: Ground, first: readonly Message[]) => Message[],
): Promise<{ before: number; after: number }> {
  const ground = await layOut(stage, { partitions: 1 });
  const consumer = consume(stage, ground);
  const first = ledgerMessages(stage, ground, stage.random.between(40, 80));
  await produce(stage, first);
  await stage.drained();
  await endOf(stage, consumer);
  const before = await stage.recordsIn(inputType);
  await stage.broker.recreateTopic!(stage.topics[inputType]!, 1);
  const messages = second(ground, first);
  const early = stage.random.chance(0.5);
  Object.assign(stage.schedule, { early });
  if (early) await produce(stage, messages);
  const successor = consume(stage, ground);
  if (!early) {
    await successor.ready();
    await produce(stage, messages);
  }
  await stage.drained();
  const noticed = await stage.eventually('the change is told', async () =>
    says(stage, successor, 'EO_LOG_CHANGED'),
  );
  stage.check('EO_LOG_CHANGED is told', noticed);
  return { before, after: await stage.recordsIn(inputType) };
}

const recreated: FaultCase = {
  number: 22,
  fault: 'Topic deleted and recreated: same offsets, new ids',
  looksFor: 'L',
  heavy: true,
  brokers: ['kafka'],
  run: async (stage) => {
    const { before, after } = await replaceLog(stage, (ground, first) =>
      ledgerMessages(stage, ground, first.length + stage.random.between(0, 30)),
    );
    stage.fault(`${after} records where ${before} were`, before > 0 && after >= before);
  },
};

/** A log that lost its end keeps its beginning. */
const truncated: FaultCase = {
  number: 47,
  fault: 'Topic truncated below the stored offset',
  looksFor: 'EO_LOG_CHANGED; L where an inbox exists',
  brokers: ['kafka'],
  run: async (stage) => {
    const { before, after } = await replaceLog(stage, (ground, first) => {
      const kept = stage.random.between(0, Math.floor(first.length / 2));
      const more = stage.random.between(1, first.length - kept - 1);
      Object.assign(stage.schedule, { kept, more });
      return [...first.slice(0, kept), ...ledgerMessages(stage, ground, more)];
    });
    stage.fault(`${after} records where ${before} were`, after > 0 && after < before);
  },
};

const enlarged: FaultCase = {
  number: 44,
  fault: 'Partitions added to the topic in mid-run',
  looksFor: 'L: new partitions read from their beginning',
  heavy: true,
  run: async (stage) => {
    const { random } = stage;
    const [few, many] = [random.between(1, 3), random.between(4, 8)];
    const ground = await layOut(stage, { partitions: few });
    Object.assign(stage.schedule, { few, many });
    const consumers = Array.from({ length: random.between(1, 2) }, () => consume(stage, ground));
    await Promise.all(consumers.map((consumer) => consumer.ready()));
    await produce(stage, placed(ground, ledgerMessages(stage, ground, random.between(30, 60)), 0, few));
    await stage.broker.addPartitions(stage.topics[inputType]!, many);
    const fresh = ground.keys.flatMap((key) =>
      Array.from({ length: 5 }, () => ledgerMessage(stage, { key, source: 'enlarged' })),
    );
    const both = [
      ...placed(ground, ledgerMessages(stage, ground, random.between(30, 60)), 0, few),
      ...placed(ground, fresh, few, many),
    ];
    await produce(stage, both);
    await stage.drained();
    const ends = await stage.broker.ends(stage.topics[inputType]!);
    const filled = [...ends].filter(([partition, end]) => partition >= few && end > 0n).length;
    stage.fault(`${filled} new partitions with records`, ends.size === many && filled > 0);
  },
};

export const changedLogCases: readonly FaultCase[] = [recreated, enlarged, truncated];
