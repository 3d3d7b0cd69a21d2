/**
 * Sends events through an idempotent producer, `acks=all`, as CloudEvents in binary mode. Step 2 of an
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
import type { ClientProducer, KafkaClient } from './kafka-client.js';
import {
  brokerUnavailable,
  isConnectionClosed,
  isTopicCondition,
  refusalOf,
  topicUnavailable,
} from './kafka-errors.js';
import { byTopic, type OutgoingEvent, OutgoingEvents, requestOf } from './outgoing-events.js';
import { defaultMaxRequestBytes, RequestBound } from './request-bound.js';

export interface KafkaPublisherParts {
  readonly client: KafkaClient;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Of a request to the broker. Default: what Kafka takes by its own default. */
  readonly maxRequestBytes?: number | undefined;
}

const connectRetryMs = { first: 250, most: 10_000 };

/** Milliseconds for which a topic that was missing is not asked for again: others would wait for the answer. */
const topicPauseMs = 2_000;

interface TopicPause {
  readonly reason: string;
  readonly untilMs: number;
}

export class KafkaPublisher implements Publisher {
  readonly #parts: KafkaPublisherParts;
  readonly #pauses = new Map<string, TopicPause>();
  /** Topics that the present producer was asked to write to: it asks for all of them at once, for ever. */
  readonly #topics = new Set<string>();
  readonly #bound: RequestBound;
  #producer: ClientProducer | null = null;

  constructor(parts: KafkaPublisherParts) {
    this.#parts = parts;
    this.#bound = new RequestBound(parts.maxRequestBytes ?? defaultMaxRequestBytes);
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
    const outgoing = new OutgoingEvents(events);
    const [doubtful, others] = divide(this.#sendable(outgoing), ({ event }) => this.#pauses.has(event.topic));
    try {
      await this.#sendAll(others, outgoing);
      for (const [topic, part] of byTopic(doubtful)) await this.#sendDoubtful(topic, part, outgoing);
    } catch (error) {
      if (!outgoing.answered) throw error;
      outgoing.othersLater((error as Error).message); // what is certain is not sent again for the rest
    }
    return outgoing.outcomes();
  }

  async stop(): Promise<void> {
    await this.#discard();
  }

  /** Without what is too large for any request: that is refused. */
  #sendable(outgoing: OutgoingEvents): OutgoingEvent[] {
    return outgoing.all.filter((one) => {
      const reason = this.#bound.refusal(one);
      if (reason !== null) outgoing.refused(one, reason);
      return reason === null;
    });
  }

  /** In the order given; what is refused is found by halving, so that order is kept. */
  async #sendAll(items: readonly OutgoingEvent[], outgoing: OutgoingEvents): Promise<void> {
    for (const request of this.#bound.split(items)) {
      const [waiting, rest] = divide(outgoing.notBehind(request), ({ event }) =>
        this.#pauses.has(event.topic),
      );
      for (const [topic, part] of byTopic(waiting)) this.#wait(topic, part, outgoing);
      if (rest.length === 0) continue;
      try {
        await this.#sendTogether(rest, outgoing);
      } catch (error) {
        await this.#sendParts(rest, outgoing, error);
      }
    }
  }

  async #sendParts(items: readonly OutgoingEvent[], outgoing: OutgoingEvents, error: unknown): Promise<void> {
    const refusal = refusalOf(error);
    // Only where all went to one partition is it certain that nothing was written.
    if (refusal === null || !onePartition(items)) await this.#discard();
    if (isTopicCondition(error)) {
      for (const [topic, part] of byTopic(items)) await this.#sendTopic(topic, part, outgoing);
      return;
    }
    const reason = refusal ?? (await this.#blame(items, error));
    if (reason === null) {
      throw brokerUnavailable(`${items.length} events may or may not have been written`, error);
    }
    if (items.length === 1) {
      outgoing.refused(items[0]!, reason);
      return;
    }
    const middle = Math.ceil(items.length / 2);
    await this.#sendAll(items.slice(0, middle), outgoing);
    await this.#sendAll(items.slice(middle), outgoing);
  }

  /** Why a request that got no answer never will, where that is certain of its one event; else `null`. */
  async #blame(items: readonly OutgoingEvent[], error: unknown): Promise<string | null> {
    if (!isConnectionClosed(error) || !(await this.#answers())) return null;
    return this.#bound.closed(items);
  }

  async #answers(): Promise<boolean> {
    const admin = this.#parts.client.admin({ retries: 0 });
    try {
      await admin.connect();
      await admin.ping();
      return true;
    } catch (error) {
      this.#parts.logger.debug(`the broker does not answer: ${errorChain(error).join(' <- ')}`);
      return false;
    } finally {
      await admin.disconnect();
    }
  }

  /** Events of one topic, by a producer that knows no other that could be missing. */
  async #sendTopic(topic: string, items: readonly OutgoingEvent[], outgoing: OutgoingEvents): Promise<void> {
    if ([...this.#topics].some((known) => known !== topic)) await this.#discard();
    let missing = false;
    for (const request of this.#bound.split(items)) {
      const rest = outgoing.notBehind(request);
      if (rest.length === 0) continue;
      missing ||= !(await this.#sendOfTopic(topic, rest, outgoing));
      if (missing) this.#wait(topic, rest, outgoing);
    }
  }

  /** False where the topic cannot be written to: it pauses. */
  async #sendOfTopic(
    topic: string,
    items: readonly OutgoingEvent[],
    outgoing: OutgoingEvents,
  ): Promise<boolean> {
    try {
      await this.#sendTogether(items, outgoing);
      this.#pauses.delete(topic);
      return true;
    } catch (error) {
      if (!isTopicCondition(error)) {
        this.#pauses.delete(topic);
        await this.#sendParts(items, outgoing, error);
        return !this.#pauses.has(topic);
      }
      await this.#discard();
      const { message } = topicUnavailable(topic, error);
      this.#pauses.set(topic, { reason: message, untilMs: this.#parts.clock.now() + topicPauseMs });
      return false;
    }
  }

  async #sendDoubtful(
    topic: string,
    items: readonly OutgoingEvent[],
    outgoing: OutgoingEvents,
  ): Promise<void> {
    const pause = this.#pauses.get(topic);
    if (pause === undefined || this.#parts.clock.now() >= pause.untilMs) {
      await this.#sendTopic(topic, items, outgoing);
    } else {
      this.#wait(topic, items, outgoing);
    }
  }

  #wait(topic: string, items: readonly OutgoingEvent[], outgoing: OutgoingEvents): void {
    outgoing.later(items, this.#pauses.get(topic)!.reason);
  }

  /** One request; of all topics, or of none where it rejects. */
  async #sendTogether(items: readonly OutgoingEvent[], outgoing: OutgoingEvents): Promise<void> {
    const producer = await this.#connected();
    const request = requestOf(items);
    for (const { topic } of request) this.#topics.add(topic);
    await producer.send(request);
    this.#bound.passed(items);
    outgoing.sent(items);
  }

  async #connected(): Promise<ClientProducer> {
    if (this.#producer !== null) return this.#producer;
    const producer = this.#parts.client.producer();
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

function onePartition(items: readonly OutgoingEvent[]): boolean {
  const [first, ...rest] = items;
  const { topic, key } = first!.event;
  return rest.every(({ event }) => event.topic === topic && event.key === key && key !== null);
}

function divide<T>(all: readonly T[], matches: (one: T) => boolean): [T[], T[]] {
  return [all.filter(matches), all.filter((one) => !matches(one))];
}
