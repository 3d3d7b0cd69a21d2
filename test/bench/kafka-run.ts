/**
 * One run from topic to topic. Measured from the first fetched records to the committed offset behind the last, asked
 * for every 50 ms. The output is then read at `read_committed` by Kafka's own console consumer.
 */
import type { DumpedRecord } from '../services/kafka.js';
import type { Contestant, Measured, Stage } from './harness/benchmark.js';
import { onGround, partitions, passed } from './harness/ground.js';
import { auditLedger } from './harness/ledger.js';
import { type BenchOrder, orderMessages, outputOf, produce } from './harness/produce-events.js';

export function kafkaRun(contestant: Contestant, stage: Stage): Promise<Measured> {
  const { events, kafka } = stage;
  return onGround(contestant, stage, async (ground) => {
    const output = outputOf(ground.topic);
    await kafka.createNamedTopic(output, partitions);
    await produce(kafka, ground.topic, orderMessages(events));
    const tookMs = await ground.running(async (process) => {
      await ground.counted(process, events, () => passed(ground));
      return Date.now() - process.startedAtMs;
    });
    const records = await kafka.dump(output, { isolation: 'read_committed' });
    return { rate: (events * 1_000) / Math.max(tookMs, 1), findings: auditOutput(records, events) };
  });
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
