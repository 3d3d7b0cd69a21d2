/**
 * Writes a unit's dead letter into the transaction that acknowledges it. Step 8 of an event's life.
 */

import type { Delivery } from '../broker/delivery.js';
import { errorChain, failureCode } from '../errors/exactly-once-error.js';
import { header } from '../event/cloud-event-headers.js';
import type { HandlerUnit } from '../processing/handler-unit.js';
import type { DeadLetter, ReplayTarget } from './dead-letter-store.js';
import { keyHashOf } from './park-writer.js';

const base64 = 'base64:';

export function deadLetterOf(
  unit: HandlerUnit,
  error: unknown,
  nowMs: number,
  serviceVersion: string | null,
): DeadLetter {
  const { delivery, event } = unit;
  return {
    handler: unit.handler === null ? null : unit.known.name,
    topic: delivery.topic,
    partition: delivery.partition,
    offset: delivery.offset,
    key: delivery.key,
    eventId: event?.id ?? header(delivery, 'ce_id'),
    source: event?.source ?? header(delivery, 'ce_source'),
    type: event?.type ?? header(delivery, 'ce_type'),
    headers: allHeaders(delivery),
    body: delivery.body,
    code: failureCode(error),
    errorChain: errorChain(error),
    attempts: unit.attempts,
    firstAttemptAtMs: unit.firstAttemptAtMs === 0 ? nowMs : unit.firstAttemptAtMs,
    serviceVersion,
    target: targetOf(unit),
    redacted: false,
    replayOf: null,
  };
}

/** What another transport delivers is handed to its handler by that alone. */
function targetOf(unit: HandlerUnit): ReplayTarget | null {
  const { handler, known, delivery, key } = unit;
  if (handler === null || handler.decoded !== null) return null;
  return {
    handlerId: known.id,
    keyHash: keyHashOf(unit),
    inboxKey: key,
    timestampMs: delivery.timestampMs,
  };
}

/** The headers of a letter as they were received. */
export function receivedHeaders(headers: DeadLetter['headers']): Record<string, Uint8Array> {
  const received: Record<string, Uint8Array> = Object.create(null);
  for (const [name, text] of Object.entries(headers)) {
    const encoded = text.startsWith(base64);
    received[name] = encoded ? Buffer.from(text.slice(base64.length), 'base64') : Buffer.from(text);
  }
  return received;
}

function allHeaders(delivery: Delivery): Record<string, string> {
  const headers: Record<string, string> = Object.create(null);
  for (const [name, bytes] of Object.entries(delivery.headers)) {
    const text = header(delivery, name);
    const isPlain = text !== null && !text.startsWith(base64);
    headers[name] = isPlain ? text : `${base64}${Buffer.from(bytes).toString('base64')}`;
  }
  return headers;
}
