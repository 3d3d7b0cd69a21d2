/**
 * `kafkaBroker()`: describes a Kafka broker for the module's options.
 */
import {
  type AdapterDescription,
  type Broker,
  type BrokerContext,
  type ConsumerRequest,
  checkNumber,
  checkOptions,
  type EventConsumer,
  ExactlyOnceError,
  type Publisher,
} from '@exactly-once/core';
import kafkajs, {
  type Admin,
  type ConsumerConfig,
  type Kafka as KafkaClient,
  type KafkaConfig,
  type ProducerConfig,
} from 'kafkajs';
import { KafkaConsumer } from './kafka-consumer.js';
import { kafkaLogging } from './kafka-logging.js';
import { KafkaPublisher } from './kafka-publisher.js';
import { MemoryBudget } from './memory-budget.js';

const { Kafka } = kafkajs;

/** Bounds of what is in memory for one partition, and for all. */
export interface QueueOptions {
  /** Records at which fetching pauses. From 1. Default 5,000. */
  readonly maxEvents?: number;
  /** Bytes at which fetching pauses. From 1. Default 8,388,608. */
  readonly maxBytes?: number;
  /**
   * Bytes of all partitions together at which all fetching pauses. From 1. Default 268,435,456. One fetch
   * (kafkajs's `maxBytes`, 10 MiB unless said) may overshoot it.
   */
  readonly totalBytes?: number;
}

export interface KafkaBrokerOptions {
  /** kafkajs's own configuration (brokers, ssl, sasl, …), or a client of yours. */
  readonly client: KafkaConfig | KafkaClient;
  /**
   * kafkajs's consumer configuration. Defaults: `sessionTimeout` 10,000 ms, `heartbeatInterval` 300 ms,
   * `maxWaitTimeInMs` 200 ms. `groupId` is the module's `group`; offsets are committed by us.
   */
  readonly consumer?: Omit<ConsumerConfig, 'groupId'>;
  /** kafkajs's producer configuration. Always idempotent, one request in flight, `acks=all`. */
  readonly producer?: Omit<ProducerConfig, 'idempotent' | 'maxInFlightRequests' | 'transactionalId'>;
  readonly queue?: QueueOptions;
}

const defaults = {
  sessionTimeout: 10_000,
  heartbeatInterval: 300,
  maxWaitTimeInMs: 200,
  rebalanceTimeout: 30_000,
};

/** Throws EO_OPTION_UNKNOWN, EO_OPTION_INVALID and EO_OPTION_MISSING at once. */
export function kafkaBroker(options: KafkaBrokerOptions): AdapterDescription<Broker> {
  checkOptions('kafkaBroker()', options, ['client', 'consumer', 'producer', 'queue']);
  if (options.client === undefined)
    throw new ExactlyOnceError('EO_OPTION_MISSING', 'kafkaBroker() has no `client`');
  checkOptions('kafkaBroker() queue', options.queue ?? {}, ['maxEvents', 'maxBytes', 'totalBytes']);
  checkNumber('queue.maxEvents', options.queue?.maxEvents, 1, 10_000_000);
  checkNumber('queue.maxBytes', options.queue?.maxBytes, 1, Number.MAX_SAFE_INTEGER);
  checkNumber('queue.totalBytes', options.queue?.totalBytes, 1, Number.MAX_SAFE_INTEGER);
  refuse('consumer', options.consumer, {
    groupId: "it is the module's `group`",
    autoCommit: 'offsets are committed after the transaction',
  });
  refuse('producer', options.producer, {
    idempotent: 'it always is',
    maxInFlightRequests: 'it is 1, so that order is kept',
    transactionalId: 'Kafka transactions are not part of this release',
    acks: 'it is always all',
  });
  return { inject: [], create: () => new KafkaBroker(options) };
}

function refuse(part: string, given: object | undefined, reasons: Readonly<Record<string, string>>): void {
  for (const [name, reason] of Object.entries(reasons)) {
    if (given === undefined || !(name in given)) continue;
    throw new ExactlyOnceError('EO_OPTION_INVALID', `kafkaBroker() ${part}.${name} cannot be set: ${reason}`);
  }
}

class KafkaBroker implements Broker {
  readonly name = 'kafka';
  readonly sessionTimeoutMs: number;
  readonly #options: KafkaBrokerOptions;
  #kafka: KafkaClient | null = null;
  #context: BrokerContext | null = null;
  #admin: Promise<Admin> | null = null;

  constructor(options: KafkaBrokerOptions) {
    this.#options = options;
    this.sessionTimeoutMs = options.consumer?.sessionTimeout ?? defaults.sessionTimeout;
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
    return new KafkaPublisher(kafka, { ...this.#options.producer }, context.logger);
  }

  consumer(request: ConsumerRequest): EventConsumer {
    const { kafka, context } = this.#bound();
    const { queue = {}, consumer = {} } = this.#options;
    const heartbeatInterval =
      consumer.heartbeatInterval ?? Math.min(defaults.heartbeatInterval, this.sessionTimeoutMs / 5);
    return new KafkaConsumer({
      kafka,
      clock: context.clock,
      logger: context.logger,
      config: { ...defaults, allowAutoTopicCreation: false, ...consumer, heartbeatInterval },
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
      await this.close();
      throw new ExactlyOnceError('EO_BROKER_UNAVAILABLE', 'Kafka did not answer', { cause });
    }
  }

  async close(): Promise<void> {
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

function isClient(client: KafkaConfig | KafkaClient): client is KafkaClient {
  return 'producer' in client && typeof client.producer === 'function';
}
