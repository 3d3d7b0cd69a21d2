/**
 * A dead letter as a record of a topic beside the event's own. Step 8 of an event's life.
 *
 * What stands in it is core's: see `dead-letter-message.ts` there.
 */
import { type DeadLetter, deadLetterMessage, receivedHeaders } from '@exactly-once/core';
import type { OutgoingRecord } from './outgoing-record.js';

export function deadLetterRecord(letter: DeadLetter, topicOf: (topic: string) => string): OutgoingRecord {
  const { headers, body } = deadLetterMessage(letter);
  return {
    topic: topicOf(letter.topic),
    message: {
      key: letter.key === null ? null : Buffer.from(letter.key),
      value: body === null ? null : Buffer.from(body),
      headers: receivedHeaders(headers) as Record<string, Buffer>,
    },
  };
}
