/**
 * Cases 16 and 39: events of all partitions update the same rows, at each isolation level.
 */
import type { FaultCase } from '../harness/fault-case.js';
import { deadlocksSql, hotTotalSql } from '../harness/observe.sql.js';
import { consume, type Ground, layOut, ledgerMessage, produce } from '../harness/ordinary-run.js';
import type { Stage } from '../harness/stage.js';
import type { Message } from '../record/message.js';
import type { WorkerPlan } from '../worker/worker-plan.js';

const levels = ['READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE'] as const;

function hotMessages(stage: Stage, ground: Ground, count: number, accounts: number): Message[] {
  return Array.from({ length: count }, () =>
    ledgerMessage(stage, {
      key: stage.random.pick(ground.keys),
      act: { kind: 'hot', account: stage.random.between(0, accounts - 1) },
    }),
  );
}

function acts(stage: Stage): string[] {
  return stage.evidence().flatMap((line) => (line.kind === 'act' ? [line.act] : []));
}

async function totalIs(stage: Stage, wanted: number): Promise<void> {
  const [row] = await stage.database.query(hotTotalSql);
  stage.check(`the accounts hold ${wanted} (${row.count} they do)`, row.count === wanted);
}

/** All partitions are full before two processes begin. */
async function contend(
  stage: Stage,
  messages: readonly Message[],
  ground: Ground,
  changes: Partial<WorkerPlan>,
) {
  await produce(stage, messages);
  const consumers = [consume(stage, ground, changes), consume(stage, ground, changes)];
  await Promise.all(consumers.map((consumer) => consumer.ready()));
  await stage.drained();
  await totalIs(stage, messages.length);
}

const isolation: FaultCase = {
  number: 16,
  fault: 'READ COMMITTED, REPEATABLE READ, SERIALIZABLE',
  looksFor: 'D; 40001 retried, not dead-lettered',
  heavy: true,
  run: async (stage) => {
    const ground = await layOut(stage, { partitions: 4 });
    const level = levels[stage.options.seed % levels.length]!;
    Object.assign(stage.schedule, { isolation: level });
    const messages = hotMessages(stage, ground, stage.random.between(80, 160), 3);
    await contend(stage, messages, ground, { isolation: level });
    const seen = acts(stage);
    const [inLevel, failures] = [`isolation ${level.toLowerCase()}`, 'hot 40001'];
    const count = (act: string) => seen.filter((one) => one === act).length;
    stage.fault(`${level} in ${count(inLevel)} calls`, count(inLevel) >= messages.length);
    Object.assign(stage.measured, { 'serialization failures in handlers': count(failures) });
    if (level !== 'READ COMMITTED') stage.fault('40001 met a handler', count(failures) > 0);
  },
};

/** A deadlock costs a second: a collapse is one for nearly each batch, and shows in their number. */
const hotRows: FaultCase = {
  number: 39,
  fault: 'Hot rows: events of all partitions update the same 100 accounts',
  looksFor: 'L D; no collapse of throughput',
  heavy: true,
  run: async (stage) => {
    const ground = await layOut(stage, { partitions: 4 });
    const messages = hotMessages(stage, ground, stage.random.between(800, 1_200), 100);
    await contend(stage, messages, ground, { maxEvents: 500 });
    await stage.quiet(); // a session reports its deadlocks at its end
    const [row] = await stage.database.query(deadlocksSql);
    const calls = acts(stage).filter((act) => act.startsWith('isolation')).length;
    Object.assign(stage.measured, { deadlocks: row.count, calls, events: messages.length });
    stage.fault(`${calls} updates of 100 accounts`, calls >= messages.length);
    stage.check(`few deadlocks (${row.count})`, row.count <= messages.length / 50);
    stage.check(`little is done again (${calls} calls)`, calls <= messages.length * 3);
  },
};

export const hotRowCases: readonly FaultCase[] = [isolation, hotRows];
