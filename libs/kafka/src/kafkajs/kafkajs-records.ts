/**
 * Turns records of kafkajs into deliveries, and batches into its requests. Steps 2 and 3 of an event's life. Believes
 * nothing and drops nothing.
 */
import type { Delivery } from '@exactly-once/core';
import type { IHeaders, KafkaMessage, ProducerBatch } from 'kafkajs';
import type { TopicMessages } from '../kafka-client.js';

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

export function toBatch(batch: readonly TopicMessages[]): ProducerBatch {
  const topicMessages = batch.map(({ topic, messages }) => ({ topic, messages: [...messages] }));
  return { acks: -1, topicMessages };
}

/** Kafka's headers may be without a value, whatever kafkajs's types say. */
type HeaderValue = Buffer | string | null | undefined;

/**
 * A header that came several times holds its last value, one without a value an empty one. No prototype: one may be
 * named `__proto__`.
 */
function toHeaders(given: IHeaders | undefined): Record<string, Uint8Array> {
  const headers: Record<string, Uint8Array> = Object.create(null);
  for (const name of Object.keys(given ?? {})) {
    const value = given![name];
    const last: HeaderValue = Array.isArray(value) ? value.at(-1) : value;
    if (last !== undefined) headers[name] = Buffer.isBuffer(last) ? last : Buffer.from(last ?? '');
  }
  return headers;
}
