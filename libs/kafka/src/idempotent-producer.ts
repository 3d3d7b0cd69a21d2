/**
 * The publisher's producer: connected when it is needed, and replaced where its sequence numbers are not known any more.
 * Step 2 of an event's life.
 */
import { errorChain, type Logger } from '@exactly-once/core';
import type { ClientProducer, KafkaClient } from './kafka-client.js';
import { brokerUnavailable } from './kafka-errors.js';
import { type OutgoingEvent, requestOf } from './outgoing-events.js';

export class IdempotentProducer {
  readonly #client: KafkaClient;
  readonly #logger: Logger;
  /** Topics that the present producer was asked to write to: it asks for all of them at once, for ever. */
  readonly #topics = new Set<string>();
  #producer: ClientProducer | null = null;

  constructor(client: KafkaClient, logger: Logger) {
    this.#client = client;
    this.#logger = logger;
  }

  /** Throws EO_BROKER_UNAVAILABLE. `topics`: for which it is wanted. */
  async connected(topics?: readonly string[]): Promise<ClientProducer> {
    if (this.#producer !== null) return this.#producer;
    const producer = this.#client.producer(topics);
    try {
      await producer.connect();
    } catch (error) {
      await producer.disconnect().catch(() => undefined); // it was not needed
      throw brokerUnavailable('the producer could not connect', error);
    }
    this.#producer = producer;
    return producer;
  }

  /** One request. */
  async send(events: readonly OutgoingEvent[]): Promise<void> {
    const request = requestOf(events);
    for (const { topic } of request) this.#topics.add(topic);
    const producer = await this.connected([...this.#topics]);
    await producer.send(request);
  }

  /** It asks for this topic only. */
  async narrow(topic: string): Promise<void> {
    if ([...this.#topics].some((known) => known !== topic)) await this.discard();
  }

  /** The next request is another producer's. */
  async discard(): Promise<void> {
    const producer = this.#producer;
    this.#producer = null;
    this.#topics.clear();
    try {
      await producer?.disconnect();
    } catch (error) {
      this.#logger.warn(`producer did not disconnect in order: ${errorChain(error).join(' <- ')}`);
    }
  }
}
