/**
 * kafkajs as far as a publisher sees it, without a broker: producers that write, refuse, close or answer nothing.
 *
 * A test says which of it; what was written is kept.
 */
import type { EventEnvelope } from '@exactly-once/core';
import type { Kafka, ProducerConfig } from 'kafkajs';

interface Batch {
  readonly topicMessages: { readonly topic: string; readonly messages: { readonly value: Buffer }[] }[];
}

interface Offsets {
  readonly consumerGroupId: string;
  readonly topics: readonly [{ readonly partitions: readonly [{ readonly offset: string }] }];
}

export const mostBytes = 100;

/** kafkajs's producer: asks for all its topics at once, and writes a request wholly or not at all. */
export class FakeProducers {
  /** In the order in which it was written, or committed. */
  readonly written: string[] = [];
  mostBytes = mostBytes;
  readonly missing = new Set<string>();
  readonly forbidden = new Set<string>();
  /** What a request with such a topic gets, after its other topics were written. */
  readonly failing = new Map<string, Error>();
  /** Errors of the next requests, thrown after they were written. */
  readonly afterwards: Error[] = [];
  /** Called with each request before it is looked at. */
  asked: (request: number) => void | Promise<void> = () => {};
  /** Bytes of values above which the connection is closed. */
  closesAbove = Number.POSITIVE_INFINITY;
  answersPings = true;
  /** Committed offsets of groups. */
  readonly offsets = new Map<string, string>();
  offsetsAsked = 0;
  made = 0;
  requests = 0;
  commits = 0;

  client(): Kafka {
    const producer = ({ transactionalId }: ProducerConfig) =>
      transactionalId === undefined ? this.#producer() : this.#transactionalProducer();
    return { producer, admin: () => this.#admin() } as unknown as Kafka;
  }

  #admin() {
    const describeCluster = async () => {
      if (!this.answersPings) throw new Error('no answer');
    };
    const fetchOffsets = async ({ groupId }: { groupId: string }) => {
      this.offsetsAsked++;
      return [{ partitions: [{ partition: 0, offset: this.offsets.get(groupId) ?? '-1' }] }];
    };
    return { connect: async () => {}, disconnect: async () => {}, describeCluster, fetchOffsets };
  }

  #producer() {
    this.made++;
    const topics = new Set<string>();
    return {
      connect: async () => {},
      disconnect: async () => {},
      sendBatch: (batch: Batch) => this.#take(batch, topics, this.written),
    };
  }

  #transactionalProducer() {
    this.made++;
    const topics = new Set<string>();
    const transaction = async () => {
      const written: string[] = [];
      const offsets = new Map<string, string>();
      return {
        sendOffsets: async ({ consumerGroupId, topics: [topic] }: Offsets) => {
          offsets.set(consumerGroupId, topic.partitions[0].offset);
        },
        sendBatch: (batch: Batch) => this.#take(batch, topics, written),
        commit: async () => {
          this.commits++;
          this.written.push(...written);
          for (const [group, offset] of offsets) this.offsets.set(group, offset);
        },
        abort: async () => {},
      };
    };
    return { connect: async () => {}, disconnect: async () => {}, transaction };
  }

  async #take({ topicMessages }: Batch, topics: Set<string>, written: string[]): Promise<void> {
    this.requests++;
    await this.asked(this.requests);
    for (const { topic } of topicMessages) topics.add(topic);
    for (const topic of topics) {
      if (this.missing.has(topic)) throw protocolError('UNKNOWN_TOPIC_OR_PARTITION');
      if (this.forbidden.has(topic)) throw protocolError('TOPIC_AUTHORIZATION_FAILED');
    }
    const values = topicMessages.flatMap(({ messages }) => messages.map(({ value }) => value));
    if (Buffer.concat(values).length > this.closesAbove) throw connectionClosed();
    if (Buffer.concat(values).length > this.mostBytes) throw protocolError('MESSAGE_TOO_LARGE');
    const others = topicMessages.filter(({ topic }) => !this.failing.has(topic));
    written.push(...others.flatMap(({ messages }) => messages.map(({ value }) => String(value))));
    const failed = topicMessages.find(({ topic }) => this.failing.has(topic));
    if (failed !== undefined) throw this.failing.get(failed.topic);
    const error = this.afterwards.shift();
    if (error !== undefined) throw error;
  }
}

export function protocolError(type: string): Error {
  return Object.assign(new Error('wrapped'), { cause: Object.assign(new Error(type), { type }) });
}

export function connectionClosed(): Error {
  const closed = Object.assign(new Error('Closed connection'), { name: 'KafkaJSConnectionClosedError' });
  return Object.assign(new Error('gave up', { cause: closed }), { name: 'KafkaJSNumberOfRetriesExceeded' });
}

/** A leader that does not answer in time. */
export function timedOut(): Error {
  return Object.assign(new Error('timed out'), { name: 'KafkaJSRequestTimeoutError' });
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
