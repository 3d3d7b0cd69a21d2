/**
 * From Kafka to Kafka without transactions: kafkajs; so many records at a time are sent, then their offset is
 * committed. At least once. The setting is how many.
 */
import { outputOf } from '../harness/produce-events.js';
import { BenchKafka } from './bench-kafka.js';
import { readOrder, request } from './order-payload.js';

const { brokers, topic, group, setting } = request();
const atOnce = Number(setting);
const output = outputOf(topic);
const kafka = new BenchKafka(brokers);
const producer = kafka.producer();
const consumer = kafka.consumer({ groupId: group });
process.once('SIGTERM', async () => {
  await consumer.disconnect();
  await producer.disconnect();
});
await producer.connect();
await consumer.connect();
await consumer.subscribe({ topic, fromBeginning: true });
await consumer.run({
  autoCommit: false,
  partitionsConsumedConcurrently: 4,
  eachBatch: async ({ batch, resolveOffset, commitOffsetsIfNecessary, heartbeat }) => {
    const { partition, messages: records } = batch;
    for (let from = 0; from < records.length; from += atOnce) {
      const part = records.slice(from, from + atOnce);
      const orders = await Promise.all(part.map(({ value }) => readOrder(value)));
      const messages = orders.map(({ orderId, cents }, index) => ({
        key: orderId,
        value: JSON.stringify({ orderId, cents }),
        headers: part[index]!.headers!,
      }));
      await producer.send({ topic: output, messages, acks: -1 });
      const last = part.at(-1)!.offset;
      resolveOffset(last);
      const offset = String(BigInt(last) + 1n);
      await commitOffsetsIfNecessary({ topics: [{ topic, partitions: [{ partition, offset }] }] });
      await heartbeat();
    }
  },
});
