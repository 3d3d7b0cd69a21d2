/**
 * One run from topic to topic. Measured from the first fetched records to the committed offset behind the last, asked
 * for every 50 ms on a connection that stays. The output is then read at `read_committed` by Kafka's own console consumer.
 */
import type { Admin } from 'kafkajs';
import type { DumpedRecord } from '../services/kafka.js';
import type { Contestant, Measured, Stage } from './harness/benchmark.js';
import { type Ground, onGround, partitions } from './harness/ground.js';
import { auditLedger } from './harness/ledger.js';
import { type BenchOrder, orderMessages, outputOf, produce } from './harness/produce-events.js';

const everyMs = 50;

export function kafkaRun(contestant: Contestant, stage: Stage): Promise<Measured> {
  const { events, kafka } = stage;
  return onGround(contestant, stage, async (ground) => {
    const output = outputOf(ground.topic);
    await kafka.createNamedTopic(output, partitions);
    await produce(kafka, ground.topic, orderMessages(events));
    const tookMs = await kafka.admin((admin) =>
      ground.running(async (process) => {
        await ground.counted(process, events, () => committedOf(admin, ground), { everyMs });
        return Date.now() - process.startedAtMs;
      }),
    );
    const records = await kafka.dump(output, { isolation: 'read_committed' });
    return { rate: (events * 1_000) / Math.max(tookMs, 1), findings: auditOutput(records, events) };
  });
}

/** Records behind the group's position. Its coordinator may not be found yet. */
async function committedOf(admin: Admin, { group, topic }: Ground): Promise<number> {
  const answer = await admin.fetchOffsets({ groupId: group, topics: [topic] }).catch(() => []);
  const partitions = answer[0]?.partitions ?? [];
  return partitions.reduce((sum, { offset }) => sum + Math.max(Number(offset), 0), 0);
}

function auditOutput(records: readonly DumpedRecord[], events: number): string[] {
  const orders = records.map(({ value }) => JSON.parse(value!) as BenchOrder);
  return auditLedger(
    {
      effects: orders.length,
      orders: new Set(orders.map(({ orderId }) => orderId)).size,
      cents: orders.reduce((sum, { cents }) => sum + cents, 0),
      inboxRecords: orders.length, // there is no inbox: nothing to compare
      deadLetters: 0,
      lastEffectAtMs: Number.NaN,
    },
    events,
  );
}
