/**
 * Cases 61 to 63: dead letters are replayed while tools and workers die, operators meet, and partitions change hands.
 *
 * The letters of a key are all that the key has, so that its order is the replay's.
 */
import pg from 'pg';
import { runTool, type ToolResult } from '../../cli/run-tool.js';
import type { FaultCase } from '../harness/fault-case.js';
import {
  cutReplaySql,
  effectCountSql,
  letterStatesSql,
  replayedEffectsSql,
  replayStepSql,
  waitingSql,
} from '../harness/observe.sql.js';
import {
  consume,
  type Ground,
  killsItself,
  layOut,
  ledgerMessage,
  ledgerMessages,
  produce,
} from '../harness/ordinary-run.js';
import { rebalanceEvery } from '../harness/rebalance-driver.js';
import type { Stage } from '../harness/stage.js';
import type { Message } from '../record/message.js';

/** More than two steps of a replay take. */
const letterCount = 450;

type Step = keyof typeof replayStepSql;

/** Letters of keys of their own, in the order in which they are produced. */
function brokenMessages(stage: Stage): Message[] {
  const keys = Array.from({ length: stage.random.between(5, 20) }, (_, index) => `broken-${index}`);
  return Array.from({ length: letterCount }, () =>
    ledgerMessage(stage, { key: stage.random.pick(keys), act: { kind: 'broken' } }),
  );
}

async function letters(stage: Stage, state: string): Promise<number> {
  const rows = await stage.database.query(letterStatesSql);
  return rows.find((row) => row.state === state)?.count ?? 0;
}

/** All of them die, and what they needed is mended. */
async function dead(stage: Stage, ground: Ground): Promise<void> {
  const worker = consume(stage, ground);
  await produce(stage, brokenMessages(stage));
  await stage.drained();
  stage.fault(`${letterCount} events died`, (await letters(stage, 'dead')) === letterCount);
  const complaint = await worker.terminate();
  if (complaint !== null) stage.stuck.push(complaint);
  stage.release();
}

function replayAll(stage: Stage): Promise<ToolResult> {
  const words = ['dead-letters', 'replay', '--all', '--yes', '--json'];
  return runTool(words, { DATABASE_URL: stage.database.url });
}

/** Nothing can pass that step until the function returned is called. */
async function held(stage: Stage, step: Step): Promise<() => Promise<void>> {
  const client = new pg.Client({ connectionString: stage.database.url });
  await client.connect();
  await client.query('BEGIN');
  await client.query(replayStepSql[step]);
  return () => client.end();
}

async function waits(stage: Stage, sessions: number): Promise<boolean> {
  return stage.eventually(`${sessions} replays wait at their step`, async () => {
    const [row] = await stage.database.query(waitingSql);
    return row.count >= sessions;
  });
}

/** All letters are events again, and each is handled. */
async function handledOnce(stage: Stage): Promise<void> {
  await stage.eventually('all that was replayed is handled', async () => {
    const [row] = await stage.database.query(replayedEffectsSql);
    return row.count >= letterCount;
  });
  await stage.drained();
  const replayed = await letters(stage, 'replayed');
  stage.check(`each letter was replayed once (${replayed} of ${letterCount})`, replayed === letterCount);
}

const crashed: FaultCase = {
  number: 61,
  fault: 'A replay breaks off at each of its steps; who handles the replayed events dies',
  looksFor: 'L D R',
  heavy: true,
  run: async (stage) => {
    const ground = await layOut(stage);
    await dead(stage, ground);
    for (const step of stage.random.shuffled(['letters', 'keys', 'events'] as const)) {
      const release = await held(stage, step);
      const before = await letters(stage, 'dead');
      const tool = replayAll(stage);
      const waited = await waits(stage, 1);
      await stage.database.query(cutReplaySql);
      const { code } = await tool;
      await release();
      const left = await letters(stage, 'dead');
      stage.fault(
        `a replay was cut off at its ${step} (exit code ${code})`,
        waited && code === 1 && left > 0,
      );
      stage.check('what a step had not done is as it was', left === before || (before - left) % 200 === 0);
    }
    const { code } = await replayAll(stage);
    stage.check(`the replay after them ends well (${code})`, code === 0);
    const point = stage.random.pick(['handler:between', 'commit:before', 'commit:after'] as const);
    Object.assign(stage.schedule, { point });
    const fault = { point, hit: stage.random.between(1, 20), signal: 'SIGKILL' as const };
    await killsItself(stage, consume(stage, ground, { fault }), fault);
    consume(stage, ground);
    await handledOnce(stage);
  },
};

const twoOperators: FaultCase = {
  number: 62,
  fault: 'Two operators replay the same dead letters at once, while their events are handled',
  looksFor: 'D R',
  heavy: true,
  run: async (stage) => {
    const ground = await layOut(stage);
    await dead(stage, ground);
    const release = await held(stage, 'letters');
    consume(stage, ground);
    consume(stage, ground);
    const tools = [replayAll(stage), replayAll(stage)];
    stage.fault('two replays met at one letter', await waits(stage, 2));
    await release();
    const results = await Promise.all(tools);
    const counts = results.map(({ out }) => (JSON.parse(out) as { replayed: number }).replayed);
    stage.check(`together they replay each once (${counts})`, counts[0]! + counts[1]! === letterCount);
    Object.assign(stage.measured, { 'replayed by each': counts });
    await handledOnce(stage);
  },
};

const rebalanced: FaultCase = {
  number: 63,
  fault: 'Dead letters are replayed during rebalances, beside new events',
  looksFor: 'L D R',
  heavy: true,
  run: async (stage) => {
    const ground = await layOut(stage, { partitions: 4 });
    await dead(stage, ground);
    await produce(stage, ledgerMessages(stage, ground, stage.random.between(200, 400)));
    const moving = rebalanceEvery(stage, {
      everyMs: 1_000,
      steps: stage.random.between(4, 7),
      most: 4,
      start: () => consume(stage, ground, { paceMs: 5 }),
    });
    const began = await stage.eventually('new events are handled', async () => {
      const [row] = await stage.database.query(effectCountSql);
      return row.count > 0;
    });
    const { code } = await replayAll(stage);
    const beside = await Promise.race([moving.then(() => false), Promise.resolve(true)]);
    const moves = await moving;
    stage.check(`the replay ends well (${code})`, code === 0);
    stage.fault('the replay ran while partitions changed hands', began && beside);
    await handledOnce(stage);
    stage.fault(`${moves} rebalances`, moves > 0);
  },
};

export const replayCases: readonly FaultCase[] = [crashed, twoOperators, rebalanced];
