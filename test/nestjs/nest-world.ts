/**
 * Applications on real services for the tests of the Nest module: starts them, feeds their topics, cleans up.
 */
import { kafkaBroker } from '@exactly-once/kafka';
import { ExactlyOnceModule, type ExactlyOnceOptions, exactlyOnce } from '@exactly-once/nestjs';
import { typeOrmStorage } from '@exactly-once/typeorm';
import { type INestApplication, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { Producer } from 'kafkajs';
import { findKafka, type KafkaCluster } from '../services/kafka.js';
import { until } from '../services/ports.js';
import { findPostgres, type PostgresServer, type TestDatabase } from '../services/postgres.js';

export interface FedEvent {
  readonly id: string;
  readonly data: unknown;
  readonly type?: string;
  readonly source?: string;
  readonly key?: string;
}

export class NestWorld {
  readonly apps: INestApplication[] = [];

  private constructor(
    readonly postgres: PostgresServer,
    readonly kafka: KafkaCluster,
    readonly database: TestDatabase,
    readonly topic: string,
    readonly producer: Producer,
  ) {}

  static async open(prefix: string): Promise<NestWorld> {
    const [postgres, kafka] = [await findPostgres(), await findKafka()];
    const database = await postgres.createDatabase(prefix.replaceAll('-', '_'));
    await database.query('CREATE TABLE ledger (id bigserial, handler text, event_id text, note text)');
    const topic = await kafka.createTopic(prefix);
    const producer = kafka.client.producer();
    await producer.connect();
    return new NestWorld(postgres, kafka, database, topic, producer);
  }

  typeOrm(url = this.database.url, name?: string) {
    return TypeOrmModule.forRoot({
      type: 'postgres',
      url,
      autoLoadEntities: true,
      ...(name ? { name } : {}),
    });
  }

  exactlyOnce(options: Partial<ExactlyOnceOptions> = {}) {
    return ExactlyOnceModule.forRoot({
      service: 'test',
      group: this.kafka.group('nest'),
      unhandled: 'skip',
      retry: { attempts: 2, backoffMs: 1 },
      storage: typeOrmStorage({ migrate: true }),
      broker: kafkaBroker({ client: { brokers: this.kafka.brokers } }),
      ...options,
    });
  }

  async start(
    module: Type,
    configure: (app: INestApplication) => void = () => {},
  ): Promise<INestApplication> {
    const app = await NestFactory.create(module, { logger: false, abortOnError: false });
    this.apps.push(app);
    configure(app);
    app.connectMicroservice(exactlyOnce(), { inheritAppConfig: true });
    await app.startAllMicroservices();
    await app.init();
    return app;
  }

  async feed(...events: FedEvent[]): Promise<void> {
    const messages = events.map(({ id, data, type = 'thing.happened', source = 'test', key = 'k' }) => ({
      key,
      value: JSON.stringify(data),
      headers: { ce_specversion: '1.0', ce_id: id, ce_source: source, ce_type: type },
    }));
    await this.producer.send({ topic: this.topic, messages });
  }

  async ledger(): Promise<string[]> {
    const rows = await this.database.query('SELECT handler, event_id FROM ledger ORDER BY id');
    return rows.map((row) => `${row.handler} ${row.event_id}`);
  }

  async letters(): Promise<string[]> {
    const rows = await this.database.query(
      `SELECT code, convert_from(event_id, 'UTF8') AS event_id FROM eo_dead_letter ORDER BY id`,
    );
    return rows.map((row) => `${row.code} ${row.event_id}`);
  }

  async handled(event: string): Promise<void> {
    await until(`${event} is in the ledger`, async () => (await this.ledger()).includes(event));
  }

  async close(): Promise<void> {
    for (const app of this.apps) await app.close();
    await this.producer.disconnect();
    await this.database.drop();
    await this.kafka.stop();
    await this.postgres.stop();
  }
}
