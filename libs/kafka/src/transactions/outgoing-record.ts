/**
 * What a batch sends in its Kafka transaction, in order, cut into requests that a broker takes. Step 6 of an
 * event's life.
 */
import type { ClientMessage, TopicMessages } from '../kafka-client.js';

export interface OutgoingRecord {
  readonly topic: string;
  readonly message: ClientMessage;
}

/** A little below what Kafka takes at once by default: a client (kafkajs does) may put a request's records of a partition into one batch. */
const requestBytes = 900_000;

/** In the order given within each topic; one record may exceed the bytes alone. */
export function requestsOf(records: readonly OutgoingRecord[]): TopicMessages[][] {
  const requests: TopicMessages[][] = [];
  let current = new Map<string, ClientMessage[]>();
  let bytes = 0;
  const close = () => {
    if (current.size > 0) requests.push([...current].map(([topic, messages]) => ({ topic, messages })));
    current = new Map();
    bytes = 0;
  };
  for (const { topic, message } of records) {
    const size = recordBytes(message);
    if (bytes + size > requestBytes) close();
    bytes += size;
    const messages = current.get(topic);
    if (messages === undefined) current.set(topic, [message]);
    else messages.push(message);
  }
  close();
  return requests;
}

function recordBytes({ key, value, headers }: ClientMessage): number {
  let bytes = 100 + (key?.length ?? 0) + (value?.length ?? 0);
  for (const [name, content] of Object.entries(headers)) bytes += name.length + content.length;
  return bytes;
}
