/**
 * Writes a unit's dead letter into the transaction that acknowledges it. Step 8 of an event's life.
 */

import type { Delivery } from '../broker/delivery.js';
import { errorChain, isExactlyOnceError } from '../errors/exactly-once-error.js';
import { header } from '../event/cloud-event-headers.js';
import type { HandlerUnit } from '../processing/handler-unit.js';
import type { DeadLetter } from './dead-letter-store.js';

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
    code: isExactlyOnceError(error) ? error.code : 'EO_HANDLER_FAILED',
    errorChain: errorChain(error),
    attempts: unit.attempts,
    firstAttemptAtMs: unit.firstAttemptAtMs === 0 ? nowMs : unit.firstAttemptAtMs,
    serviceVersion,
  };
}

function allHeaders(delivery: Delivery): Record<string, string> {
  const headers: Record<string, string> = Object.create(null);
  for (const [name, bytes] of Object.entries(delivery.headers)) {
    headers[name] = header(delivery, name) ?? `base64:${Buffer.from(bytes).toString('base64')}`;
  }
  return headers;
}
