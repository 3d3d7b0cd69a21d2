/**
 * Turns records of kafkajs into deliveries. Step 3 of an event's life. Believes nothing and drops nothing.
 */
import type { Delivery } from '@exactly-once/core';
import type { IHeaders, KafkaMessage } from 'kafkajs';

export function toDelivery(topic: string, partition: number, message: KafkaMessage): Delivery {
  return {
    topic,
    partition,
    offset: BigInt(message.offset),
    key: message.key,
    headers: toHeaders(message.headers),
    body: message.value,
    timestampMs: Number(message.timestamp),
  };
}

/** A header that came several times holds its last value. No prototype: one may be named `__proto__`. */
function toHeaders(given: IHeaders | undefined): Record<string, Uint8Array> {
  const headers: Record<string, Uint8Array> = Object.create(null);
  for (const name of Object.keys(given ?? {})) {
    const value = given![name];
    const last = Array.isArray(value) ? value.at(-1) : value;
    if (last !== undefined) headers[name] = typeof last === 'string' ? Buffer.from(last) : last;
  }
  return headers;
}

/** Bytes that a delivery holds, for bounds. */
export function deliveryBytes(delivery: Delivery): number {
  let bytes = (delivery.body?.length ?? 0) + (delivery.key?.length ?? 0);
  for (const name of Object.keys(delivery.headers)) bytes += name.length + delivery.headers[name]!.length;
  return bytes;
}
