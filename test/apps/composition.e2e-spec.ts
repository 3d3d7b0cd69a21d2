import {
  EventType,
  ExactlyOnce,
  ExactlyOnceModule,
  exactlyOnce,
  OutboxRepository,
} from '@exactly-once/nestjs';
import { embeddedPostgres, typeOrmStorage } from '@exactly-once/typeorm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type INestApplication, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TypeOrmModule, type TypeOrmModuleOptions } from '@nestjs/typeorm';
import { DataSource, type DataSourceOptions, type MigrationInterface } from 'typeorm';
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
  database = await server.createDatabase('composed');
});
afterAll(async () => {
  await database.drop();
  await server.stop();
});
afterEach(async () => {
  await app?.close();
});

/** One process and one database, which is the broker too. */
async function compose(
  service: string,
  where: Partial<DataSourceOptions>,
  domains: readonly Type[],
  migrations: (new () => MigrationInterface)[],
): Promise<void> {
  @Module({
    imports: [
      TypeOrmModule.forRoot({
        type: 'postgres',
        autoLoadEntities: true,
        migrations,
        migrationsRun: true,
        retryAttempts: 0,
        ...where,
      } as TypeOrmModuleOptions),
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

const query = (sql: string) => app.get(DataSource).query(sql);

describe.each([
  ['a server', () => ({ url: database.url })],
  ['the embedded database', () => embeddedPostgres()],
])('the four domains in one process on %s', (_, where) => {
  const orders = 40;

  beforeEach(async () => {
    process.env['PAYMENT_REFUSAL_RATE'] = '0.4';
    const domains = [OrdersModule, PaymentsModule, ShippingModule, NotificationsModule];
    const migrations = [
      CreateOrderTables,
      CreatePaymentTables,
      CreateShippingTables,
      CreateNotificationTables,
    ];
    await compose('shop', where(), domains, migrations);
  });

  afterEach(() => {
    delete process.env['PAYMENT_REFUSAL_RATE'];
  });

  it('bring each order to one of its two ends, once, and the audit sees what is planted', async () => {
    const service = app.get(OrdersService, { strict: false });
    const acknowledged: string[] = [];
    for (let index = 1; index <= orders; index++) {
      acknowledged.push((await service.place({ customer: 'Ada', totalCents: 100 + index })).id);
    }
    const working = audit(
      { acknowledged: [...acknowledged], ...(await readBooks(query)) },
      { atRest: false },
    );
    await until('all have come to an end', async () => audit(await readBooks(query)).lost === 0);

    const books = await readBooks(query);
    const found = audit({ ...books, acknowledged });
    await query(
      `INSERT INTO shipment ("orderId", "trackingCode") SELECT "orderId", 'X' FROM shipment LIMIT 1`,
    );
    await query(`DELETE FROM notification WHERE about = 'cancelled'`);
    const planted = audit(await readBooks(query));

    expect(working).toMatchObject({ findings: [], checked: orders });
    expect(found).toMatchObject({ clean: true, checked: orders, findings: [] });
    expect(new Set(books.orders.map(({ state }) => state))).toEqual(new Set(['shipped', 'cancelled']));
    expect(planted).toMatchObject({ clean: false, doubled: 1, lost: books.refusals.length, torn: 0 });
    const handlers = await query(`SELECT name FROM eo_handler WHERE name NOT LIKE '%(nobody)' ORDER BY name`);
    expect(handlers.map(({ name }: { name: string }) => name)).toEqual([
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
    await compose('orders', embeddedPostgres(), [OrdersModule], [CreateOrderTables]);
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
