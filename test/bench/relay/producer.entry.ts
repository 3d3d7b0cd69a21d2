/**
 * The bare producer: kafkajs, idempotent, `acks=all`; the orders and their headers stand in memory, and are sent 1,000
 * at a time.
 */
import { BenchKafka } from '../contestants/bench-kafka.js';
import { request } from '../contestants/order-payload.js';
import { customerOrder } from './customer-order.js';

const { brokers, topic, events } = request();
const atOnce = 1_000;

const messages = Array.from({ length: events }, (_, at) => {
  const { id, key, value } = customerOrder(at + 1);
  const headers = {
    ce_specversion: '1.0',
    ce_id: id,
    ce_source: 'bench',
    ce_type: 'order.placed',
    ce_dataversion: '1',
    ce_time: new Date().toISOString(),
    'content-type': 'application/json',
  };
  return { key, value: Buffer.from(value), headers };
});
const producer = new BenchKafka(brokers).producer({ idempotent: true, maxInFlightRequests: 1 });
process.once('SIGTERM', () => producer.disconnect());
await producer.connect();
process.send?.(Date.now());
for (let from = 0; from < messages.length; from += atOnce) {
  await producer.send({ topic, acks: -1, messages: messages.slice(from, from + atOnce) });
}
process.send?.(Date.now());
