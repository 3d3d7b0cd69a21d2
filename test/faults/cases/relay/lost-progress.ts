/**
 * Case 50: what a transactional relay has sent last stands at the broker, and is deleted there while a batch is in doubt.
 */
import type { FaultCase } from '../../harness/fault-case.js';
import { consume, killsItself, layOut, ledgerMessages, startPublisher } from '../../harness/ordinary-run.js';
import { allHandled, checkTopic, leaseMs, relay, split } from '../../harness/relays.js';
import { outboxIdSql } from '../../harness/relays.sql.js';
import type { Stage } from '../../harness/stage.js';
import type { FaultPlan } from '../../worker/worker-plan.js';

const source = 'publish';
const relayOptions = { transactional: true, leaseMs };

/** The group of each shard, as the README names it. */
async function forget(stage: Stage, shards: number): Promise<number> {
  const [row] = await stage.database.query(outboxIdSql);
  const groups = Array.from({ length: shards }, (_, shard) => `exactly-once.outbox.${row.id}.${shard}`);
  return (await stage.broker.deleteGroups?.(groups)) ?? 0;
}

export const lostProgressCase: FaultCase = {
  number: 50,
  fault: "The relay's progress record is lost",
  looksFor: 'same ids again; consumer D',
  brokers: ['kafka'],
  heavy: true,
  run: async (stage) => {
    const { random } = stage;
    const ground = await layOut(stage);
    const shards = random.pick([1, 1, 3]);
    await split(stage, shards);
    const sendAtOnce = random.pick([5, 20, 100]);
    const lost = random.chance(0.7);
    const fault: FaultPlan = { point: 'conclude:before', hit: 1, signal: 'SIGKILL' };
    Object.assign(stage.schedule, { sendAtOnce, lost, fault });
    const first = ledgerMessages(stage, ground, random.between(20, 60), { source });
    const publisher = await startPublisher(stage, first);
    consume(stage, ground, { relay: false });
    const victim = relay(stage, { relayOptions, sendAtOnce, fault });
    stage.go(publisher);
    await killsItself(stage, victim, fault);
    await stage.finished(publisher);
    if (lost) {
      const gone = await forget(stage, shards);
      stage.fault(`the progress of ${gone} of ${shards} shards was deleted`, gone > 0);
    }
    relay(stage, { relayOptions, sendAtOnce });
    const second = await startPublisher(stage, ledgerMessages(stage, ground, 20, { source }));
    stage.go(second);
    await stage.finished(second);
    await allHandled(stage);
    const again = await checkTopic(stage);
    Object.assign(stage.measured, { 'records again': again });
    if (lost)
      stage.check(
        `no more than a batch of each shard is sent again, with its ids (${again})`,
        again > 0 && again <= sendAtOnce * shards,
      );
    else stage.check(`with its progress it sends nothing again (${again})`, again === 0);
  },
};
