/**
 * A contestant from Kafka to Kafka with a mistake, to show that the bench notices: the setting says which. Never part
 * of a benchmark.
 */
import { BenchKafka } from '../contestants/bench-kafka.js';
import { readOrder, request } from '../contestants/order-payload.js';
import { outputOf } from '../harness/produce-events.js';

const { brokers, topic, group, setting } = request();
const kafka = new BenchKafka(brokers, { quiet: true });
const producer = kafka.producer({ transactionalId: group, idempotent: true, maxInFlightRequests: 1 });
const consumer = kafka.consumer({ groupId: group });
process.once('SIGTERM', async () => {
  await consumer.disconnect();
  await producer.disconnect();
});
await producer.connect();
await consumer.connect();
await consumer.subscribe({ topic, fromBeginning: true });
await consumer.run({
  eachBatch: async ({ batch }) => {
    const transaction = await producer.transaction();
    const orders = await Promise.all(batch.messages.map(({ value }) => readOrder(value)));
    const due = orders.flatMap((order) => Array(copies(order.cents)).fill(order));
    const messages = due.map(({ orderId, cents }) => ({ value: JSON.stringify({ orderId, cents }) }));
    await transaction.send({ topic: outputOf(topic), messages });
    await transaction.commit();
    if (setting !== 'abort') return;
    const aborted = await producer.transaction();
    await aborted.send({ topic: outputOf(topic), messages });
    await aborted.abort();
  },
});

function copies(cents: number): number {
  return cents === 7 ? ({ lose: 0, double: 2 }[setting] ?? 1) : 1;
}
