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
import { clusterAnswers } from './cluster-ping.js';
import { IdempotentProducer } from './idempotent-producer.js';
import type { KafkaClient } from './kafka-client.js';
import {
  brokerUnavailable,
  isConnectionClosed,
  isTopicCondition,
  refusalOf,
  topicUnavailable,
} from './kafka-errors.js';
import { byTopic, type OutgoingEvent, OutgoingEvents } from './outgoing-events.js';
import { defaultMaxRequestBytes, RequestBound } from './request-bound.js';
import { TopicFailures } from './topic-failures.js';
import { TopicPauses } from './topic-pauses.js';

export interface KafkaPublisherParts {
  readonly client: KafkaClient;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Of a request to the broker. Default: what Kafka takes by its own default. */
  readonly maxRequestBytes?: number | undefined;
}

const connectRetryMs = { first: 250, most: 10_000 };

/** A batch on its way: its answers, and the topics that gave none. */
interface Batch {
  readonly outgoing: OutgoingEvents;
  readonly failures: TopicFailures;
}

export class KafkaPublisher implements Publisher {
  readonly #parts: KafkaPublisherParts;
  readonly #pauses: TopicPauses;
  readonly #bound: RequestBound;
  readonly #producer: IdempotentProducer;

  constructor(parts: KafkaPublisherParts) {
    this.#parts = parts;
    this.#pauses = new TopicPauses(parts.clock);
    this.#bound = new RequestBound(parts.maxRequestBytes ?? defaultMaxRequestBytes);
    this.#producer = new IdempotentProducer(parts.client, parts.logger);
  }

  async start(signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#parts;
    let waitMs = connectRetryMs.first;
    while (!signal.aborted) {
      try {
        await this.#producer.connected();
        return;
      } catch (error) {
        if (isTopicCondition(error)) return; // somebody's: it is ours to know when it is to be written to
        logger.error(`producer, again in ${waitMs} ms: ${errorChain(error).join(' <- ')}`);
        await clock.sleep(waitMs, signal);
        waitMs = Math.min(waitMs * 2, connectRetryMs.most);
      }
    }
  }

  async send(events: readonly EventEnvelope[]): Promise<SendOutcome[]> {
    const outgoing = new OutgoingEvents(events);
    const failures = new TopicFailures(outgoing, this.#pauses, this.#bound);
    const batch = { outgoing, failures };
    const [doubtful, others] = divide(this.#sendable(outgoing), ({ event }) =>
      this.#pauses.isDoubtful(event.topic),
    );
    try {
      await this.#sendAll(others, batch);
      for (const [topic, part] of byTopic(doubtful)) await this.#sendDoubtful(topic, part, batch);
    } catch (error) {
      if (!outgoing.answered) throw error;
      outgoing.othersLater((error as Error).message); // what is certain is not sent again for the rest
    }
    failures.check();
    return outgoing.outcomes();
  }

  async stop(): Promise<void> {
    await this.#producer.discard();
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
  async #sendAll(items: readonly OutgoingEvent[], batch: Batch): Promise<void> {
    for (const request of this.#bound.split(items)) {
      const rest = batch.outgoing.notBehind(request);
      if (rest.length === 0) continue;
      try {
        await this.#sendTogether(rest, batch);
      } catch (error) {
        await this.#sendParts(rest, batch, error);
      }
    }
  }

  async #sendParts(items: readonly OutgoingEvent[], batch: Batch, error: unknown): Promise<void> {
    const refusal = refusalOf(error);
    // Only where all went to one partition is it certain that nothing was written.
    if (refusal === null || !onePartition(items)) await this.#producer.discard();
    if (isTopicCondition(error)) {
      for (const [topic, part] of byTopic(items)) await this.#sendTopic(topic, part, batch);
      return;
    }
    if (refusal === null) await this.#sendUnanswered(items, batch, error);
    else await this.#sendHalves(items, batch, refusal);
  }

  async #sendHalves(items: readonly OutgoingEvent[], batch: Batch, refusal: string): Promise<void> {
    if (items.length === 1) {
      batch.outgoing.refused(items[0]!, refusal);
      return;
    }
    const middle = Math.ceil(items.length / 2);
    await this.#sendAll(items.slice(0, middle), batch);
    await this.#sendAll(items.slice(middle), batch);
  }

  /** What got no answer, though the broker gives some: each topic by itself. */
  async #sendUnanswered(items: readonly OutgoingEvent[], batch: Batch, error: unknown): Promise<void> {
    const what = `${items.length} events may or may not have been written`;
    const unavailable = brokerUnavailable(what, error);
    if (!(await clusterAnswers(this.#parts.client, this.#parts.logger))) throw unavailable;
    const reason = isConnectionClosed(error) ? this.#bound.closed(items) : null;
    if (reason !== null) {
      batch.outgoing.refused(items[0]!, reason);
      return;
    }
    const topics = byTopic(items);
    for (const [topic, part] of topics) {
      if (topics.size === 1) batch.failures.add(topic, part, unavailable);
      else await this.#sendTopic(topic, part, batch);
    }
  }

  /** Events of one topic, by a producer that knows no other that could fail. */
  async #sendTopic(topic: string, items: readonly OutgoingEvent[], batch: Batch): Promise<void> {
    await this.#producer.narrow(topic);
    for (const request of this.#bound.split(items)) {
      const rest = batch.outgoing.notBehind(request);
      if (rest.length === 0) continue;
      try {
        await this.#sendTogether(rest, batch);
      } catch (error) {
        if (isTopicCondition(error)) await this.#pause(topic, rest, batch, error);
        else await this.#sendParts(rest, batch, error);
      }
    }
  }

  async #pause(topic: string, items: readonly OutgoingEvent[], batch: Batch, error: unknown): Promise<void> {
    await this.#producer.discard();
    const { message } = topicUnavailable(topic, error);
    this.#pauses.begin(topic, message);
    batch.outgoing.later(items, message);
  }

  async #sendDoubtful(topic: string, items: readonly OutgoingEvent[], batch: Batch): Promise<void> {
    const reason = this.#pauses.reason(topic);
    if (reason === null) await this.#sendTopic(topic, items, batch);
    else batch.outgoing.later(items, reason);
  }

  /** One request; of all topics, or of none where it rejects. */
  async #sendTogether(items: readonly OutgoingEvent[], { outgoing }: Batch): Promise<void> {
    this.#pauses.asking();
    await this.#producer.send(items);
    for (const topic of byTopic(items).keys()) this.#pauses.end(topic);
    this.#bound.passed(items);
    outgoing.sent(items);
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
