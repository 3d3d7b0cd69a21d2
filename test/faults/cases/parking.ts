/**
 * Cases 32, 33 and 68: events that fail and wait in the database, while processes die at each step of it, and while others
 * of their partitions go on.
 */
import type { FaultCase } from '../harness/fault-case.js';
import { effectsSql, parkedCountSql } from '../harness/observe.sql.js';
import {
  consume,
  type Ground,
  killsItself,
  layOutInAnyForm,
  ledgerMessage,
  ledgerMessages,
  produce,
} from '../harness/ordinary-run.js';
import type { Stage } from '../harness/stage.js';
import type { Message } from '../record/message.js';
import type { FaultPlan, Point } from '../worker/worker-plan.js';

/** By what an event has come that is parked, retried, put off, dead-lettered, and gone. */
const steps: readonly Point[] = [
  'park:before',
  'park:after',
  'take:after',
  'mark:after',
  'postpone:before',
  'postpone:after',
  'bury:before',
  'bury:after',
  'leave:before',
  'leave:after',
  'release:before',
  'release:after',
];

/** Milliseconds for which an event asks to be left alone: long enough for its neighbours, whatever the machine does. */
const restMs = 5_000;

/** Of each key some events fail once or twice and some always; behind each stand others. */
function failingMessages(stage: Stage, ground: Ground, count: number): Message[] {
  const { random } = stage;
  return Array.from({ length: count }, () => {
    const key = random.pick(ground.keys);
    if (random.chance(0.7)) return ledgerMessage(stage, { key });
    const times = random.pick([1, 2, null]);
    if (times === null) return ledgerMessage(stage, { key, act: { kind: 'fail' }, fate: 'dead-letter' });
    return ledgerMessage(stage, { key, act: { kind: 'fail', times } });
  });
}

async function countOf(stage: Stage): Promise<number> {
  const [row] = await stage.database.query(parkedCountSql);
  return row.count;
}

const crashCase: FaultCase = {
  number: 32,
  fault: 'SIGKILL at a step between failing, parking, retrying, dead-lettering and acknowledging',
  looksFor: 'L D R X',
  run: async (stage) => {
    const { random } = stage;
    const ground = await layOutInAnyForm(stage);
    const certain = ground.keys.flatMap((key) => [
      ledgerMessage(stage, { key, act: { kind: 'fail', times: 2 } }),
      ledgerMessage(stage, { key, act: { kind: 'fail' }, fate: 'dead-letter' }),
      ledgerMessage(stage, { key }),
    ]);
    await produce(stage, [...certain, ...failingMessages(stage, ground, random.between(40, 100))]);
    const fault: FaultPlan = { point: random.pick(steps), hit: random.between(1, 3), signal: 'SIGKILL' };
    Object.assign(stage.schedule, { fault });
    await killsItself(stage, consume(stage, ground, { fault }), fault);
    for (let left = random.between(1, 2); left > 0; left--) consume(stage, ground);
    await produce(stage, failingMessages(stage, ground, 20));
    await stage.drained();
    stage.check('nothing is parked any more', (await countOf(stage)) === 0);
  },
};

/** Effects of the neighbours that were there before the first of the waiting key. */
async function wentOn(stage: Stage, neighbours: readonly Message[]): Promise<number> {
  const effects = await stage.database.query(effectsSql('effect_one'));
  const before = effects.slice(
    0,
    effects.findIndex(({ key }) => key === 'waiting'),
  );
  const wanted = new Set(neighbours.map(({ attempt }) => attempt.message));
  return before.filter(({ message }) => wanted.has(message)).length;
}

const waitingCase: FaultCase = {
  number: 33,
  fault: 'Retry with backoff inside an ordered key',
  looksFor: 'R: that key waits, others go on',
  heavy: true,
  run: async (stage) => {
    const { random } = stage;
    const ground = await layOutInAnyForm(stage);
    consume(stage, ground);
    const waiting = ledgerMessage(stage, {
      key: 'waiting',
      act: { kind: 'fail', times: random.between(1, 2), afterMs: restMs },
    });
    const behind = Array.from({ length: random.between(1, 5) }, () =>
      ledgerMessage(stage, { key: 'waiting' }),
    );
    const neighbours = ledgerMessages(stage, ground, random.between(30, 60));
    const half = random.between(0, neighbours.length - 20);
    await produce(stage, [...neighbours.slice(0, half), waiting, ...neighbours.slice(half), ...behind]);
    const wanted = behind.length + 1;
    const parked = await stage.eventually(
      `${wanted} are parked`,
      async () => (await countOf(stage)) >= wanted,
    );
    stage.fault(`an event failed and ${behind.length} of its key waited behind it`, parked);
    await produce(stage, failingMessages(stage, ground, 40));
    await stage.drained();
    const meanwhile = await wentOn(stage, neighbours);
    Object.assign(stage.measured, { meanwhile: `${meanwhile} of ${neighbours.length}` });
    stage.check(`others go on (${meanwhile} of ${neighbours.length})`, meanwhile > neighbours.length / 2);
    stage.check('nothing is parked any more', (await countOf(stage)) === 0);
  },
};

const failingKeyCase: FaultCase = {
  number: 68,
  fault: '10,000 failing events of one key',
  looksFor: 'L R X: others go on, and its own are given up in order',
  heavy: true,
  run: async (stage) => {
    const { random } = stage;
    const ground = await layOutInAnyForm(stage);
    const always = { key: 'failing', act: { kind: 'fail' }, fate: 'dead-letter' } as const;
    const failing = Array.from({ length: 10_000 }, () => ledgerMessage(stage, always));
    const neighbours = ledgerMessages(stage, ground, 500);
    const mixed = failing.flatMap((one, index) => {
      const neighbour = index % 20 === 0 ? neighbours[index / 20] : undefined;
      return neighbour === undefined ? [one] : [one, neighbour];
    });
    consume(stage, ground);
    if (random.chance(0.5)) consume(stage, ground);
    await produce(stage, mixed, 100);
    let most = 0;
    const handled = await stage.eventually('the others are handled', async () => {
      most = Math.max(most, await countOf(stage));
      return (await stage.database.query(effectsSql('effect_one'))).length >= neighbours.length;
    });
    const waiting = await countOf(stage);
    Object.assign(stage.measured, { parked: Math.max(most, waiting) });
    stage.fault(`${Math.max(most, waiting)} failing events of one key waited`, Math.max(most, waiting) > 100);
    stage.check(`the others do not wait for them (${waiting} still do)`, handled && waiting > 0);
    while ((await countOf(stage)) > 0) {
      const left = await countOf(stage);
      if (!(await stage.eventually(`fewer than ${left} wait`, async () => (await countOf(stage)) < left)))
        return;
    }
    await stage.drained();
  },
};

export const parkingCases: readonly FaultCase[] = [crashCase, waitingCase, failingKeyCase];
