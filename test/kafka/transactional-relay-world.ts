/**
 * Relays that send in transactions, from PostgreSQL to Kafka: each with connections of its own, as another process would
 * have them, and the topic as readers of both kinds see it.
 */
import {
  type Broker,
  noTelemetry,
  Relay,
  type Storage,
  systemClock,
  TransactionalSending,
} from '@exactly-once/core';
import { kafkaBroker } from '@exactly-once/kafka';
import type { Kafka, Producer, ProducerConfig, Transaction } from 'kafkajs';
import { contextOf } from '../brokers/database-under-test.js';
import { findKafka, type KafkaCluster } from '../services/kafka.js';
import { until } from '../services/ports.js';
import { anEvent, begun, StorageWorld, sealAndCommit } from '../typeorm/storage-world.js';
import { type Isolation, idsOn } from './committed-reader.js';
import { type Point, Stoppable } from './stoppable.js';

/** Called in the place of a transaction's last step. */
export type AtCommit = (transaction: Transaction, commit: () => Promise<void>) => Promise<void>;

export interface RunningRelay {
  readonly process: Stoppable;
  readonly log: string[];
}

interface Started extends RunningRelay {
  end(): Promise<void>;
}

export class TransactionalRelayWorld {
  topic = '';
  readonly prefix: string;
  readonly #relays: Started[] = [];

  private constructor(
    readonly kafka: KafkaCluster,
    readonly database: StorageWorld,
    readonly storage: Storage,
  ) {
    this.prefix = kafka.group('relay-test');
  }

  static async open(): Promise<TransactionalRelayWorld> {
    const database = await StorageWorld.open('transactional_relay');
    return new TransactionalRelayWorld(await findKafka(), database, await database.storage());
  }

  async clear(): Promise<void> {
    this.topic = await this.kafka.createTopic('relayed');
    await this.database.clear();
  }

  async start(point: Point | null = null, atCommit?: AtCommit): Promise<RunningRelay> {
    const process = new Stoppable(point);
    const storage = process.storage(this.storage);
    const log: string[] = [];
    const keep = (line: string) => void log.push(line);
    const logger = { error: keep, warn: keep, info: keep, debug: keep };
    const client = atCommit === undefined ? this.kafka.client : committing(this.kafka.client, atCommit);
    const broker: Broker = await kafkaBroker({ client, outboxPrefix: this.prefix }).create();
    broker.bind({ ...contextOf(this.storage), logger });
    const publisher = broker.transactionalPublisher!();
    const sending = new TransactionalSending({
      outbox: storage.outbox,
      publisher: process.publisher(publisher),
      logger,
      archiveMs: 0,
    });
    const relay = new Relay({
      ...{ storage, sending, clock: systemClock, logger, telemetry: noTelemetry, random: Math.random },
      ...{ owner: `relay-${this.#relays.length}`, batchSize: 100, maxBytes: 1_000_000 },
      ...{ leaseMs: 1_000, maxPollMs: 50, holdBackMs: 1_000 },
    });
    const stop = new AbortController();
    const running = relay.run(stop.signal);
    const end = async () => {
      process.goOn();
      stop.abort();
      await running;
      await publisher.stop();
      await broker.close();
    };
    const started = { process, log, end };
    this.#relays.push(started);
    return started;
  }

  async publish(...ids: readonly string[]): Promise<void> {
    const transaction = await this.storage.begin(begun);
    const events = ids.map((id) => anEvent({ id, topic: this.topic }));
    transaction.outgoing.push(...events.map((event) => ({ event, deliverAtMs: null })));
    await sealAndCommit(transaction);
  }

  /** Nothing waits in the outbox, and nothing is in doubt. */
  async settled(): Promise<void> {
    const rows = 'SELECT 1 FROM eo_outbox UNION ALL SELECT 1 FROM eo_outbox_batch';
    await until('all is settled', async () => (await this.database.database.query(rows)).length === 0).catch(
      (error: Error) => {
        throw new Error(`${error.message}\n${this.#relays.map(({ log }) => log.join('\n')).join('\n--\n')}`);
      },
    );
  }

  /** That many records stand on the topic, committed or not. */
  async written(count: number): Promise<void> {
    await until('the batch is written', async () => (await this.ids('read_uncommitted')).length >= count);
  }

  ids(isolation?: Isolation): Promise<string[]> {
    return idsOn(this.kafka, this.topic, isolation);
  }

  async endRelays(): Promise<void> {
    for (const relay of this.#relays.splice(0)) await relay.end();
  }

  async close(): Promise<void> {
    await this.database.close();
    await this.kafka.stop();
  }
}

/** The client, of which each transaction's commit passes by `atCommit`. */
function committing(client: Kafka, atCommit: AtCommit): Kafka {
  const watched = (producer: Producer): Producer => ({
    ...producer,
    transaction: async () => {
      const transaction = await producer.transaction();
      return { ...transaction, commit: () => atCommit(transaction, () => transaction.commit()) };
    },
  });
  return {
    ...{ admin: client.admin.bind(client), consumer: client.consumer.bind(client) },
    logger: client.logger.bind(client),
    producer: (config?: ProducerConfig) => watched(client.producer(config)),
  };
}
