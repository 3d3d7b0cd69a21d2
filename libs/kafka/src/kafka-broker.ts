/**
 * `kafkaBroker()`: describes a Kafka broker for the module's options.
 */
import {
  type AdapterDescription,
  type AmbientScope,
  type Broker,
  type BrokerContext,
  type ConsumerRequest,
  type EventConsumer,
  ExactlyOnceError,
  type GroupPositions,
  type Publisher,
  type Storage,
  type TransactionalPublisher,
} from '@exactly-once/core';
import type { ClientAdmin, KafkaClient } from './kafka-client.js';
import { KafkaConsumer } from './kafka-consumer.js';
import {
  checkKafkaOptions,
  defaultOutboxPrefix,
  type KafkaBrokerOptions,
  queueBounds,
} from './kafka-options.js';
import { KafkaPositions } from './kafka-positions.js';
import { KafkaPublisher } from './kafka-publisher.js';
import { kafkajsClient } from './kafkajs/connect-kafkajs.js';
import { consumerDefaults } from './kafkajs/kafkajs-options.js';
import { KafkaTransactionalPublisher } from './relay-transactions/kafka-transactional-publisher.js';
import { defaultMaxRequestBytes } from './request-bound.js';
import { KafkaTransactions } from './transactions/kafka-transactions.js';

/** Throws EO_OPTION_UNKNOWN, EO_OPTION_INVALID and EO_OPTION_MISSING at once. */
export function kafkaBroker(options: KafkaBrokerOptions): AdapterDescription<Broker> {
  checkKafkaOptions(options);
  return { inject: [], create: () => new KafkaBroker(options) };
}

class KafkaBroker implements Broker {
  readonly name = 'kafka';
  readonly sessionTimeoutMs: number;
  readonly #options: KafkaBrokerOptions;
  #client: KafkaClient | null = null;
  #context: BrokerContext | null = null;
  #admin: Promise<ClientAdmin> | null = null;
  #transactions: KafkaTransactions | null = null;

  constructor(options: KafkaBrokerOptions) {
    this.#options = options;
    this.sessionTimeoutMs = options.consumer?.sessionTimeout ?? consumerDefaults.sessionTimeout;
  }

  bind(context: BrokerContext): void {
    this.#context = context;
    this.#client = kafkajsClient(this.#options, context);
  }

  publisher(): Publisher {
    const { client, context } = this.#bound();
    const maxRequestBytes = this.#options.producer?.maxRequestBytes;
    return new KafkaPublisher({ client, clock: context.clock, logger: context.logger, maxRequestBytes });
  }

  transactionalPublisher(): TransactionalPublisher {
    const { client, context } = this.#bound();
    const { clock, logger } = context;
    const { outboxPrefix: prefix = defaultOutboxPrefix, producer } = this.#options;
    const maxRequestBytes = producer?.maxRequestBytes ?? defaultMaxRequestBytes;
    return new KafkaTransactionalPublisher({ client, clock, logger, prefix, maxRequestBytes });
  }

  transactions(ambient: AmbientScope): Storage {
    this.#transactions = new KafkaTransactions({
      ambient,
      bound: () => {
        const { client, context } = this.#bound();
        return { client, logger: context.logger };
      },
      deadLetterTopic: this.#options.deadLetterTopic ?? ((topic) => `${topic}.dead-letters`),
    });
    return this.#transactions;
  }

  consumer(request: ConsumerRequest): EventConsumer {
    const { client, context } = this.#bound();
    return new KafkaConsumer({
      client,
      clock: context.clock,
      logger: context.logger,
      bounds: queueBounds(this.#options.queue, request.maxEvents),
      request,
    });
  }

  positions(): GroupPositions {
    return new KafkaPositions(this.#bound().client);
  }

  async retentionOf(topics: readonly string[]): Promise<ReadonlyMap<string, number | null>> {
    const admin = this.#bound().client.admin({ retries: 0 });
    await admin.connect();
    try {
      return await admin.retentionMs(topics);
    } finally {
      await admin.disconnect();
    }
  }

  async ping(): Promise<void> {
    const { client } = this.#bound();
    this.#admin ??= (async () => {
      const admin = client.admin({ retries: 0 });
      await admin.connect();
      return admin;
    })();
    try {
      await (await this.#admin).ping();
    } catch (cause) {
      await this.#forgetAdmin();
      throw new ExactlyOnceError('EO_BROKER_UNAVAILABLE', 'Kafka did not answer', { cause });
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#transactions?.close(), this.#forgetAdmin()]);
  }

  async #forgetAdmin(): Promise<void> {
    const admin = this.#admin;
    this.#admin = null;
    if (admin === null) return;
    await admin.then(
      (connected) => connected.disconnect(),
      () => undefined, // it never connected, and ping has said so
    );
  }

  #bound(): { client: KafkaClient; context: BrokerContext } {
    if (this.#client === null || this.#context === null) {
      throw new ExactlyOnceError('EO_INTERNAL', 'a broker was used before it was bound');
    }
    return { client: this.#client, context: this.#context };
  }
}
