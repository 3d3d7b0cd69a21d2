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
  type Publisher,
  type Storage,
} from '@exactly-once/core';
import kafkajs, { type Admin, type Kafka as KafkaClient } from 'kafkajs';
import { KafkaConsumer } from './kafka-consumer.js';
import { kafkaLogging } from './kafka-logging.js';
import { checkKafkaOptions, consumerDefaults, isClient, type KafkaBrokerOptions } from './kafka-options.js';
import { KafkaPublisher } from './kafka-publisher.js';
import { MemoryBudget } from './memory-budget.js';
import { KafkaTransactions } from './transactions/kafka-transactions.js';

const { Kafka } = kafkajs;

/** Throws EO_OPTION_UNKNOWN, EO_OPTION_INVALID and EO_OPTION_MISSING at once. */
export function kafkaBroker(options: KafkaBrokerOptions): AdapterDescription<Broker> {
  checkKafkaOptions(options);
  return { inject: [], create: () => new KafkaBroker(options) };
}

class KafkaBroker implements Broker {
  readonly name = 'kafka';
  readonly sessionTimeoutMs: number;
  readonly #options: KafkaBrokerOptions;
  #kafka: KafkaClient | null = null;
  #context: BrokerContext | null = null;
  #admin: Promise<Admin> | null = null;
  #transactions: KafkaTransactions | null = null;

  constructor(options: KafkaBrokerOptions) {
    this.#options = options;
    this.sessionTimeoutMs = options.consumer?.sessionTimeout ?? consumerDefaults.sessionTimeout;
  }

  bind(context: BrokerContext): void {
    this.#context = context;
    const { client } = this.#options;
    const clientId = context.service.replace(/[^A-Za-z0-9._-]/g, '-');
    this.#kafka = isClient(client)
      ? client
      : new Kafka({ clientId, ...kafkaLogging(context.logger), ...client });
  }

  publisher(): Publisher {
    const { kafka, context } = this.#bound();
    const { clock, logger } = context;
    return new KafkaPublisher({ kafka, config: { ...this.#options.producer }, clock, logger });
  }

  transactions(ambient: AmbientScope): Storage {
    this.#transactions = new KafkaTransactions({
      ambient,
      client: () => {
        const { kafka, context } = this.#bound();
        return { kafka, logger: context.logger };
      },
      producer: { ...this.#options.producer },
      deadLetterTopic: this.#options.deadLetterTopic ?? ((topic) => `${topic}.dead-letters`),
    });
    return this.#transactions;
  }

  consumer(request: ConsumerRequest): EventConsumer {
    const { kafka, context } = this.#bound();
    const { queue = {}, consumer = {} } = this.#options;
    const { heartbeatInterval, maxWaitTimeInMs } = consumerDefaults;
    const often = Math.ceil(this.sessionTimeoutMs / 5);
    return new KafkaConsumer({
      kafka,
      clock: context.clock,
      logger: context.logger,
      config: {
        ...consumerDefaults,
        heartbeatInterval: Math.min(heartbeatInterval, often),
        maxWaitTimeInMs: Math.min(maxWaitTimeInMs, often),
        allowAutoTopicCreation: false,
        ...consumer,
      },
      bounds: {
        events: queue.maxEvents ?? 5_000,
        bytes: queue.maxBytes ?? 8_388_608,
        budget: new MemoryBudget(queue.totalBytes ?? 268_435_456),
      },
      request,
    });
  }

  async ping(): Promise<void> {
    const { kafka } = this.#bound();
    this.#admin ??= (async () => {
      const admin = kafka.admin({ retry: { retries: 0 } });
      await admin.connect();
      return admin;
    })();
    try {
      await (await this.#admin).describeCluster();
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

  #bound(): { kafka: KafkaClient; context: BrokerContext } {
    if (this.#kafka === null || this.#context === null) {
      throw new ExactlyOnceError('EO_INTERNAL', 'a broker was used before it was bound');
    }
    return { kafka: this.#kafka, context: this.#context };
  }
}
