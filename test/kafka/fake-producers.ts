/**
 * kafkajs as far as a publisher sees it, without a broker: producers that write, refuse, close or answer nothing.
 *
 * A test says which of it; what was written is kept.
 */
import type { EventEnvelope } from '@exactly-once/core';
import type { Kafka } from 'kafkajs';

interface Batch {
  readonly topicMessages: { readonly topic: string; readonly messages: { readonly value: Buffer }[] }[];
}

export const mostBytes = 100;

/** kafkajs's producer: asks for all its topics at once, and writes a request wholly or not at all. */
export class FakeProducers {
  readonly written: string[] = [];
  mostBytes = mostBytes;
  readonly missing = new Set<string>();
  readonly forbidden = new Set<string>();
  /** Errors of the next requests, thrown after they were written. */
  readonly afterwards: Error[] = [];
  /** Called with each request before it is looked at. */
  asked: (request: number) => void = () => {};
  /** Bytes of values above which the connection is closed. */
  closesAbove = Number.POSITIVE_INFINITY;
  answersPings = true;
  made = 0;
  requests = 0;

  client(): Kafka {
    return { producer: () => this.#producer(), admin: () => this.#admin() } as unknown as Kafka;
  }

  #admin() {
    const describeCluster = async () => {
      if (!this.answersPings) throw new Error('no answer');
    };
    return { connect: async () => {}, disconnect: async () => {}, describeCluster };
  }

  #producer() {
    this.made++;
    const topics = new Set<string>();
    return {
      connect: async () => {},
      disconnect: async () => {},
      sendBatch: async ({ topicMessages }: Batch) => {
        this.requests++;
        this.asked(this.requests);
        for (const { topic } of topicMessages) topics.add(topic);
        for (const topic of topics) {
          if (this.missing.has(topic)) throw protocolError('UNKNOWN_TOPIC_OR_PARTITION');
          if (this.forbidden.has(topic)) throw protocolError('TOPIC_AUTHORIZATION_FAILED');
        }
        const values = topicMessages.flatMap(({ messages }) => messages.map(({ value }) => value));
        if (Buffer.concat(values).length > this.closesAbove) throw connectionClosed();
        if (Buffer.concat(values).length > this.mostBytes) throw protocolError('MESSAGE_TOO_LARGE');
        this.written.push(...values.map(String));
        const error = this.afterwards.shift();
        if (error !== undefined) throw error;
      },
    };
  }
}

function protocolError(type: string): Error {
  return Object.assign(new Error('wrapped'), { cause: Object.assign(new Error(type), { type }) });
}

function connectionClosed(): Error {
  const closed = Object.assign(new Error('Closed connection'), { name: 'KafkaJSConnectionClosedError' });
  return Object.assign(new Error('gave up', { cause: closed }), { name: 'KafkaJSNumberOfRetriesExceeded' });
}

export const event = (value: string, topic = 't', key: string | null = null): EventEnvelope => ({
  ...{ id: value, source: 's', type: 'x', version: 1, topic, key, timeMs: 0 },
  ...{
    contentType: 'text/plain',
    headers: {},
    traceparent: null,
    tracestate: null,
    body: Buffer.from(value),
  },
});
