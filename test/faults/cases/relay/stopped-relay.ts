/**
 * Case 27: a relay is stopped past its lease with a batch on its way, another takes its shards, and the first wakes up.
 */
import { until } from '../../../services/ports.js';
import type { FaultCase } from '../../harness/fault-case.js';
import { outboxDepthSql } from '../../harness/observe.sql.js';
import { consume, hasFired, layOut, ledgerMessages, startPublisher } from '../../harness/ordinary-run.js';
import { checkTopic, leaseRefused, relay, split, taken, takeOvers } from '../../harness/relays.js';
import type { Stage } from '../../harness/stage.js';
import type { WorkerProcess } from '../../harness/worker-process.js';
import type { FaultPlan } from '../../worker/worker-plan.js';

const source = 'publish';

/** Its next statement names its lease: there is nothing to wait for. */
async function refused(stage: Stage, zombie: WorkerProcess): Promise<void> {
  const found = await until('soon', async () => leaseRefused(stage, zombie), 10_000).then(
    () => true,
    () => false,
  );
  stage.check('the zombie is refused: EO_LEASE_LOST', found);
}

async function outboxIsEmpty(stage: Stage): Promise<boolean> {
  return (await stage.database.query(outboxDepthSql))[0].count === 0;
}

export const stoppedRelayCase: FaultCase = {
  number: 27,
  fault: 'Two relays; the old one stopped past its lease, then resumed',
  looksFor: 'R; fenced; only what was on its way comes again',
  run: async (stage) => {
    const { random } = stage;
    const ground = await layOut(stage);
    await split(stage, random.pick([1, 1, 3]));
    const sendAtOnce = random.pick([1, 5, 10]);
    const point = random.pick(['send:before', 'send:after', 'settle:before'] as const);
    const fault: FaultPlan = { point, hit: random.between(1, 3), signal: 'SIGSTOP' };
    const resume = random.pick(['at once', 'when all is published'] as const);
    Object.assign(stage.schedule, { fault, sendAtOnce, resume });
    consume(stage, ground, { relay: false });
    const first = await startPublisher(
      stage,
      ledgerMessages(stage, ground, random.between(60, 100), { source }),
    );
    const zombie = relay(stage, { fault, sendAtOnce });
    stage.go(first);
    const stopped = await stage.eventually('the relay stops itself', async () => hasFired(stage, zombie));
    stage.fault(`SIGSTOP of ${zombie.name} at ${point}, hit ${fault.hit}`, stopped);
    const stoppedAtMs = Date.now();
    const peer = relay(stage, { sendAtOnce });
    const all = async () => [...taken(stage, zombie)].every((shard) => taken(stage, peer).has(shard));
    stage.fault('the peer took over', await stage.eventually('the peer takes over', all));
    Object.assign(stage.measured, { 'taken over after ms': Date.now() - stoppedAtMs });
    if (resume !== 'at once') {
      await stage.finished(first);
      await stage.eventually('the peer publishes all', () => outboxIsEmpty(stage));
    }
    zombie.resume();
    await refused(stage, zombie);
    const second = await startPublisher(stage, ledgerMessages(stage, ground, 20, { source }));
    stage.go(second);
    await stage.finished(second);
    await stage.drained();
    const [again, moves] = [await checkTopic(stage), takeOvers(stage)];
    Object.assign(stage.measured, { 'records again': again, 'take-overs': moves });
    // one batch is on its way, and one may be about to be settled
    const most = moves * 2 * sendAtOnce;
    stage.check(
      `no more than two batches for each take-over come again (${again} of ${most})`,
      again <= most,
    );
  },
};
