import { randomUUID } from 'node:crypto';
import { kafkaBroker } from '@exactly-once/kafka';
import {
  ExactlyOnce,
  ExactlyOnceHealthIndicator,
  ExactlyOnceModule,
  exactlyOnce,
  OutboxRepository,
} from '@exactly-once/nestjs';
import { typeOrmStorage } from '@exactly-once/typeorm';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type INestApplication, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { findKafka, type KafkaCluster } from '../services/kafka.js';
import { until } from '../services/ports.js';
import { findPostgres, type PostgresServer, type TestDatabase } from '../services/postgres.js';
import { shop } from './shop.js';

describe('an application as in the documentation', () => {
  let kafka: KafkaCluster;
  let postgres: PostgresServer;
  let database: TestDatabase;
  let app: INestApplication;
  let topic: string;
  let output: string;
  let classes: ReturnType<typeof shop>;

  beforeAll(async () => {
    [kafka, postgres] = [await findKafka(), await findPostgres()];
    database = await postgres.createDatabase('nest');
    topic = await kafka.createTopic('nest', { partitions: 2 });
    output = await kafka.createTopic('nest-out');
    classes = shop(topic, output);

    @Module({
      imports: [
        TypeOrmModule.forRoot({
          type: 'postgres',
          url: database.url,
          autoLoadEntities: true,
          synchronize: true,
        }),
        ExactlyOnceModule.forRoot({
          service: 'payments',
          group: kafka.group('payments'),
          unhandled: 'skip',
          retry: { attempts: 2, backoffMs: 1 },
          storage: typeOrmStorage({ migrate: true }),
          broker: kafkaBroker({ client: { brokers: kafka.brokers } }),
        }),
        classes.PaymentsModule,
      ],
    })
    class MainModule {}

    app = await NestFactory.create(MainModule, { logger: ['error', 'warn'] });
    app.connectMicroservice(exactlyOnce(), { inheritAppConfig: true });
    await app.startAllMicroservices();
    await app.init();
  });

  afterAll(async () => {
    await app?.close();
    await database?.drop();
    await kafka?.stop();
    await postgres?.stop();
  });

  it('handles a published event once and publishes what it caused', async () => {
    const orderId = randomUUID();

    await app
      .get(ExactlyOnce)
      .transaction(() => app.get(OutboxRepository).publish(classes.OrderPlaced.of(orderId, 100)));
    await until('the payment is made', async () => (await paymentsOf(orderId)).length > 0);
    await until(
      'the outbox is empty',
      async () => (await database.query('SELECT 1 FROM eo_outbox')).length === 0,
    );

    const published = await kafka.dump(output, { isolation: 'read_committed' });
    expect(await paymentsOf(orderId)).toMatchObject([{ cents: 100 }]);
    expect(published.filter((record) => record.key === orderId)).toHaveLength(1);
  });

  it('handles what was published within a transaction of TypeORM, and nothing of one that rolled back', async () => {
    const [orderId, other, undone] = [randomUUID(), randomUUID(), randomUUID()];
    const orders = (...ids: string[]) => ids.map((id) => classes.OrderPlaced.of(id, 100));
    const source = app.get(DataSource);

    const rollback = source.transaction(async (manager) => {
      await app.get(OutboxRepository).within(manager).publish(orders(undone));
      throw new Error('on purpose');
    });
    await expect(rollback).rejects.toThrow('on purpose');
    const published = await source.transaction((manager) =>
      app.get(OutboxRepository).within(manager).publish(orders(orderId, other)),
    );
    await until('both payments are made', async () => {
      const made = await Promise.all([orderId, other].map(paymentsOf));
      return made.every((payments) => payments.length === 1);
    });

    expect(published.map(({ key }) => key)).toEqual([orderId, other]);
    expect(await paymentsOf(undone)).toEqual([]);
  });

  it('absorbs a duplicate and handles its neighbour', async () => {
    const [id, orderId, neighbour] = [randomUUID(), randomUUID(), randomUUID()];
    const message = (eventId: string, order: string) => ({
      key: order,
      value: JSON.stringify({ orderId: order, totalCents: 5 }),
      headers: { ce_specversion: '1.0', ce_id: eventId, ce_source: 'orders', ce_type: 'order.placed' },
    });
    const producer = kafka.client.producer();
    await producer.connect();

    await producer.send({
      topic,
      messages: [message(id, orderId), message(id, orderId), message(randomUUID(), neighbour)],
    });
    await producer.send({ topic, messages: [message(id, orderId)] });
    await producer.disconnect();
    await until('the neighbour is paid', async () => (await paymentsOf(neighbour)).length > 0);
    await until('the group is at the end', () => drained());

    expect(await paymentsOf(orderId)).toHaveLength(1);
    expect(await paymentsOf(neighbour)).toHaveLength(1);
  });

  it('dead-letters what breaks the rules of its class, and what cannot be read', async () => {
    const good = randomUUID();
    const headers = (id: string) => ({
      ce_specversion: '1.0',
      ce_id: id,
      ce_source: 'o',
      ce_type: 'order.placed',
    });
    const producer = kafka.client.producer();
    await producer.connect();

    await producer.send({
      topic,
      messages: [
        { key: 'x', value: '{"orderId":"no uuid","totalCents":1}', headers: headers('bad-1') },
        { key: 'x', value: '{"orderId":', headers: headers('bad-2') },
        { key: 'x', value: 'no headers at all' },
        { key: 'x', value: null, headers: headers('tombstone') },
        { key: 'x', value: JSON.stringify({ orderId: good, totalCents: 1 }), headers: headers(good) },
      ],
    });
    await producer.disconnect();
    await until('the good one is paid', async () => (await paymentsOf(good)).length > 0);

    const letters = await database.query(
      `SELECT code, convert_from(event_id, 'UTF8') AS id FROM eo_dead_letter ORDER BY id`,
    );
    expect(letters).toEqual(
      expect.arrayContaining([
        { code: 'EO_VALIDATION_FAILED', id: 'bad-1' },
        { code: 'EO_BODY_INVALID', id: 'bad-2' },
        { code: 'EO_BODY_INVALID', id: 'tombstone' },
        { code: 'EO_ENVELOPE_INVALID', id: null },
      ]),
    );
    expect(letters).toHaveLength(4);
  });

  it('reports its health', () => {
    expect(app.get(ExactlyOnceHealthIndicator).isHealthy('events')).toMatchObject({
      events: { status: 'up' },
    });
  });

  it('refuses to publish outside of a transaction', async () => {
    const publishing = app.get(OutboxRepository).publish(classes.OrderPlaced.of(randomUUID(), 1));

    await expect(publishing).rejects.toMatchObject({ code: 'EO_NO_TRANSACTION' });
  });

  function paymentsOf(orderId: string) {
    return database.query('SELECT * FROM payment WHERE "orderId" = $1', [orderId]);
  }

  async function drained(): Promise<boolean> {
    const ends = await kafka.ends(topic);
    const rows = await database.query('SELECT partition, next_offset FROM eo_fence WHERE topic = $1', [
      topic,
    ]);
    const positions = new Map(rows.map((row) => [row.partition, BigInt(row.next_offset)]));
    return [...ends].every(([partition, end]) => end === 0n || positions.get(partition) === end);
  }
});
