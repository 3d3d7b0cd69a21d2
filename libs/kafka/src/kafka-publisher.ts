/**
 * Sends events through kafkajs's idempotent producer, `acks=all`, as CloudEvents in binary mode. Step 2 of an
 * event's life.
 *
 * After an error that leaves it open what was written, the producer is replaced: its sequence numbers are no
 * longer known. The same events are then sent again with the same ids.
 */
import {
  type EventEnvelope,
  errorChain,
  type Logger,
  type Publisher,
  type SendOutcome,
  writeHeaders,
} from '@exactly-once/core';
import { type Kafka, type Message, Partitioners, type Producer, type ProducerConfig } from 'kafkajs';
import { brokerUnavailable, refusalOf } from './kafka-errors.js';

const connectRetryMs = { first: 250, most: 10_000 };

export class KafkaPublisher implements Publisher {
  #producer: Producer | null = null;

  constructor(
    readonly kafka: Kafka,
    readonly config: ProducerConfig,
    readonly logger: Logger,
  ) {}

  async start(signal: AbortSignal): Promise<void> {
    for (
      let waitMs = connectRetryMs.first;
      !signal.aborted;
      waitMs = Math.min(waitMs * 2, connectRetryMs.most)
    ) {
      try {
        await this.#connected();
        return;
      } catch (error) {
        this.logger.error(`producer, again in ${waitMs} ms: ${errorChain(error).join(' <- ')}`);
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, waitMs);
          signal.addEventListener('abort', () => resolve(clearTimeout(timer)), { once: true });
        });
      }
    }
  }

  async send(events: readonly EventEnvelope[]): Promise<SendOutcome[]> {
    if (events.length === 0) return [];
    try {
      await this.#sendTogether(events);
      return events.map(() => ({ status: 'sent' }));
    } catch (error) {
      await this.#discard();
      const refusal = refusalOf(error);
      if (refusal === null)
        throw brokerUnavailable(`${events.length} events may or may not have been written`, error);
      if (events.length === 1) return [{ status: 'refused', reason: refusal }];
    }
    return this.#sendOneByOne(events);
  }

  async stop(): Promise<void> {
    await this.#discard();
  }

  /** One of them is refused: which one, only the broker knows. Order is kept. */
  async #sendOneByOne(events: readonly EventEnvelope[]): Promise<SendOutcome[]> {
    const outcomes: SendOutcome[] = [];
    for (const event of events) outcomes.push(...(await this.send([event])));
    return outcomes;
  }

  async #sendTogether(events: readonly EventEnvelope[]): Promise<void> {
    const byTopic = new Map<string, Message[]>();
    for (const event of events) {
      const messages = byTopic.get(event.topic) ?? [];
      messages.push(toMessage(event));
      byTopic.set(event.topic, messages);
    }
    const producer = await this.#connected();
    const topicMessages = [...byTopic].map(([topic, messages]) => ({ topic, messages }));
    await producer.sendBatch({ acks: -1, topicMessages });
  }

  async #connected(): Promise<Producer> {
    if (this.#producer !== null) return this.#producer;
    const producer = this.kafka.producer({
      createPartitioner: Partitioners.DefaultPartitioner,
      allowAutoTopicCreation: false,
      ...this.config,
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
    try {
      await producer?.disconnect();
    } catch (error) {
      this.logger.warn(`producer did not disconnect in order: ${errorChain(error).join(' <- ')}`);
    }
  }
}

/** Kafka protocol binding of CloudEvents: attributes in headers, the body as it is. */
function toMessage(event: EventEnvelope): Message {
  return {
    key: event.key === null ? null : Buffer.from(event.key),
    value: event.body === null ? null : Buffer.from(event.body),
    headers: writeHeaders(event),
  };
}
