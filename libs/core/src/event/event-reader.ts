/**
 * Makes an event of a delivery: CloudEvents headers, else the topic's mapping. Step 3 of an event's life.
 *
 * Never looks into a body: what a body says is the handler's business, and a bad one fails only its handler.
 */
import type { Delivery } from '../broker/delivery.js';
import { ExactlyOnceError } from '../errors/exactly-once-error.js';
import { header, isCloudEvent, readHeaders, readKey, readUserHeaders } from './cloud-event-headers.js';
import type { EventEnvelope } from './event-envelope.js';
import { assertValidId } from './event-id.js';

/** How messages of a topic that are no CloudEvents become events. */
export interface TopicMapping {
  /** Type of every message, or a function of the message. */
  readonly type: string | ((delivery: Delivery) => string);
  /** The message's id. Left out: topic, partition and offset stand in, and a producer's retry is a new event. */
  readonly id?: (delivery: Delivery) => string | null;
  /** CloudEvents source. Default: the topic's name. */
  readonly source?: string;
}

export type TopicMappings = Readonly<Record<string, TopicMapping>>;

/** Throws EO_ENVELOPE_INVALID or EO_ID_INVALID: the delivery is then dead-lettered. */
export function readEvent(delivery: Delivery, mappings: TopicMappings): EventEnvelope {
  if (isCloudEvent(delivery)) return readHeaders(delivery);
  const mapping = Object.hasOwn(mappings, delivery.topic) ? mappings[delivery.topic] : undefined;
  if (mapping !== undefined) return mapForeign(delivery, mapping);
  const where = `${delivery.topic}/${delivery.partition}@${delivery.offset}`;
  throw new ExactlyOnceError(
    'EO_ENVELOPE_INVALID',
    `record ${where} has no CloudEvents headers and no mapping`,
    {
      details: { where },
    },
  );
}

function mapForeign(delivery: Delivery, mapping: TopicMapping): EventEnvelope {
  const id = mapping.id === undefined ? positionId(delivery) : mapping.id(delivery);
  assertValidId(id);
  return {
    id,
    source: mapping.source ?? delivery.topic,
    type: typeof mapping.type === 'string' ? mapping.type : mapping.type(delivery),
    version: 1,
    topic: delivery.topic,
    key: readKey(delivery),
    timeMs: delivery.timestampMs,
    contentType: header(delivery, 'content-type') ?? 'application/json',
    headers: readUserHeaders(delivery),
    traceparent: header(delivery, 'traceparent'),
    tracestate: header(delivery, 'tracestate'),
    body: delivery.body,
  };
}

/**
 * The identity of a record that brings none. With the record's time, so that a recreated topic's records
 * are other events although they stand at the same offsets.
 */
export function positionId(delivery: Delivery): string {
  return `${delivery.topic}/${delivery.partition}@${delivery.offset}~${delivery.timestampMs}`;
}
