import {
  EventType,
  ExactlyOnce,
  ExactlyOnceModule,
  exactlyOnce,
  OutboxRepository,
} from '@exactly-once/nestjs';
import { typeOrmStorage } from '@exactly-once/typeorm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type INestApplication, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { MigrationInterface } from 'typeorm';
import { CreateNotificationTables, NotificationsModule } from '../../apps/notifications/src/index.js';
import { CreateOrderTables, OrdersModule, OrdersService } from '../../apps/orders/src/index.js';
import { CreatePaymentTables, PaymentsModule } from '../../apps/payments/src/index.js';
import { CreateShippingTables, ShippingModule } from '../../apps/shipping/src/index.js';
import { audit } from '../../apps/shop/src/audit/audit.js';
import { readBooks } from '../../apps/shop/src/audit/books.js';
import { until } from '../services/ports.js';
import { findPostgres, type PostgresServer, type TestDatabase } from '../services/postgres.js';

let server: PostgresServer;
let database: TestDatabase;
let app: INestApplication;

beforeAll(async () => {
  server = await findPostgres();
});
afterAll(() => server.stop());
beforeEach(async () => {
  database = await server.createDatabase('composed');
});
afterEach(async () => {
  await app?.close();
  await database.drop();
});

/** One process, one database, which is the broker too. */
async function compose(
  service: string,
  domains: readonly Type[],
  migrations: (new () => MigrationInterface)[],
): Promise<void> {
  @Module({
    imports: [
      TypeOrmModule.forRoot({
        type: 'postgres',
        url: database.url,
        autoLoadEntities: true,
        migrations,
        migrationsRun: true,
        retryAttempts: 0,
      }),
      ExactlyOnceModule.forRoot({ service, unhandled: 'skip', storage: typeOrmStorage({ migrate: true }) }),
      ...domains,
    ],
  })
  class MainModule {}
  app = await NestFactory.create(MainModule, { logger: false, abortOnError: false });
  app.connectMicroservice(exactlyOnce(), { inheritAppConfig: true });
  await app.startAllMicroservices();
  await app.init();
}

const books = () => readBooks((sql) => database.query(sql));

describe('the four domains in one process and one database', () => {
  const orders = 40;
  const acknowledged: string[] = [];

  beforeEach(async () => {
    process.env['PAYMENT_REFUSAL_RATE'] = '0.4';
    const domains = [OrdersModule, PaymentsModule, ShippingModule, NotificationsModule];
    const migrations = [
      CreateOrderTables,
      CreatePaymentTables,
      CreateShippingTables,
      CreateNotificationTables,
    ];
    await compose('shop', domains, migrations);
    const service = app.get(OrdersService, { strict: false });
    for (let index = 1; index <= orders; index++) {
      const { id } = await service.place({ customer: 'Ada', totalCents: 100 + index });
      acknowledged.push(id);
    }
    await until('all are notified', async () => (await books()).notifications.length >= orders);
    await until('all is told', async () => audit(await books()).lost === 0);
  });

  afterEach(() => {
    delete process.env['PAYMENT_REFUSAL_RATE'];
  });

  it('bring each order to one of its two ends, once, and the audit sees what is planted', async () => {
    const found = audit({ ...(await books()), acknowledged });
    const states = new Set((await books()).orders.map(({ state }) => state));
    await database.query(
      'INSERT INTO shipment ("orderId", "trackingCode") SELECT "orderId", $1 FROM shipment LIMIT 1',
      ['X'],
    );
    await database.query('DELETE FROM notification WHERE about = $1', ['cancelled']);
    const planted = audit(await books());

    expect(found).toMatchObject({ clean: true, checked: orders, findings: [] });
    expect(states).toEqual(new Set(['shipped', 'cancelled']));
    expect(planted).toMatchObject({ doubled: 1, lost: (await books()).refusals.length });
  });

  it('keep the names of their handlers, whatever process they live in', async () => {
    const rows = await database.query(
      `SELECT name FROM eo_handler WHERE name NOT LIKE '%(nobody)' ORDER BY name`,
    );

    expect(rows.map(({ name }) => name)).toEqual([
      'notifications/tellCancelled',
      'notifications/tellShipped',
      'orders/cancel',
      'orders/markPaid',
      'orders/markShipped',
      'payments/capture',
      'shipping/ship',
    ]);
  });
});

describe('an order that is said to be shipped before it is said to be paid', () => {
  @EventType<Shipped>('order.shipped', { topic: 'shipments', key: (event) => event.orderId })
  class Shipped {
    readonly trackingCode = 'X';
    constructor(readonly orderId: string) {}
  }

  @EventType<Captured>('payment.captured', { topic: 'payments', key: (event) => event.orderId })
  class Captured {
    constructor(
      readonly orderId: string,
      readonly cents: number,
    ) {}
  }

  it('ends as any other', async () => {
    await compose('orders', [OrdersModule], [CreateOrderTables]);
    const [service, outbox] = [app.get(OrdersService, { strict: false }), app.get(OutboxRepository)];
    const publish = (event: object) => app.get(ExactlyOnce).transaction(() => outbox.publish(event));
    const { id } = await service.place({ customer: 'Ada', totalCents: 5 });

    await publish(new Shipped(id));
    await until('it is shipped', async () => (await service.find(id))?.shippedAt !== null);
    const between = await service.find(id);
    await publish(new Captured(id, 5));
    await until('it is paid', async () => (await service.find(id))?.paidCents === 5);

    expect(between).toMatchObject({ state: 'shipped', paidCents: 0 });
    expect(await service.find(id)).toMatchObject({ state: 'shipped', paidCents: 5, cancelledAt: null });
  });
});
