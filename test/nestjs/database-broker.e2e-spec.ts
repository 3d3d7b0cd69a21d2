import 'reflect-metadata';
import {
  databaseBroker,
  EventContext,
  EventType,
  ExactlyOnce,
  ExactlyOnceHealthIndicator,
  ExactlyOnceModule,
  type ExactlyOnceOptions,
  exactlyOnce,
  IdempotentHandler,
  OutboxRepository,
} from '@exactly-once/nestjs';
import { embeddedPostgres, typeOrmStorage } from '@exactly-once/typeorm';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, type INestApplication, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, Payload } from '@nestjs/microservices';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { until } from '../services/ports.js';

const hourMs = 3_600_000;

@EventType<OrderPlaced>('order.placed', { topic: 'orders', key: ({ orderId }) => orderId })
class OrderPlaced {
  constructor(readonly orderId: string) {}
}

@EventType<PaymentCaptured>('payment.captured', { topic: 'payments', key: ({ orderId }) => orderId })
class PaymentCaptured {
  constructor(readonly orderId: string) {}
}

@Controller()
class Handlers {
  constructor(
    private readonly source: DataSource,
    private readonly outbox: OutboxRepository,
  ) {}

  @IdempotentHandler(OrderPlaced)
  async capture(@Payload() { orderId }: OrderPlaced): Promise<void> {
    await this.source.query('INSERT INTO ledger VALUES ($1, $2)', ['captured', orderId]);
    await this.outbox.publish(new PaymentCaptured(orderId));
  }

  @IdempotentHandler(PaymentCaptured)
  async ship(@Payload() { orderId }: PaymentCaptured, @Ctx() _: EventContext): Promise<void> {
    await this.source.query('INSERT INTO ledger VALUES ($1, $2)', ['shipped', orderId]);
  }
}

describe('an application without another broker than its database', () => {
  const apps: INestApplication[] = [];

  afterEach(async () => {
    for (const app of apps.splice(0)) await app.close();
  });

  const main = (options: Partial<ExactlyOnceOptions>, controllers = [Handlers]) => {
    @Module({
      imports: [
        TypeOrmModule.forRoot({ ...embeddedPostgres() }),
        ExactlyOnceModule.forRoot({
          service: 'shop',
          unhandled: 'stop',
          storage: typeOrmStorage({ migrate: true }),
          ...options,
        }),
      ],
      controllers,
    })
    class MainModule {}
    return MainModule;
  };

  const start = async (options: Partial<ExactlyOnceOptions>, controllers = [Handlers]) => {
    const app = await NestFactory.create(main(options, controllers), { logger: false, abortOnError: false });
    apps.push(app);
    const source = app.get(DataSource);
    await source.query('CREATE TABLE ledger (what text, order_id text)');
    app.connectMicroservice(exactlyOnce(), { inheritAppConfig: true });
    await app.startAllMicroservices();
    await app.init();
    const rows = async (sql: string): Promise<Record<string, unknown>[]> => source.query(sql);
    const place = (orderId: string) =>
      app.get(ExactlyOnce).transaction(() => app.get(OutboxRepository).publish(new OrderPlaced(orderId)));
    return { app, rows, place };
  };

  it('hands what it publishes to its own handlers, where no broker is named', async () => {
    const { app, rows, place } = await start({});

    await place('o-1');
    await until('it is shipped', async () => (await rows('SELECT * FROM ledger')).length === 2);

    expect(await rows('SELECT * FROM ledger')).toEqual([
      { what: 'captured', order_id: 'o-1' },
      { what: 'shipped', order_id: 'o-1' },
    ]);
    expect(app.get(ExactlyOnceHealthIndicator).isHealthy('events')['events']).toMatchObject({ status: 'up' });
  });

  it('does not wait for a look at the log, where the event comes from this process', async () => {
    const broker = databaseBroker({ partitions: 8, maxPollMs: hourMs, sessionTimeoutMs: hourMs });
    const { app, rows, place } = await start({ broker, relay: { maxPollMs: hourMs } });
    const joined = () => app.get(ExactlyOnceHealthIndicator).isHealthy('events')['events']?.status === 'up';
    await until('it has joined', async () => joined());

    for (let order = 1; order <= 20; order++) await place(`o-${order}`);
    await until('all are shipped', async () => (await rows('SELECT * FROM ledger')).length === 40);

    expect(
      await rows('SELECT DISTINCT topic, count(*) FROM eo_partition GROUP BY topic ORDER BY topic'),
    ).toEqual([
      { topic: 'orders', count: '8' },
      { topic: 'payments', count: '8' },
    ]);
  });

  it('keeps what it publishes in the outbox with `broker: false`, and refuses handlers', async () => {
    const { rows, place } = await start({ broker: false }, []);

    await place('o-1');

    expect(await rows('SELECT state FROM eo_outbox')).toEqual([{ state: 'pending' }]);
    await expect(start({ broker: false })).rejects.toThrow(/EO_OPTION_MISSING.*`broker: false`/);
  });
});
