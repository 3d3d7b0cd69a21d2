/**
 * A dead letter as a record of a topic beside the event's own. Step 8 of an event's life.
 *
 * Key, body and headers are the event's, so that it can be sent again as it is; what went wrong stands in headers of
 * ours. It must fit where the event did: what explains it is bounded, and a body at the broker's limit is left where
 * it stands.
 */
import type { DeadLetter } from '@exactly-once/core';
import type { OutgoingRecord } from './outgoing-record.js';

/** Bytes of a body above which the letter only says where it stands. */
const maxBodyBytes = 900_000;
const maxErrorBytes = 4_096;
const maxHeaderBytes = 64_000;

export function deadLetterRecord(letter: DeadLetter, topicOf: (topic: string) => string): OutgoingRecord {
  const { topic, key, body } = letter;
  const omitted = body !== null && body.length > maxBodyBytes;
  return {
    topic: topicOf(topic),
    message: {
      key: key === null ? null : Buffer.from(key),
      value: body === null || omitted ? null : Buffer.from(body),
      headers: { ...ownHeaders(letter), ...explanation(letter, omitted) },
    },
  };
}

/** The event's own, as far as there is room. */
function ownHeaders({ headers }: DeadLetter): Record<string, Buffer> {
  const kept: Record<string, Buffer> = Object.create(null);
  let bytes = 0;
  for (const [name, text] of Object.entries(headers)) {
    const content = text.startsWith('base64:') ? Buffer.from(text.slice(7), 'base64') : Buffer.from(text);
    bytes += name.length + content.length;
    if (bytes > maxHeaderBytes) break;
    kept[name] = content;
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
