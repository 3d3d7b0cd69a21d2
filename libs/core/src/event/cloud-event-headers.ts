/**
 * CloudEvents 1.0, Kafka protocol binding, binary content mode: attributes travel as `ce_*` headers.
 *
 * On the hot path, so it is ours; the `cloudevents` package checks it in tests, in both directions
 * (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md).
 * It reads and writes attributes and never looks into a body.
 */
import type { Delivery } from '../broker/delivery.js';
import { ExactlyOnceError } from '../errors/exactly-once-error.js';
import type { EventEnvelope } from './event-envelope.js';
import { assertValidId } from './event-id.js';

const prefix = 'ce_';
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
/** Attributes that an envelope holds in fields of its own; other extensions stay with the user's headers. */
const ownHeaders = new Set([
  'ce_specversion',
  'ce_id',
  'ce_source',
  'ce_type',
  'ce_time',
  'ce_dataversion',
  'ce_traceparent',
  'ce_tracestate',
  'content-type',
]);

/** True for a header that a field of the envelope stands for, in whatever case it is written. */
export function isOwnHeader(name: string): boolean {
  return ownHeaders.has(name) || ownHeaders.has(name.toLowerCase());
}

/** Headers of an event's message. The user's own come first and cannot replace an attribute. */
export function writeHeaders(event: EventEnvelope): Record<string, string> {
  const headers: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(event.headers)) {
    if (!isOwnHeader(name)) headers[name] = value;
  }
  headers.ce_specversion = '1.0';
  headers.ce_id = event.id;
  headers.ce_source = event.source;
  headers.ce_type = event.type;
  headers.ce_dataversion = String(event.version);
  if (event.timeMs !== null) headers.ce_time = new Date(event.timeMs).toISOString();
  if (event.traceparent !== null) headers.ce_traceparent = event.traceparent;
  if (event.tracestate !== null) headers.ce_tracestate = event.tracestate;
  headers['content-type'] = event.contentType;
  return headers;
}

/** True where the message carries at least one CloudEvents attribute. */
export function isCloudEvent(delivery: Delivery): boolean {
  return 'ce_specversion' in delivery.headers || 'ce_id' in delivery.headers || 'ce_type' in delivery.headers;
}

/**
 * Reads the attributes. Throws EO_ENVELOPE_INVALID where a required one is missing or ill-formed, and
 * EO_ID_INVALID where the id cannot serve as an identity.
 */
export function readHeaders(delivery: Delivery): EventEnvelope {
  const id = attribute(delivery, 'id');
  assertValidId(id);
  const source = required(delivery, 'source');
  const type = required(delivery, 'type');
  const specversion = required(delivery, 'specversion');
  if (specversion !== '1.0') throw invalid(delivery, `ce_specversion is "${specversion}", not "1.0"`);
  return {
    id,
    source,
    type,
    version: readVersion(delivery),
    topic: delivery.topic,
    key: readKey(delivery),
    timeMs: readTime(delivery),
    contentType: header(delivery, 'content-type') ?? 'application/json',
    headers: readUserHeaders(delivery),
    traceparent: attribute(delivery, 'traceparent') || null, // a client of Kafka Connect writes none as an empty one
    tracestate: attribute(delivery, 'tracestate') || null,
    body: delivery.body,
  };
}

/** Text of a header; `null` where it is missing or not UTF-8. */
export function header(delivery: Delivery, name: string): string | null {
  const bytes = delivery.headers[name];
  if (bytes === undefined) return null;
  try {
    return decoder.decode(bytes);
  } catch {
    return null; // not text: as good as missing, and the caller says what that means
  }
}

/** The key as text; one that is not UTF-8 in base64, so that distinct keys stay distinct. */
export function readKey(delivery: Delivery): string | null {
  if (delivery.key === null) return null;
  try {
    return decoder.decode(delivery.key);
  } catch {
    return `base64:${Buffer.from(delivery.key).toString('base64')}`;
  }
}

/** All headers that are not fields of the envelope, as text; others than UTF-8 in base64. No prototype. */
export function readUserHeaders(delivery: Delivery): Record<string, string> {
  const headers: Record<string, string> = Object.create(null);
  for (const name in delivery.headers) {
    if (isOwnHeader(name)) continue;
    const bytes = delivery.headers[name]!;
    headers[name] = header(delivery, name) ?? `base64:${Buffer.from(bytes).toString('base64')}`;
  }
  return headers;
}

function attribute(delivery: Delivery, name: string): string | null {
  return header(delivery, prefix + name);
}

function required(delivery: Delivery, name: string): string {
  const value = attribute(delivery, name);
  if (value === null || value === '')
    throw invalid(delivery, `header ce_${name} is missing, empty or not UTF-8`);
  return value;
}

function readVersion(delivery: Delivery): number {
  const text = attribute(delivery, 'dataversion') ?? '1';
  if (!/^[1-9][0-9]{0,8}$/.test(text)) throw invalid(delivery, 'ce_dataversion is not a whole number from 1');
  return Number(text);
}

function readTime(delivery: Delivery): number | null {
  const text = attribute(delivery, 'time');
  if (text === null) return null;
  const time = Date.parse(text);
  if (Number.isNaN(time)) throw invalid(delivery, 'ce_time is not an RFC 3339 time');
  return time;
}

function invalid(delivery: Delivery, what: string): ExactlyOnceError {
  const where = `${delivery.topic}/${delivery.partition}@${delivery.offset}`;
  return new ExactlyOnceError('EO_ENVELOPE_INVALID', `record ${where}: ${what}`, { details: { where } });
}
