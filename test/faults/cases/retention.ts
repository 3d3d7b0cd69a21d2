/**
 * Cases 66 and 67: the pruner beside duplicates, and a rewind while events go on coming.
 *
 * What is pruned are records of other events: a copy of one that is past the window may run again, and is no fault.
 */
import { runTool, type ToolResult } from '../../cli/run-tool.js';
import type { FaultCase } from '../harness/fault-case.js';
import { ageInboxSql, effectCountSql, fillInboxSql, pastWindowSql } from '../harness/observe.sql.js';
import { consume, layOut, ledgerMessages, produce, startProducer } from '../harness/ordinary-run.js';
import { inputType, type Stage } from '../harness/stage.js';
import type { WorkerProcess } from '../harness/worker-process.js';

/** Days. */
const window = 7;
/** Records to be pruned, in steps of `batchSize` with 50 ms between them. */
const oldRecords = 30_000;
const batchSize = 200;
const retention = { windowDays: window, batchSize, intervalMs: 1_000 };

async function count(stage: Stage, sql: string): Promise<number> {
  const [row] = await stage.database.query(sql);
  return row.count;
}

const pruner: FaultCase = {
  number: 66,
  fault: 'The pruner forgets old records beside copies of events whose records are about to be old',
  looksFor: 'D',
  heavy: true,
  run: async (stage) => {
    const ground = { ...(await layOut(stage)), dedupCacheSize: 0 };
    const events = ledgerMessages(stage, ground, stage.random.between(100, 300));
    const first = consume(stage, ground);
    await produce(stage, events);
    await stage.drained();
    const complaint = await first.terminate();
    if (complaint !== null) stage.stuck.push(complaint);
    await stage.database.query(ageInboxSql, [window * 24 * 60 - 30]);
    await stage.database.query(fillInboxSql, [oldRecords, (window + 1) * 24 * 60]);
    const pruners = [consume(stage, ground, { retention }), consume(stage, ground, { retention })];
    await Promise.all(pruners.map((worker) => worker.ready()));
    const left: number[] = [];
    do {
      await produce(stage, stage.random.shuffled(events), events.length);
      left.push(await count(stage, pastWindowSql(window)));
    } while (left.at(-1)! > 0 && pruners.some(({ exit }) => exit === null));
    await produce(stage, stage.random.shuffled(events));
    await stage.drained();
    const records = await stage.recordsIn(inputType);
    Object.assign(stage.measured, { left, copies: records - events.length });
    const between = left.filter((rows) => rows > 0 && rows < oldRecords);
    stage.fault(`${oldRecords} old records were forgotten`, left.at(-1) === 0);
    stage.fault('copies came while it was at work', between.length > 0);
    stage.check(`all copies were taken (${records})`, records === events.length * (left.length + 2));
  },
};

/** As an operator calls it, to the beginning. */
function rewindAll(stage: Stage): Promise<ToolResult> {
  const { broker, group } = stage;
  const where = broker.addresses.length === 0 ? [] : ['--brokers', broker.addresses.join(',')];
  const words = ['rewind', '--group', group, '--to', 'earliest', ...where, '--yes'];
  return runTool(words, { DATABASE_URL: stage.database.url });
}

async function someAreHandled(stage: Stage, events: number): Promise<void> {
  const what = `${events} events are handled`;
  await stage.eventually(what, async () => (await count(stage, effectCountSql)) >= events);
}

const underLoad: FaultCase = {
  number: 67,
  fault: 'A group is set back to the beginning, after a SIGKILL of its consumers, while events go on coming',
  looksFor: 'L D R',
  heavy: true,
  run: async (stage) => {
    const ground = { ...(await layOut(stage)), dedupCacheSize: 0 };
    const events = ledgerMessages(stage, ground, stage.random.between(300, 600));
    const consumers: WorkerProcess[] = [consume(stage, ground), consume(stage, ground)];
    await Promise.all(consumers.map((worker) => worker.ready()));
    const producer = await startProducer(stage, events, 10);
    await someAreHandled(stage, stage.random.between(50, 150));
    const refused = await rewindAll(stage);
    for (const worker of consumers) worker.expectEnd();
    await Promise.all(consumers.map((worker) => worker.kill()));
    const codes: number[] = [];
    const told = await stage.eventually('the group is set back', async () => {
      const { code, err } = await rewindAll(stage);
      codes.push(code);
      if (code !== 0 && code !== 3) throw new Error(err);
      return code === 0;
    });
    const handled = await count(stage, effectCountSql);
    Object.assign(stage.measured, { codes, handled });
    stage.fault(`refused while the group ran (exit code ${refused.code})`, refused.code === 3);
    const topic = stage.topics[inputType]!;
    const standing = [...(await stage.broker.committed(stage.group, topic)).values()];
    const back = standing.every((next) => next <= 0n);
    stage.fault(`set back after ${handled} effects`, told && back && handled > 0);
    consume(stage, ground);
    await stage.finished(producer);
    await stage.drained();
  },
};

export const retentionCases: readonly FaultCase[] = [pruner, underLoad];
