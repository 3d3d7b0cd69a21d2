/**
 * A broker without a server: one partition a topic, deliveries in order, redelivery of what was not done.
 *
 * Acknowledges nothing by itself: its position is the fence's, in the storage.
 */
import {
  type Broker,
  type BrokerContext,
  type Clock,
  type ConsumerRequest,
  type Delivery,
  type EventConsumer,
  type EventEnvelope,
  type Publisher,
  systemClock,
  type TransactionalPublisher,
  writeHeaders,
} from '@exactly-once/core';
import { InMemoryConsumer } from './in-memory-consumer.js';
import { InMemoryTransactionalPublisher, type ShardState } from './in-memory-transactional-publisher.js';

export interface InMemoryMessage {
  readonly key?: string | Uint8Array | null;
  readonly headers?: Readonly<Record<string, string | Uint8Array>>;
  readonly body: string | Uint8Array | null;
}

export class InMemoryBroker implements Broker {
  readonly name = 'memory';
  readonly sessionTimeoutMs = 10_000;
  readonly #topics = new Map<string, Delivery[]>();
  readonly #consumers = new Set<InMemoryConsumer>();
  readonly #shards = new Map<string, ShardState>();

  #clock: Clock = systemClock;

  bind({ clock }: Pick<BrokerContext, 'clock'>): void {
    this.#clock = clock;
  }

  /** What stands on a topic, in order. */
  topic(name: string): readonly Delivery[] {
    return this.#log(name);
  }

  /** Puts messages onto a topic, as another producer would. */
  append(topic: string, ...messages: readonly InMemoryMessage[]): void {
    const log = this.#log(topic);
    for (const { key = null, headers = {}, body } of messages) {
      const bytes: Record<string, Uint8Array> = Object.create(null);
      for (const [name, value] of Object.entries(headers)) bytes[name] = Buffer.from(value as string);
      log.push({
        topic,
        partition: 0,
        offset: BigInt(log.length),
        key: key === null ? null : Buffer.from(key as string),
        headers: bytes,
        body: body === null ? null : Buffer.from(body as string),
        timestampMs: this.#clock.now(),
      });
    }
    for (const consumer of this.#consumers) consumer.wake();
  }

  publisher(): Publisher {
    return {
      start: async () => {},
      stop: async () => {},
      send: async (events: readonly EventEnvelope[]) => {
        this.#publish(events);
        return events.map(() => ({ status: 'sent' as const }));
      },
    };
  }

  transactionalPublisher(): TransactionalPublisher {
    return new InMemoryTransactionalPublisher(this.#shards, (events) => this.#publish(events));
  }

  consumer(request: ConsumerRequest): EventConsumer {
    const consumer = new InMemoryConsumer(request, this.#clock, (topic) => this.#log(topic));
    this.#consumers.add(consumer);
    return consumer;
  }

  async ping(): Promise<void> {}

  async close(): Promise<void> {}

  #publish(events: readonly EventEnvelope[]): void {
    for (const event of events) {
      this.append(event.topic, { key: event.key, headers: writeHeaders(event), body: event.body });
    }
  }

  #log(topic: string): Delivery[] {
    const log = this.#topics.get(topic) ?? [];
    this.#topics.set(topic, log);
    return log;
  }
}
