/**
 * Cases 1 to 5: a consumer dies by SIGKILL at one point of an event's life, is started again, and dies again.
 */
import type { FaultCase } from '../harness/fault-case.js';
import { effectCountSql } from '../harness/observe.sql.js';
import {
  consume,
  killsItself,
  layOutInAnyForm,
  ledgerMessages,
  produce,
  startProducer,
} from '../harness/ordinary-run.js';
import { inputType, type Stage } from '../harness/stage.js';
import type { FaultPlan, Point } from '../worker/worker-plan.js';

interface Crash {
  readonly number: number;
  readonly fault: string;
  readonly looksFor: string;
  readonly points: readonly Point[];
  /** Largest hit: points that every event reaches are reached more often. */
  readonly mostHits: number;
}

const crashes: readonly Crash[] = [
  {
    number: 1,
    fault: 'SIGKILL after poll, before BEGIN',
    looksFor: 'L D',
    points: ['process:before', 'begin:before'],
    mostHits: 1,
  },
  { number: 2, fault: 'SIGKILL after the inbox insert', looksFor: 'T', points: ['admit:after'], mostHits: 2 },
  {
    number: 3,
    fault: 'SIGKILL between two writes of the handler',
    looksFor: 'T',
    points: ['handler:between'],
    mostHits: 15,
  },
  {
    number: 4,
    fault: 'SIGKILL after the handler, before COMMIT',
    looksFor: 'T L',
    points: ['handler:end', 'seal:before', 'seal:after', 'commit:before'],
    mostHits: 2,
  },
  {
    number: 5,
    fault: 'SIGKILL after COMMIT, before the offset commit',
    looksFor: 'D',
    points: ['commit:after', 'done:before'],
    mostHits: 2,
  },
];

/** No record is acknowledged whose effect is not there: each event of these cases stands on the topic once. */
async function acknowledgedAfterCommit(stage: Stage): Promise<void> {
  const committed = await stage.broker.committed(stage.group, stage.topics[inputType]!);
  const acknowledged = [...committed.values()].reduce((sum, next) => sum + Math.max(0, Number(next)), 0);
  const [row] = await stage.database.query(effectCountSql);
  stage.check(`${acknowledged} acknowledged, ${row.count} handled`, acknowledged <= row.count);
}

async function crash(stage: Stage, { number, points, mostHits }: Crash): Promise<void> {
  const { random } = stage;
  const ground = await layOutInAnyForm(stage);
  // In case 4 a premature acknowledgement has time to reach the broker, behind a fetch that waits there.
  const paceMs = number === 4 ? 150 : random.pick([0, 0, 10]);
  await produce(stage, ledgerMessages(stage, ground, random.between(60, 160)));
  const rounds = random.chance(0.3) ? 2 : 1;
  for (let round = 0; round < rounds; round++) {
    const fault: FaultPlan = {
      point: random.pick(points),
      hit: random.between(1, mostHits),
      signal: 'SIGKILL',
    };
    Object.assign(stage.schedule, { paceMs, [`round ${round + 1}`]: fault });
    await startProducer(stage, ledgerMessages(stage, ground, 20));
    await killsItself(stage, consume(stage, ground, { fault, paceMs }), fault);
    await acknowledgedAfterCommit(stage);
  }
  const successors = random.between(1, 2);
  for (let number = 0; number < successors; number++) consume(stage, ground);
  await stage.drained();
}

export const crashCases: readonly FaultCase[] = crashes.map((one) => ({
  number: one.number,
  fault: one.fault,
  looksFor: one.looksFor,
  run: (stage) => crash(stage, one),
}));
