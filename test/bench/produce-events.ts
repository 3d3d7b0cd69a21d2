/**
 * Fills a topic with numbered orders of about 200 bytes, before the clock starts. Order number n costs n cents, so
 * the sum of all is known.
 */
import { v7 } from 'uuid';
import type { KafkaCluster } from '../services/kafka.js';

const atOnce = 1_000;
const filler = 'x'.repeat(110);

export interface BenchOrder {
  readonly orderId: string;
  readonly cents: number;
  readonly note: string;
}

export async function produceEvents(kafka: KafkaCluster, topic: string, events: number): Promise<void> {
  const producer = kafka.client.producer();
  await producer.connect();
  for (let from = 0; from < events; from += atOnce) {
    const messages = Array.from({ length: Math.min(atOnce, events - from) }, (_, index) =>
      message(from + index + 1),
    );
    await producer.send({ topic, messages, acks: -1 });
  }
  await producer.disconnect();
}

function message(number: number) {
  const id = v7();
  const order: BenchOrder = { orderId: `order-${number}`, cents: number, note: filler };
  return {
    key: order.orderId,
    value: JSON.stringify(order),
    headers: {
      ce_specversion: '1.0',
      ce_id: id,
      ce_source: 'bench',
      ce_type: 'order.placed',
      'content-type': 'application/json',
    },
  };
}
