import { readFileSync } from 'node:fs';
import { ExactlyOnce, ExactlyOnceModule, exactlyOnce, OutboxRepository } from '@exactly-once/nestjs';
import {
  checkExactlyOnce,
  detectEscapes,
  type NotExactlyOnce,
  type TestApplication,
  testExactlyOnce,
} from '@exactly-once/testing';
import { typeOrmStorage } from '@exactly-once/typeorm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { until } from '../services/ports.js';
import { findPostgres, type PostgresServer, type TestDatabase } from '../services/postgres.js';
import { EscapingModule, elsewhere, late, PoolModule } from './escaping.js';
import { OrderPlaced, Payment } from './shop.js';

let server: PostgresServer;
let database: TestDatabase;
let app: TestApplication;

beforeAll(async () => {
  server = await findPostgres();
  database = await server.createDatabase('escapes');
  await database.query('CREATE TABLE payment (id serial PRIMARY KEY, "orderId" text, cents int)');
  elsewhere.pool = new pg.Pool({ connectionString: database.url, max: 2 });
  elsewhere.dataSource = await new DataSource({
    type: 'postgres',
    url: database.url,
    entities: [Payment],
  }).initialize();
});
afterAll(async () => {
  await elsewhere.dataSource?.destroy();
  await elsewhere.pool?.end();
  await database.drop();
  await server.stop();
});

/** Of the line that holds `code`, as a message names it. */
function lineOf(code: string): string {
  const lines = readFileSync('test/testing/escaping.ts', 'utf8').split('\n');
  return `test/testing/escaping.ts:${lines.findIndex((line) => line.includes(code)) + 1}:`;
}

const payments = () => database.query('SELECT "orderId" FROM payment ORDER BY id');

describe('in a test, a write outside of the event’s transaction', () => {
  beforeEach(async () => {
    late.length = 0;
    await database.query('TRUNCATE payment');
    app = await testExactlyOnce(EscapingModule, { database: { type: 'postgres', url: database.url } });
  });
  afterEach(() => app.close());

  it.each([
    ['pool', 'await elsewhere.pool!.query(sql);'],
    ['pool client', 'await client.query(sql)'],
    ['other DataSource', 'elsewhere.dataSource!.getRepository'],
    ['swallowed', '.catch(() => undefined)'],
  ])('fails with its place: %s', async (kind, code) => {
    const message = await app.deliver(OrderPlaced.of(kind, 1)).catch((error: Error) => error.message);

    expect(message).toContain('EO_WRITE_ESCAPED: test/EscapingHandlers.capture wrote outside');
    expect(message).toContain(lineOf(code));
    expect(await payments()).toEqual([]);
  });

  it.each([
    ['insert not awaited', 'this.payments.insert(row).catch('],
    ['save not awaited', 'this.payments.save(row).catch('],
  ])('fails with its place: %s', async (kind, code) => {
    const message = await app.deliver(OrderPlaced.of(kind, 1)).catch((error: Error) => error.message);
    await Promise.all(late);

    expect(message).toContain(
      'EO_TRANSACTION_ENDED: test/EscapingHandlers.capture returned before it had awaited',
    );
    expect(message).toContain(lineOf(code));
    expect(await payments()).toEqual([]);
  });

  it('fails with its place when its event has long ended', async () => {
    await app.deliver(OrderPlaced.of('after its end', 1));

    const [error] = (await Promise.all(late)) as [Error];

    expect(error.message).toContain(lineOf('.then(() => this.payments.insert(row))'));
    expect(error.message).toMatch(/called insert at .* and its event ended before that was done/);
    expect(await payments()).toEqual([]);
    await expect(app.deliver(OrderPlaced.of('all is well', 1))).rejects.toThrow(error.message);
  });

  it('fails the test at its end, where nobody has awaited it', async () => {
    await app.deliver(OrderPlaced.of('after its end', 1));
    await Promise.all(late);
    const closed = app;
    app = await testExactlyOnce(EscapingModule, { database: { type: 'postgres', url: database.url } });

    await expect(closed.close()).rejects.toThrow(lineOf('.then(() => this.payments.insert(row))'));
  });

  it('is found by checkExactlyOnce, where it comes after its event’s end', async () => {
    const found = await checkExactlyOnce(app, OrderPlaced.of('soon after its end', 1)).catch(
      (error: unknown) => error as NotExactlyOnce,
    );

    expect((found as NotExactlyOnce).findings).toMatchObject([
      { kind: 'escaped', what: expect.stringContaining('called insert at'), when: 'its event had ended' },
    ]);
  });

  it('fails in a module without TypeORM, too', async () => {
    await app.close();
    app = await testExactlyOnce(PoolModule);

    await expect(app.deliver(OrderPlaced.of('o-1', 1))).rejects.toThrow('EO_WRITE_ESCAPED');
    expect(await payments()).toEqual([]);
  });

  it.each([
    ['outside', ['outside']],
    ['reads elsewhere', ['reads elsewhere']],
    ['all is well', ['all is well', 'all is well']],
  ])('is no escape: %s', async (kind, rows) => {
    await app.deliver(OrderPlaced.of(kind, 1));

    expect((await payments()).map(({ orderId }) => orderId)).toEqual(rows);
  });

  it('leaves the driver as it was, and the database too', async () => {
    const watched = pg.Client.prototype.query;

    await app.close();

    expect(pg.Client.prototype.query).not.toBe(watched);
    const left = await database.query(`SELECT nspname FROM pg_namespace WHERE nspname LIKE 'eo\\_%'`);
    expect(left).toEqual([]);
  });

  it('is let through where the test says so', async () => {
    await app.close();
    app = await testExactlyOnce(EscapingModule, {
      database: { type: 'postgres', url: database.url },
      escapes: 'allow',
    });

    await app.deliver(OrderPlaced.of('pool', 1));

    expect(await payments()).toEqual([{ orderId: 'pool' }]);
  });
});

describe('in development', () => {
  it('detectEscapes does the same around the module’s storage', async () => {
    @Module({
      imports: [
        TypeOrmModule.forRoot({ type: 'postgres', url: database.url, autoLoadEntities: true }),
        ExactlyOnceModule.forRoot({
          service: 'shop',
          unhandled: 'skip',
          retry: { attempts: 1 },
          storage: detectEscapes(typeOrmStorage({ migrate: true })),
        }),
        EscapingModule,
      ],
    })
    class MainModule {}
    await database.query('TRUNCATE payment');
    const nest = await NestFactory.createMicroservice(MainModule, { ...exactlyOnce(), logger: false });
    await nest.listen();

    await nest
      .get(ExactlyOnce)
      .transaction(() => nest.get(OutboxRepository).publish(OrderPlaced.of('other DataSource', 1)));
    const letters = () => database.query('SELECT code FROM eo_dead_letter');
    await until('it is dead', async () => (await letters()).length === 1);

    expect(await letters()).toEqual([{ code: 'EO_WRITE_ESCAPED' }]);
    expect(await payments()).toEqual([]);
    await nest.close();
  });
});
