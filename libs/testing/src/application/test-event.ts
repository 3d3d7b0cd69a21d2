/**
 * An event as a test gives it: an instance of a class with `@EventType`, turned into the message that a broker would
 * hand over.
 */
import {
  type EventCodec,
  type EventEnvelope,
  type EventTypeDescriptor,
  jsonCodec,
  newEventId,
  writeHeaders,
} from '@exactly-once/core';
import type { InMemoryMessage } from '../in-memory-broker.js';
import { type NestPeers } from './peers.js';

export interface DeliveryOptions {
  /** CloudEvents `id`. Default: a new one. */
  readonly id?: string;
  /** CloudEvents `source`. Default `test`. */
  readonly source?: string;
  /** Instead of the type's own. */
  readonly key?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface TestEvent {
  readonly id: string;
  readonly type: string;
  readonly topic: string;
  readonly message: InMemoryMessage;
}

/** An event that was published. */
export interface PublishedEvent {
  readonly id: string;
  readonly type: string;
  readonly topic: string;
  readonly key: string | null;
  readonly headers: Readonly<Record<string, string>>;
  /** Its body, decoded. */
  readonly data: unknown;
}

/** Throws EO_EVENT_TYPE_MISSING for an object of a class that is not decorated. */
export async function testEvent(
  event: object,
  options: DeliveryOptions,
  { codec = jsonCodec, nowMs, typeOf }: EventParts,
): Promise<TestEvent> {
  const { type, topic, version, key: keyOf } = typeOf(event);
  const { id = newEventId(), source = 'test', headers = {} } = options;
  const key = options.key === undefined ? (keyOf?.(event) ?? null) : options.key;
  const envelope: EventEnvelope = {
    ...{ id, source, type, version, topic, key, headers, timeMs: nowMs, traceparent: null, tracestate: null },
    contentType: codec.contentType,
    body: await codec.encode(event, type),
  };
  return { id, type, topic, message: messageOf(envelope) };
}

export interface EventParts {
  readonly codec?: EventCodec | undefined;
  readonly nowMs: number;
  readonly typeOf: (event: object) => EventTypeDescriptor;
}

export function typeReader({ exactlyOnce }: NestPeers): EventParts['typeOf'] {
  return (event) => exactlyOnce.eventTypeOf(event.constructor as never);
}

export function messageOf(event: EventEnvelope): InMemoryMessage {
  return { key: event.key, headers: writeHeaders(event), body: event.body };
}

export function publishedEvent(event: EventEnvelope, codec: EventCodec = jsonCodec): PublishedEvent {
  const { id, type, topic, key, headers, body, contentType } = event;
  const data = body === null ? null : codec.decode(body, contentType, type);
  return { id, type, topic, key, headers: { ...headers }, data };
}
