/**
 * Writes events as Kafka records: the Kafka protocol binding of CloudEvents, attributes in headers, the body as it is.
 * Step 2 of an event's life.
 */
import { type EventEnvelope, writeHeaders } from '@exactly-once/core';
import type { ClientMessage } from './kafka-client.js';

export function toMessage(event: EventEnvelope): ClientMessage {
  return {
    key: event.key === null ? null : Buffer.from(event.key),
    value: event.body === null ? null : Buffer.from(event.body),
    headers: writeHeaders(event),
  };
}
