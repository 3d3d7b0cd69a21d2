/**
 * What an application may say to kafkajs, and the check of it. kafkajs accepts any name and leaves out what it does not
 * know: here a wrong one stops the start.
 */
import { checkNumber, checkOptions, ExactlyOnceError, longestTimerMs } from '@exactly-once/core';
import type { ConsumerConfig, Kafka as KafkaClient, KafkaConfig, ProducerConfig } from 'kafkajs';

export interface KafkajsOptions {
  /** kafkajs's own configuration (brokers, ssl, sasl, …), or a client of yours. */
  readonly client: KafkaConfig | KafkaClient;
  /**
   * kafkajs's consumer configuration. Defaults: `sessionTimeout` 10,000 ms, `rebalanceTimeout` 30,000 ms,
   * `maxWaitTimeInMs` 200 ms, `heartbeatInterval` 300 ms or a fifth of a shorter session. `heartbeatInterval` and
   * `maxWaitTimeInMs` are a third of the session at most. `groupId` is the module's `group`; offsets are committed
   * by us.
   */
  readonly consumer?: Omit<ConsumerConfig, 'groupId'>;
  /**
   * kafkajs's producer configuration. Always idempotent, one request in flight, `acks=all`. Default `retry`:
   * 3 retries from 100 ms; beyond that the relay tries again by itself. `transactionTimeout` (default 30,000 ms; the
   * broker's `transaction.max.timeout.ms` at most) is how long readers of `read_committed` wait for a process that
   * died within a Kafka transaction, where no other takes its partition over before.
   */
  readonly producer?: Omit<ProducerConfig, 'idempotent' | 'maxInFlightRequests' | 'transactionalId'> &
    RequestOptions;
}

/** Ours, beside kafkajs's. */
export interface RequestOptions {
  /**
   * Most bytes of one request to the broker, its `socket.request.max.bytes`: on a larger one it closes the connection
   * and says nothing. The relay's batches are split to stay below; an event that is larger alone is refused. From
   * 65,536. Default 104,857,600, as Kafka's.
   */
  readonly maxRequestBytes?: number;
}

export const consumerDefaults = {
  sessionTimeout: 10_000,
  heartbeatInterval: 300,
  maxWaitTimeInMs: 200,
  rebalanceTimeout: 30_000,
};

/** The protocol's lengths have 31 bits. */
const mostRequestBytes = 2_147_483_647;

type Names<T> = Readonly<Record<keyof Required<T>, true>>;

/** Complete by type: a name that kafkajs adds or drops does not compile. */
const clientNames: Names<KafkaConfig> = {
  ...{ brokers: true, ssl: true, sasl: true, clientId: true, connectionTimeout: true },
  ...{ authenticationTimeout: true, reauthenticationThreshold: true, requestTimeout: true },
  ...{ enforceRequestTimeout: true, retry: true, socketFactory: true, logLevel: true, logCreator: true },
};
const consumerNames: Names<Omit<ConsumerConfig, 'groupId'>> = {
  ...{ partitionAssigners: true, metadataMaxAge: true, sessionTimeout: true, rebalanceTimeout: true },
  ...{ heartbeatInterval: true, maxBytesPerPartition: true, minBytes: true, maxBytes: true },
  ...{ maxWaitTimeInMs: true, retry: true, allowAutoTopicCreation: true, maxInFlightRequests: true },
  ...{ readUncommitted: true, rackId: true },
};
const producerNames: Names<NonNullable<KafkajsOptions['producer']>> = {
  ...{ createPartitioner: true, retry: true, metadataMaxAge: true, allowAutoTopicCreation: true },
  ...{ transactionTimeout: true, maxRequestBytes: true },
};

/** Throws EO_OPTION_UNKNOWN, EO_OPTION_INVALID and EO_OPTION_MISSING. */
export function checkKafkajsOptions(options: KafkajsOptions): void {
  checkClient(options.client);
  refuse('consumer', options.consumer, {
    groupId: "it is the module's `group`",
    autoCommit: 'offsets are committed after the transaction',
  });
  refuse('producer', options.producer, {
    idempotent: 'it always is',
    maxInFlightRequests: 'it is 1, so that order is kept',
    transactionalId: "each partition of a handler with transaction: 'kafka' has its own",
    acks: 'it is always all',
  });
  checkOptions('kafkaBroker() consumer', options.consumer ?? {}, Object.keys(consumerNames));
  checkOptions('kafkaBroker() producer', options.producer ?? {}, Object.keys(producerNames));
  checkNumber('producer.maxRequestBytes', options.producer?.maxRequestBytes, 65_536, mostRequestBytes);
  checkTimes(options.consumer ?? {});
}

/** A kafkajs client, or what looks like one. */
export function isClient(client: KafkaConfig | KafkaClient): client is KafkaClient {
  return 'producer' in client && typeof client.producer === 'function';
}

function checkClient(client: KafkajsOptions['client'] | undefined): void {
  if (client === undefined) {
    throw new ExactlyOnceError('EO_OPTION_MISSING', 'kafkaBroker() has no `client`');
  }
  if (isClient(client)) return;
  checkOptions('kafkaBroker() client', client, Object.keys(clientNames));
  if (typeof client.brokers === 'function') return;
  if (Array.isArray(client.brokers) && client.brokers.length > 0) return;
  throw new ExactlyOnceError('EO_OPTION_MISSING', 'kafkaBroker() client.brokers names no broker');
}

/** A heartbeat is sent between two fetches: both must fit into the session several times. */
function checkTimes(consumer: NonNullable<KafkajsOptions['consumer']>): void {
  const session = consumer.sessionTimeout ?? consumerDefaults.sessionTimeout;
  const most = Math.floor(session / 3);
  checkNumber('consumer.sessionTimeout', consumer.sessionTimeout, 1, longestTimerMs, false);
  checkNumber('consumer.rebalanceTimeout', consumer.rebalanceTimeout, 1, longestTimerMs, false);
  for (const name of ['heartbeatInterval', 'maxWaitTimeInMs'] as const) {
    const value = consumer[name];
    checkNumber(`consumer.${name}`, value, name === 'heartbeatInterval' ? 1 : 0, longestTimerMs, false);
    if (value === undefined || value <= most) continue;
    throw new ExactlyOnceError(
      'EO_OPTION_INVALID',
      `kafkaBroker() consumer.${name} is ${value}: over a sessionTimeout of ${session} it is ${most} at most`,
    );
  }
}

function refuse(part: string, given: object | undefined, reasons: Readonly<Record<string, string>>): void {
  for (const [name, reason] of Object.entries(reasons)) {
    if (given === undefined || !(name in given)) continue;
    throw new ExactlyOnceError('EO_OPTION_INVALID', `kafkaBroker() ${part}.${name} cannot be set: ${reason}`);
  }
}
