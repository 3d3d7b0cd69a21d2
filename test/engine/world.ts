/**
 * A real engine on real PostgreSQL and Kafka, without Nest: what the end-to-end tests of the engine share.
 */
import {
  type Broker,
  Engine,
  type EngineOptions,
  type EventTypeDescriptor,
  type Logger,
  type Storage,
} from '@exactly-once/core';
import { kafkaBroker } from '@exactly-once/kafka';
import { storageOn } from '@exactly-once/typeorm';
import { DataSource } from 'typeorm';
import { findKafka, type KafkaCluster } from '../services/kafka.js';
import { findPostgres, type PostgresServer, type TestDatabase } from '../services/postgres.js';

export interface OrderPlaced {
  readonly orderId: string;
  readonly cents: number;
}

export class World {
  readonly engines: Engine[] = [];
  readonly sources: DataSource[] = [];
  readonly log: string[] = [];

  private constructor(
    readonly postgres: PostgresServer,
    readonly kafka: KafkaCluster,
    readonly database: TestDatabase,
    readonly topic: string,
    readonly output: string,
    readonly group: string,
  ) {}

  static async open(prefix: string, partitions = 2): Promise<World> {
    const [postgres, kafka] = [await findPostgres(), await findKafka()];
    const database = await postgres.createDatabase(prefix.replaceAll('-', '_'));
    const topic = await kafka.createTopic(prefix, { partitions });
    const output = await kafka.createTopic(`${prefix}-out`, { partitions: 1 });
    await database.query(
      'CREATE TABLE ledger (id bigserial, handler text, event_id text, order_id text, cents int)',
    );
    return new World(postgres, kafka, database, topic, output, kafka.group(prefix));
  }

  get placed(): EventTypeDescriptor<OrderPlaced> {
    return { type: 'order.placed', topic: this.topic, version: 1, key: (order) => order.orderId };
  }

  get captured(): EventTypeDescriptor<OrderPlaced> {
    return { type: 'payment.captured', topic: this.output, version: 1, key: (order) => order.orderId };
  }

  async dataSource(): Promise<DataSource> {
    const source = new DataSource({ type: 'postgres', url: this.database.url, poolSize: 10 });
    await source.initialize();
    this.sources.push(source);
    return source;
  }

  async storage(source?: DataSource): Promise<Storage> {
    return storageOn(source ?? (await this.dataSource()), { migrate: true });
  }

  broker(settings: { sessionTimeout?: number } = {}): Broker {
    const { create } = kafkaBroker({ client: { brokers: this.kafka.brokers }, consumer: settings });
    return create() as Broker;
  }

  /** An engine with the given handlers; not started. */
  async engine(options: Partial<EngineOptions> & Pick<EngineOptions, 'storage'>): Promise<Engine> {
    const engine = new Engine({
      service: 'test',
      group: this.group,
      broker: this.broker(),
      handlers: [],
      types: [this.placed, this.captured],
      unhandled: 'skip',
      retry: { attempts: 3, backoffMs: 10 },
      logger: this.logger(),
      ...options,
    });
    this.engines.push(engine);
    return engine;
  }

  /** An operator moves the group, while it is away, to an offset of partition 0. */
  async resetTo(offset: string): Promise<void> {
    await this.kafka.admin((admin) =>
      admin.setOffsets({ groupId: this.group, topic: this.topic, partitions: [{ partition: 0, offset }] }),
    );
  }

  logger(): Logger {
    const keep = (level: string) => (message: string) => void this.log.push(`${level} ${message}`);
    return { error: keep('error'), warn: keep('warn'), info: keep('info'), debug: () => undefined };
  }

  /** Records with these ids on the input topic, all of one key, in order. */
  async produce(...ids: readonly string[]): Promise<void> {
    await this.produceKeyed(...ids.map((id) => ({ id, key: 'k' })));
  }

  /** Records with these ids and keys on the input topic, in order. */
  async produceKeyed(...events: readonly { id: string; key: string; partition?: number }[]): Promise<void> {
    const producer = this.kafka.client.producer();
    await producer.connect();
    const messages = events.map(({ id, ...event }) => ({
      ...event,
      value: JSON.stringify({ id }),
      headers: { ce_specversion: '1.0', ce_id: id, ce_source: 'test', ce_type: 'order.placed' },
    }));
    await producer.send({ topic: this.topic, messages });
    await producer.disconnect();
  }

  async close(): Promise<void> {
    for (const engine of this.engines) await engine.stop();
    for (const source of this.sources) if (source.isInitialized) await source.destroy();
    await this.database.drop();
    await this.kafka.stop();
    await this.postgres.stop();
  }
}
