/**
 * Numbered orders of about 200 bytes, and topics filled with them before the clock starts. Order number n costs n
 * cents, so the sum of all is known.
 */
import { v7 } from 'uuid';
import type { KafkaCluster } from '../../services/kafka.js';

const atOnce = 1_000;
const filler = 'x'.repeat(110);

export interface BenchOrder {
  readonly orderId: string;
  readonly cents: number;
  readonly note: string;
}

export type OrderMessage = ReturnType<typeof orderMessage>;

/** The orders 1 to `events`, each with an id of its own; sent twice they are duplicates. */
export function orderMessages(events: number) {
  return Array.from({ length: events }, (_, index) => orderMessage(index + 1));
}

/** The orders `first` to `last`, made when they are asked for: more than memory would hold. */
export function* ordersUpTo(first: number, last: number): Generator<OrderMessage> {
  for (let number = first; number <= last; number++) yield orderMessage(number);
}

/** Ends early where the signal aborts. */
export async function produce(
  kafka: KafkaCluster,
  topic: string,
  all: Iterable<OrderMessage>,
  signal?: AbortSignal,
): Promise<void> {
  const producer = kafka.client.producer();
  await producer.connect();
  let messages: OrderMessage[] = [];
  const send = async () => {
    if (messages.length > 0 && !signal?.aborted) await producer.send({ topic, messages, acks: -1 });
    messages = [];
  };
  try {
    for (const one of all) {
      if (signal?.aborted) break;
      if (messages.push(one) === atOnce) await send();
    }
    await send();
  } finally {
    await producer.disconnect();
  }
}

/** The topic that a contestant from topic to topic writes to. */
export function outputOf(topic: string): string {
  return `${topic}-priced`;
}

/** Order number n, with an id of its own: a UUIDv7 where nothing else is given. */
export function orderMessage(number: number, id = v7()) {
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
