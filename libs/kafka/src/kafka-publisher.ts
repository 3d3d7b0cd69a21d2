/**
 * Sends events through kafkajs's idempotent producer, `acks=all`, as CloudEvents in binary mode. Step 2 of an
 * event's life.
 *
 * After an error that leaves it open what was written, the producer is replaced: its sequence numbers are no
 * longer known. The same events are then sent again with the same ids.
 */
import {
  type Clock,
  type EventEnvelope,
  errorChain,
  type Logger,
  type Publisher,
  type SendOutcome,
} from '@exactly-once/core';
import { type Kafka, Partitioners, type Producer, type ProducerConfig } from 'kafkajs';
import { brokerUnavailable, isTopicCondition, refusalOf, topicUnavailable } from './kafka-errors.js';
import { toMessage } from './kafka-message.js';

export interface KafkaPublisherParts {
  readonly kafka: Kafka;
  readonly config: ProducerConfig;
  readonly clock: Clock;
  readonly logger: Logger;
}

const connectRetryMs = { first: 250, most: 10_000 };

/** kafkajs tries again a few times at once; beyond that the relay does, and says so. */
const producerRetry = { retries: 3, initialRetryTime: 100 };

/** Milliseconds for which a topic that was missing is not asked for again: others would wait for the answer. */
const topicPauseMs = 2_000;

/** An event and its place in the answer. */
interface Item {
  readonly event: EventEnvelope;
  readonly index: number;
}

interface TopicPause {
  readonly reason: string;
  readonly untilMs: number;
}

export class KafkaPublisher implements Publisher {
  readonly #parts: KafkaPublisherParts;
  readonly #pauses = new Map<string, TopicPause>();
  /** Topics that the present producer was asked to write to: it asks for all of them at once, for ever. */
  readonly #topics = new Set<string>();
  #producer: Producer | null = null;

  constructor(parts: KafkaPublisherParts) {
    this.#parts = parts;
  }

  async start(signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#parts;
    let waitMs = connectRetryMs.first;
    while (!signal.aborted) {
      try {
        await this.#connected();
        return;
      } catch (error) {
        logger.error(`producer, again in ${waitMs} ms: ${errorChain(error).join(' <- ')}`);
        await clock.sleep(waitMs, signal);
        waitMs = Math.min(waitMs * 2, connectRetryMs.most);
      }
    }
  }

  async send(events: readonly EventEnvelope[]): Promise<SendOutcome[]> {
    const outcomes = new Array<SendOutcome>(events.length);
    const items = events.map((event, index) => ({ event, index }));
    const [doubtful, others] = divide(items, ({ event }) => this.#pauses.has(event.topic));
    await this.#sendAll(others, outcomes);
    for (const [topic, part] of byTopic(doubtful)) await this.#sendDoubtful(topic, part, outcomes);
    return outcomes;
  }

  async stop(): Promise<void> {
    await this.#discard();
  }

  /** In the order given; what is refused is found by halving, so that order is kept. */
  async #sendAll(items: readonly Item[], outcomes: SendOutcome[]): Promise<void> {
    if (items.length === 0) return;
    try {
      await this.#sendTogether(items);
      for (const { index } of items) outcomes[index] = { status: 'sent' };
    } catch (error) {
      await this.#sendParts(items, outcomes, error);
    }
  }

  async #sendParts(items: readonly Item[], outcomes: SendOutcome[], error: unknown): Promise<void> {
    const refusal = refusalOf(error);
    // Only where all went to one partition is it certain that nothing was written.
    if (refusal === null || !onePartition(items)) await this.#discard();
    if (isTopicCondition(error)) {
      for (const [topic, part] of byTopic(items)) await this.#sendTopic(topic, part, outcomes);
      return;
    }
    if (refusal === null) {
      throw brokerUnavailable(`${items.length} events may or may not have been written`, error);
    }
    if (items.length === 1) {
      outcomes[items[0]!.index] = { status: 'refused', reason: refusal };
      return;
    }
    const middle = Math.ceil(items.length / 2);
    await this.#sendAll(items.slice(0, middle), outcomes);
    const [waiting, rest] = divide(items.slice(middle), ({ event }) => this.#pauses.has(event.topic));
    for (const item of waiting) this.#wait(item, outcomes);
    await this.#sendAll(rest, outcomes);
  }

  /** Events of one topic, by a producer that knows no other that could be missing. */
  async #sendTopic(topic: string, items: readonly Item[], outcomes: SendOutcome[]): Promise<void> {
    if ([...this.#topics].some((known) => known !== topic)) await this.#discard();
    try {
      await this.#sendTogether(items);
      for (const { index } of items) outcomes[index] = { status: 'sent' };
      this.#pauses.delete(topic);
    } catch (error) {
      if (!isTopicCondition(error)) {
        this.#pauses.delete(topic);
        await this.#sendParts(items, outcomes, error);
        return;
      }
      await this.#discard();
      const { message } = topicUnavailable(topic, error);
      this.#pauses.set(topic, { reason: message, untilMs: this.#parts.clock.now() + topicPauseMs });
      for (const item of items) this.#wait(item, outcomes);
    }
  }

  async #sendDoubtful(topic: string, items: readonly Item[], outcomes: SendOutcome[]): Promise<void> {
    const pause = this.#pauses.get(topic);
    if (pause === undefined || this.#parts.clock.now() >= pause.untilMs) {
      await this.#sendTopic(topic, items, outcomes);
    } else {
      for (const item of items) this.#wait(item, outcomes);
    }
  }

  #wait({ event, index }: Item, outcomes: SendOutcome[]): void {
    outcomes[index] = { status: 'later', reason: this.#pauses.get(event.topic)!.reason };
  }

  async #sendTogether(items: readonly Item[]): Promise<void> {
    const producer = await this.#connected();
    const topicMessages = [...byTopic(items)].map(([topic, part]) => {
      this.#topics.add(topic);
      return { topic, messages: part.map(({ event }) => toMessage(event)) };
    });
    await producer.sendBatch({ acks: -1, topicMessages });
  }

  async #connected(): Promise<Producer> {
    if (this.#producer !== null) return this.#producer;
    const { kafka, config } = this.#parts;
    const producer = kafka.producer({
      createPartitioner: Partitioners.DefaultPartitioner,
      allowAutoTopicCreation: false,
      ...config,
      retry: { ...producerRetry, ...config.retry },
      idempotent: true,
      maxInFlightRequests: 1,
    });
    try {
      await producer.connect();
    } catch (error) {
      throw brokerUnavailable('the producer could not connect', error);
    }
    this.#producer = producer;
    return producer;
  }

  async #discard(): Promise<void> {
    const producer = this.#producer;
    this.#producer = null;
    this.#topics.clear();
    try {
      await producer?.disconnect();
    } catch (error) {
      this.#parts.logger.warn(`producer did not disconnect in order: ${errorChain(error).join(' <- ')}`);
    }
  }
}

function onePartition(items: readonly Item[]): boolean {
  const [first, ...rest] = items;
  const { topic, key } = first!.event;
  return rest.every(({ event }) => event.topic === topic && event.key === key && key !== null);
}

function divide<T>(all: readonly T[], matches: (one: T) => boolean): [T[], T[]] {
  return [all.filter(matches), all.filter((one) => !matches(one))];
}

function byTopic(items: readonly Item[]): Map<string, Item[]> {
  const topics = new Map<string, Item[]>();
  for (const item of items) {
    const part = topics.get(item.event.topic);
    if (part === undefined) topics.set(item.event.topic, [item]);
    else part.push(item);
  }
  return topics;
}
