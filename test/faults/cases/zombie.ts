/**
 * Case 17: a consumer is stopped past its session time-out, a peer takes over, and the stopped one wakes up.
 */
import { until } from '../../services/ports.js';
import type { FaultCase } from '../harness/fault-case.js';
import {
  consume,
  hasFired,
  layOutInAnyForm,
  ledgerMessages,
  owners,
  produce,
} from '../harness/ordinary-run.js';
import type { Stage } from '../harness/stage.js';
import type { WorkerProcess } from '../harness/worker-process.js';
import type { FaultPlan } from '../worker/worker-plan.js';

/** The peer owns every partition that the zombie had. */
async function takenOver(stage: Stage, before: readonly string[]): Promise<boolean> {
  return stage.eventually('the peer takes over', async () => {
    const now = await owners(stage);
    return now.length >= before.length && now.every((owner) => !before.includes(owner));
  });
}

/** Its next statement is the fence's: there is nothing to wait for. */
async function soon(condition: () => Promise<boolean>): Promise<boolean> {
  return until('soon', condition, 5_000).then(
    () => true,
    () => false,
  );
}

async function refused(stage: Stage, zombie: WorkerProcess, fault: FaultPlan): Promise<void> {
  if (fault.point !== 'begin:before') return;
  const seen = () => stage.evidence().some((line) => line.kind === 'fenced' && line.worker === zombie.name);
  const found = await soon(async () => seen());
  stage.check('the zombie is refused by the fence', found);
}

export const zombieCase: FaultCase = {
  number: 17,
  fault: 'SIGSTOP past the session time-out, a peer takes over, SIGCONT',
  looksFor: 'D R; the zombie is refused',
  run: async (stage) => {
    const { random } = stage;
    const ground = await layOutInAnyForm(stage);
    const fault: FaultPlan = {
      point: random.pick([
        'begin:before',
        'begin:before',
        'handler:between',
        'commit:before',
        'commit:after',
      ]),
      hit: random.between(1, 3),
      signal: 'SIGSTOP',
    };
    Object.assign(stage.schedule, { fault });
    await produce(stage, ledgerMessages(stage, ground, random.between(100, 200)));
    const pace = { maxEvents: Math.min(ground.maxEvents, 10), paceMs: 5 };
    const zombie = consume(stage, ground, { ...pace, fault });
    const stopped = await stage.eventually('the consumer stops itself', async () => hasFired(stage, zombie));
    stage.fault(`SIGSTOP of ${zombie.name} at ${fault.point}, hit ${fault.hit}`, stopped);
    const stoppedAtMs = Date.now();
    const before = await owners(stage);
    consume(stage, ground, pace);
    stage.fault('the peer took over', await takenOver(stage, before));
    Object.assign(stage.measured, { 'taken over after ms': Date.now() - stoppedAtMs });
    zombie.resume();
    await refused(stage, zombie, fault);
    await produce(stage, ledgerMessages(stage, ground, 20));
    await stage.drained();
  },
};
