/**
 * Numbered orders of about 200 bytes, and topics filled with them before the clock starts. Order number n costs n
 * cents, so the sum of all is known.
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

/** The orders 1 to `events`, each with an id of its own; sent twice they are duplicates. */
export function orderMessages(events: number) {
  return Array.from({ length: events }, (_, index) => orderMessage(index + 1));
}

export async function produce(
  kafka: KafkaCluster,
  topic: string,
  all: ReturnType<typeof orderMessages>,
): Promise<void> {
  const producer = kafka.client.producer();
  await producer.connect();
  for (let from = 0; from < all.length; from += atOnce) {
    await producer.send({ topic, messages: all.slice(from, from + atOnce), acks: -1 });
  }
  await producer.disconnect();
}

/** The topic that a contestant from topic to topic writes to. */
export function outputOf(topic: string): string {
  return `${topic}-priced`;
}

/** Order number n, with an id of its own. */
export function orderMessage(number: number) {
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
