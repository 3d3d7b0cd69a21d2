/**
 * kafkajs behind the port, with the settings that our promises rest on. Steps 2, 3, 6 and 7 of an event's life.
 *
 * Nothing outside of this folder imports kafkajs, and nothing in it knows a fence, a queue or a retry of ours.
 */
import { type Consumer, type Kafka, Partitioners, type ProducerConfig } from 'kafkajs';
import type {
  ClientAdmin,
  ClientProducer,
  ClientTransactionalProducer,
  GroupMember,
  KafkaClient,
  MemberListener,
  MembershipTimes,
} from '../kafka-client.js';
import { KafkajsAdmin } from './kafkajs-admin.js';
import { type ConsumerSettings, KafkajsMember } from './kafkajs-member.js';
import { consumerDefaults, type KafkajsOptions } from './kafkajs-options.js';
import { KafkajsProducer, KafkajsTransactionalProducer } from './kafkajs-producer.js';
import { knowing } from './known-topics.js';
import { steadyPartitioner } from './steady-partitioner.js';

export interface KafkajsParts {
  readonly kafka: Kafka;
  readonly consumer?: KafkajsOptions['consumer'];
  readonly producer?: KafkajsOptions['producer'];
}

/** kafkajs tries again a few times at once; beyond that the relay does, and says so. */
const producerRetry = { retries: 3, initialRetryTime: 100 };

/** Milliseconds in which the coordinator ends a transaction of a process that died within it; below every broker's limit. */
const transactionTimeout = 30_000;

export class KafkajsClient implements KafkaClient {
  readonly #kafka: Kafka;
  readonly #consumer: ConsumerSettings;
  readonly #producer: ProducerConfig;

  constructor({ kafka, consumer = {}, producer = {} }: KafkajsParts) {
    const { sessionTimeout, heartbeatInterval, maxWaitTimeInMs } = consumerDefaults;
    const often = Math.ceil((consumer.sessionTimeout ?? sessionTimeout) / 5);
    this.#kafka = kafka;
    this.#consumer = {
      ...consumerDefaults,
      heartbeatInterval: Math.min(heartbeatInterval, often),
      maxWaitTimeInMs: Math.min(maxWaitTimeInMs, often),
      allowAutoTopicCreation: false,
      ...consumer,
    };
    this.#producer = {
      allowAutoTopicCreation: false,
      ...producer,
      createPartitioner: steadyPartitioner(producer.createPartitioner ?? Partitioners.DefaultPartitioner),
      retry: { ...producerRetry, ...producer.retry },
      maxInFlightRequests: 1,
    };
  }

  get times(): MembershipTimes {
    return this.#consumer;
  }

  member(group: string, listener: MemberListener): GroupMember {
    const retry = { ...this.#consumer.retry, restartOnFailure: () => Promise.resolve(false) };
    const consumer: Consumer = this.#kafka.consumer({ ...this.#consumer, retry, groupId: group });
    return new KafkajsMember(consumer, listener);
  }

  producer(topics: readonly string[] = []): ClientProducer {
    const config = { ...this.#producer, idempotent: true };
    return new KafkajsProducer(knowing(this.#kafka, topics).producer(config));
  }

  transactionalProducer(
    transactionalId: string,
    topics: readonly string[] = [],
  ): ClientTransactionalProducer {
    const config = { transactionTimeout, ...this.#producer, transactionalId };
    return new KafkajsTransactionalProducer(knowing(this.#kafka, topics).producer(config));
  }

  admin(options?: { readonly retries: number }): ClientAdmin {
    return new KafkajsAdmin(this.#kafka.admin(options && { retry: options }));
  }
}
