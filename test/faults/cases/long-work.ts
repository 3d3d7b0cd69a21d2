/**
 * Cases 18 and 37: handlers that take longer than a session, and a large batch that fails at its very end.
 */
import { callsOf } from '../harness/calls.js';
import type { FaultCase } from '../harness/fault-case.js';
import {
  consume,
  type Ground,
  layOut,
  ledgerMessage,
  ledgerMessages,
  owners,
  produce,
} from '../harness/ordinary-run.js';
import { inputType, type Stage } from '../harness/stage.js';

const longHandler: FaultCase = {
  number: 18,
  fault: 'Handler longer than the session time-out',
  looksFor: 'D V; no rebalance storm',
  heavy: true,
  run: async (stage) => {
    const { random } = stage;
    const ground = await layOut(stage, { partitions: 2 });
    const ms = Math.round(stage.broker.sessionTimeoutMs * random.pick([1.5, 2.5]));
    Object.assign(stage.schedule, { ms });
    const messages = () =>
      [0, 1].flatMap((partition) => ledgerMessages(stage, ground, 15, { partition, key: `of-${partition}` }));
    await produce(stage, messages());
    consume(stage, ground);
    consume(stage, ground);
    const settled = await stage.eventually(
      'each consumer has a partition',
      async () => new Set(await owners(stage)).size === 2,
    );
    await stage.drained();
    const before = await owners(stage);
    const slow = [0, 1].map((partition) =>
      ledgerMessage(stage, { partition, key: `of-${partition}`, act: { kind: 'slow', ms } }),
    );
    await produce(stage, [...slow, ...messages()]);
    await stage.drained();
    const calls = callsOf(stage, 'slow');
    const rows = slow.map(({ attempt }) => calls.get(attempt.message) ?? 0);
    stage.fault(`two handlers took ${ms} ms`, settled && rows.every((count) => count > 0));
    stage.check(
      `each was called once (${rows})`,
      rows.every((count) => count === 1),
    );
    const after = await owners(stage);
    stage.check(`no partition changed hands (${before} to ${after})`, String(before) === String(after));
  },
};

/** Groups double from 64 as long as they are full: after so many events one takes as many as the batch has. */
const batches = [
  { warmUp: 2_000, size: 1_500 },
  { warmUp: 4_100, size: 3_500 },
  { warmUp: 16_400, size: 9_999 },
];

/** A batch is what waits while the first event of a round holds the partition up; a slow machine needs another round. */
const mostRounds = 5;

async function failingRound(stage: Stage, ground: Ground, size: number, once: boolean) {
  const key = stage.random.pick(ground.keys);
  const gate = ledgerMessage(stage, { key, act: { kind: 'slow', ms: 4_000 + size / 2 } });
  const neighbours = ledgerMessages(stage, ground, size - 1, { act: { kind: 'call' } });
  const act = { kind: 'fail' as const, once };
  const last = ledgerMessage(stage, { key, act, fate: once ? 'effect' : 'dead-letter' });
  await produce(stage, [gate]);
  await produce(stage, [...neighbours, last], 1_000);
  await stage.drained();
  const calls = callsOf(stage, 'call ledger/Ledger.record');
  const times = neighbours.map(({ attempt }) => calls.get(attempt.message) ?? 0);
  return {
    again: times.filter((count) => count > 1).length,
    most: Math.max(...times),
    tries: callsOf(stage, 'fail').get(last.attempt.message) ?? 0,
  };
}

const largeBatch: FaultCase = {
  number: 37,
  fault: 'A batch of 10,000 of which one fails at the end',
  looksFor: 'only that one is retried',
  heavy: true,
  run: async (stage) => {
    const { random } = stage;
    const handlers = [{ name: 'ledger/Ledger.record', type: inputType, commit: 'batch' as const }];
    const ground = await layOut(stage, { partitions: 1, handlers });
    const { warmUp, size } = batches[stage.options.seed % 10 === 5 ? 2 : stage.options.seed % 2]!;
    const once = random.chance(0.3);
    Object.assign(stage.schedule, { commit: 'batch', maxEvents: 10_000, warmUp, size, once });
    await produce(stage, ledgerMessages(stage, ground, warmUp), 1_000);
    consume(stage, ground, { maxEvents: 10_000, maxOpenMs: 120_000 });
    await stage.drained();
    const rounds = [];
    while (rounds.length < mostRounds && (rounds.at(-1)?.again ?? 0) < size / 2) {
      rounds.push(await failingRound(stage, ground, size, once));
    }
    const neighbours = rounds.map(({ again }) => again);
    Object.assign(stage.measured, { 'neighbours in its batch': neighbours });
    stage.fault(`the last of ${neighbours.at(-1)! + 1} in a batch fails`, neighbours.at(-1)! >= size / 2);
    const most = Math.max(...rounds.map((one) => one.most));
    stage.check(`neighbours are called once more at most (${most} times)`, most <= 2);
    for (const { tries } of rounds) {
      const byPolicy = once ? tries === 1 : tries >= 3 && tries <= 4;
      stage.check(`the one that fails is tried by its policy (${tries} times)`, byPolicy);
    }
  },
};

export const longWorkCases: readonly FaultCase[] = [longHandler, largeBatch];
