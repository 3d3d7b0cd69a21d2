/**
 * A dead letter as a message of a topic beside the event's own. Step 8 of an event's life.
 *
 * Key, body and headers are the event's, so that it can be sent again as it is; what went wrong stands in headers of
 * ours. It must fit where the event did: what explains it is bounded, and a body at a broker's limit is left where it
 * stands.
 */

import { isOwnHeader, readKey } from '../event/cloud-event-headers.js';
import type { EventEnvelope } from '../event/event-envelope.js';
import { newEventId } from '../event/event-id.js';
import { positionId } from '../event/event-reader.js';
import type { HandlerUnit } from '../processing/handler-unit.js';
import type { DeadLetter } from './dead-letter-store.js';

export interface DeadLetterMessage {
  /** The event's own as a letter has them, as far as there is room, and `eo_…`. No prototype. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | null;
}

/** Bytes of a body above which the message only says where it stands. */
const maxBodyBytes = 900_000;
const maxErrorBytes = 4_096;
const maxHeaderBytes = 64_000;

export function deadLetterMessage(letter: DeadLetter): DeadLetterMessage {
  const { body } = letter;
  const omitted = body !== null && body.length > maxBodyBytes;
  const headers = Object.assign(ownHeaders(letter), explanation(letter, omitted));
  return { headers, body: omitted ? null : body };
}

/**
 * The message as an event of the outbox, under an id of its own: the same event may die for several handlers, and again when
 * it is replayed, and none of that is a duplicate. The event's stands in `eo_id` and `eo_source`.
 */
export function deadLetterEvent(
  letter: DeadLetter,
  { event, delivery }: HandlerUnit,
  topic: string,
): EventEnvelope {
  const { headers, body } = deadLetterMessage(letter);
  const users = Object.entries(headers).filter(([name]) => !isOwnHeader(name));
  const source = event?.source ?? delivery.topic;
  users.push(['eo_id', event?.id ?? positionId(delivery)], ['eo_source', source]);
  return {
    id: newEventId(),
    source,
    type: event?.type ?? 'exactly-once.unreadable',
    version: event?.version ?? 1,
    topic,
    key: readKey(delivery),
    timeMs: event?.timeMs ?? null,
    contentType: event?.contentType ?? 'application/octet-stream',
    headers: Object.assign(Object.create(null), Object.fromEntries(users)),
    traceparent: event?.traceparent ?? null,
    tracestate: event?.tracestate ?? null,
    body,
  };
}

/** The event's own, as far as there is room. */
function ownHeaders({ headers }: DeadLetter): Record<string, string> {
  const kept: Record<string, string> = Object.create(null);
  let bytes = 0;
  for (const [name, text] of Object.entries(headers)) {
    bytes += name.length + Buffer.byteLength(text);
    if (bytes > maxHeaderBytes) break;
    kept[name] = text;
  }
  return kept;
}

function explanation(letter: DeadLetter, omitted: boolean): Record<string, string> {
  const { handler, topic, partition, offset, code, errorChain, attempts, serviceVersion } = letter;
  return {
    eo_code: code,
    eo_error: Buffer.from(errorChain.join(' <- ')).subarray(0, maxErrorBytes).toString(),
    eo_attempts: String(attempts),
    eo_topic: topic,
    eo_partition: String(partition),
    eo_offset: String(offset),
    eo_first_attempt: new Date(letter.firstAttemptAtMs).toISOString(),
    ...(handler === null ? {} : { eo_handler: handler }),
    ...(serviceVersion === null ? {} : { eo_service_version: serviceVersion }),
    ...(omitted ? { eo_body: 'omitted: it stands at eo_topic, eo_partition, eo_offset' } : {}),
  };
}
