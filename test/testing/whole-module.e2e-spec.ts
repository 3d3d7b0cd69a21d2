import { kafkaBroker } from '@exactly-once/kafka';
import { ExactlyOnceModule } from '@exactly-once/nestjs';
import { checkExactlyOnce, type TestApplication, testExactlyOnce } from '@exactly-once/testing';
import { typeOrmStorage } from '@exactly-once/typeorm';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Module, type Type, ValidationPipe } from '@nestjs/common';
import { getRepositoryToken, TypeOrmModule } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import { findPostgres, type PostgresServer, type TestDatabase } from '../services/postgres.js';
import { OrderPlaced, Payment, PaymentsModule } from './shop.js';

let server: PostgresServer;
let database: TestDatabase;
let app: TestApplication | null = null;

beforeAll(async () => {
  server = await findPostgres();
  database = await server.createDatabase('whole');
});
afterAll(async () => {
  await database.drop();
  await server.stop();
});
afterEach(async () => {
  await app?.close();
  app = null;
});

/** As in production: a database and a broker by their addresses. */
function mainModule(url: string): Type {
  @Module({
    imports: [
      TypeOrmModule.forRoot({
        type: 'postgres',
        url,
        autoLoadEntities: true,
        synchronize: true,
        retryAttempts: 0,
      }),
      ExactlyOnceModule.forRoot({
        service: 'payments',
        unhandled: 'skip',
        retry: { attempts: 1 },
        storage: typeOrmStorage({ migrate: true }),
        broker: kafkaBroker({ client: { brokers: ['nowhere:1'] } }),
      }),
      PaymentsModule,
    ],
  })
  class MainModule {}
  return MainModule;
}

const payments = () => app!.get<Repository<Payment>>(getRepositoryToken(Payment) as string);

describe('a whole module in a test', () => {
  it('gets the embedded database and the test’s broker instead of its own', async () => {
    app = await testExactlyOnce(mainModule('postgres://nobody@nowhere:1/none'));

    await app.deliver(OrderPlaced.of('o-1', 5));
    await expect(app.deliver(OrderPlaced.of('broken', 5))).rejects.toMatchObject({ fate: 'dead-lettered' });

    expect(await payments().count()).toBe(1);
    expect(await app.deadLetters()).toMatchObject([{ handler: 'payments/PaymentHandlers.capture' }]);
  });

  it('keeps its own database where the test says so, beside what stands there', async () => {
    app = await testExactlyOnce(mainModule(database.url), { database: 'own' });
    await app.deliver(OrderPlaced.of('o-1', 5));
    await app.close();

    expect(await database.query('SELECT "orderId" FROM payment')).toEqual([{ orderId: 'o-1' }]);
    expect(await database.query(`SELECT relname FROM pg_class WHERE relname LIKE 'eo\\_%'`)).toEqual([]);
  });

  it('keeps what its TypeOrmModule.forRootAsync() computes', async () => {
    @Module({
      imports: [
        TypeOrmModule.forRootAsync({
          useFactory: () => ({
            type: 'postgres',
            url: 'postgres://nobody@nowhere:1/none',
            entityPrefix: 'shop_',
          }),
        }),
        PaymentsModule,
      ],
    })
    class MainModule {}
    app = await testExactlyOnce(MainModule);

    expect(payments().metadata.tableName).toBe('shop_payment');
  });

  it('empties its own database at the first start only, where its options say dropSchema', async () => {
    app = await testExactlyOnce(PaymentsModule, {
      database: { type: 'postgres', url: database.url, synchronize: true, dropSchema: true },
    });
    await payments().insert({ orderId: 'o-0', cents: 1 });

    await checkExactlyOnce(app, OrderPlaced.of('o-1', 5));

    expect(await payments().find()).toMatchObject([{ orderId: 'o-0' }]);
  });

  it('gets the pipes that the test configures', async () => {
    app = await testExactlyOnce(PaymentsModule, {
      exactlyOnce: { validate: false, retry: { attempts: 1 } },
      configure: (nest) => nest.useGlobalPipes(new ValidationPipe({ transform: true })),
    });

    await expect(app.deliver(OrderPlaced.of('o-1', 0))).rejects.toMatchObject({ fate: 'dead-lettered' });
  });
});
