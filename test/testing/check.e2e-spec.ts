import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  checkExactlyOnce,
  NotExactlyOnce,
  type TestApplication,
  testExactlyOnce,
} from '@exactly-once/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { getRepositoryToken } from '@nestjs/typeorm';
import { DataSource, type Repository } from 'typeorm';
import { findPostgres, type PostgresServer, type TestDatabase } from '../services/postgres.js';
import { elsewhere } from './escaping.js';
import {
  Account,
  asksAnother,
  Entry,
  mistakes,
  moduleOf,
  publishesWhatTheDatabaseMade,
  unusual,
  type Work,
  withoutMistake,
  writesOutside,
} from './mistaken.js';
import { OrderPlaced, Payment } from './shop.js';

let server: PostgresServer;
let database: TestDatabase;
let provider: Server;
let app: TestApplication | null = null;

beforeAll(async () => {
  server = await findPostgres();
  database = await server.createDatabase('check');
  const options = { type: 'postgres' as const, url: database.url, entities: [Payment, Account, Entry] };
  elsewhere.dataSource = await new DataSource({ ...options, synchronize: true }).initialize();
  await database.query(`INSERT INTO account (name) VALUES ('takings')`);
  provider = createServer((_, response) => response.end('ok')).listen(0, '127.0.0.1');
  await new Promise((resolve) => provider.once('listening', resolve));
  elsewhere.url = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`;
});
afterEach(async () => {
  await app?.close();
  app = null;
});
afterAll(async () => {
  await elsewhere.dataSource?.destroy();
  provider.close();
  await database.drop();
  await server.stop();
});

const order = OrderPlaced.of('o-1', 500);

async function start(work: Work, options: object = {}): Promise<TestApplication> {
  app = await testExactlyOnce(moduleOf(work), {
    database: { type: 'postgres', url: database.url },
    ...options,
  });
  return app;
}

async function findings(work: Work, events: object | object[] = order, options: object = {}) {
  const error = await checkExactlyOnce(await start(work, options), events).catch((thrown: unknown) => thrown);
  if (!(error instanceof NotExactlyOnce)) throw error;
  return error;
}

describe('on the user’s own database, checkExactlyOnce', () => {
  it('has nothing to say about a handler without a mistake, and leaves the database as it was', async () => {
    await database.query(`UPDATE account SET cents = 7`);

    const report = await checkExactlyOnce(await start(withoutMistake), [order, OrderPlaced.of('o-2', 1)]);

    expect(report.runs).toBeGreaterThan(15);
    expect(report.notes).toEqual([]);
    expect(await database.query('SELECT * FROM account')).toEqual([{ name: 'takings', cents: 7 }]);
    expect(await database.query('SELECT * FROM payment')).toEqual([]);
    expect(await database.query(`SELECT nspname FROM pg_namespace WHERE nspname LIKE 'eo%'`)).toHaveLength(1);
  });

  it.each([
    [
      'writes through another DataSource',
      'escaped',
      /wrote outside of its event's transaction at .*mistaken\.ts:\d+/,
    ],
    ['does not await a write', 'escaped', /returned before it had awaited insert at .*mistaken\.ts:\d+/],
    [
      'publishes a random value',
      'event-random',
      /"receipt.sent" is published with a `receipt` that is another one/,
    ],
    [
      'publishes under a random id',
      'event-random',
      /"payment.captured" is published with an id that is another/,
    ],
    [
      'publishes the time of day',
      'event-clock',
      /"receipt.sent" is published with a `sentAt` from the clock/,
    ],
    ['counts in memory', 'memory', /remembers its first call.*"payment": cents is 2 instead of 1/],
    ['remembers in memory what it has seen', 'memory', /remembers.*"payment": 0 instead of 1 row/],
    ['swallows an SQL error', 'swallowed', /capture swallowed an SQL error at .*mistaken\.ts:\d+/],
    [
      'calls another system without a key',
      'outside-call',
      /called POST http.*\/charge again, without an idempotency/,
    ],
  ])('finds a handler that %s', async (mistake, kind, what) => {
    const found = await findings(mistakes[mistake]!);

    expect(found.findings).toContainEqual(
      expect.objectContaining({ kind, what: expect.stringMatching(what), when: expect.any(String) }),
    );
    expect(found.findings.filter((one) => one.kind !== kind)).toEqual([]);
    expect(found.message).toMatch(/^checkExactlyOnce found .*\n\n1\. [\s\S]*\n {3}When: .*\n {3}Do: /);
  });

  it('finds rows outside of the transaction by what a crash leaves, too', async () => {
    const found = await findings(mistakes['writes through another DataSource']!, order, { escapes: 'allow' });

    expect(found.findings).toContainEqual(
      expect.objectContaining({
        kind: 'written-outside',
        what: expect.stringContaining("a row was written outside of the event's transaction"),
      }),
    );
    expect(found.findings.map(({ kind }) => kind)).not.toContain('memory');
  });

  it.each(Object.keys(unusual))('has nothing to say about a handler that %s', async (name) => {
    const payment = await elsewhere.dataSource!.getRepository(Payment).save({ orderId: 'o-0', cents: 1 });
    await elsewhere.dataSource!.getRepository(Entry).save({ payment, note: 'from before' });

    const { notes } = await checkExactlyOnce(await start(unusual[name]!), order);

    await database.query(`DELETE FROM account WHERE name <> 'takings'`);
    const kept = await database.query(
      'SELECT "orderId", note FROM entry JOIN payment p ON "paymentId" = p.id',
    );
    await database.query('TRUNCATE payment CASCADE');
    expect([notes, kept]).toEqual([[], [{ orderId: 'o-0', note: 'from before' }]]);
  });

  it('lets what is written in ExactlyOnce.outside() be, and says so', async () => {
    const { notes } = await checkExactlyOnce(await start(writesOutside), order);

    expect(notes).toEqual(['"account" is written in ExactlyOnce.outside(), and was not compared']);
  });

  it('only notes that an event carries what the database has made for a row', async () => {
    const { notes } = await checkExactlyOnce(await start(publishesWhatTheDatabaseMade), order);

    expect(notes).toEqual([
      '"entry.made": "data.entry", "data.paymentId", "data.at" is a value that the database makes for a row, and was not compared',
    ]);
  });

  it('notes that it has not cut at every statement', async () => {
    const many: Work = async (_, { payments }) => {
      for (let cents = 1; cents <= 21; cents++) await payments.insert({ orderId: 'o-1', cents });
    };

    const { notes } = await checkExactlyOnce(await start(many), order);

    expect(notes).toEqual(['the handlers ran 21 statements, and were cut at the first 20 only']);
  });

  it('has nothing to say about a call that only asks', async () => {
    expect(await checkExactlyOnce(await start(asksAnother), order)).toMatchObject({ notes: [] });
  });

  it.each([
    ['publishes a random value', () => 'receipt.sent: data.receipt'],
    ['publishes the time of day', () => 'receipt.sent: data'],
    ['calls another system without a key', () => `POST ${elsewhere.url}/charge`],
  ])('lets be what it is told to ignore: %s', async (mistake, ignored) => {
    const report = await checkExactlyOnce(await start(mistakes[mistake]!), order, { ignore: [ignored()] });

    expect(report.notes).toEqual([]);
  });

  it('finds a handler that relies on an order between keys', async () => {
    const found = await findings(mistakes['relies on the order of keys']!, [order, OrderPlaced.of('o-2', 1)]);

    expect(found.findings.map(({ kind }) => kind)).toContain('order');
  });

  it('finds updates that two processes lose to each other', async () => {
    const events = [order, OrderPlaced.of('o-2', 1)];

    const found = await findings(mistakes['adds up what it has read before']!, events);

    expect(found.findings.map(({ kind }) => kind)).toEqual(['lost-update']);
  });

  it('says that a handler fails', async () => {
    const found = await findings(() => Promise.reject(new Error('no such account')));

    expect(found.findings).toMatchObject([
      { kind: 'failed', what: expect.stringContaining('no such account') },
    ]);
  });

  it('refuses a database that is none for tests', async () => {
    await database.query(
      `INSERT INTO payment ("orderId", cents) SELECT 'x', n FROM generate_series(1, 10001) n`,
    );

    const refused = checkExactlyOnce(await start(withoutMistake), order);

    await expect(refused).rejects.toThrow(/1000\d rows, more than 10000: use a database for tests/);
    await database.query('TRUNCATE payment CASCADE');
  });
});

describe('on the embedded database, checkExactlyOnce', () => {
  it('does the same, and leaves what the test has put there', async () => {
    app = await testExactlyOnce(moduleOf(withoutMistake));
    const accounts = app.get<Repository<Account>>(getRepositoryToken(Account) as string);
    await accounts.insert({ name: 'takings', cents: 3 });

    const { runs } = await checkExactlyOnce(app, order);

    expect(runs).toBeGreaterThan(10);
    expect(await accounts.find()).toEqual([{ name: 'takings', cents: 3 }]);
    expect(await app.deliver(order)).toBe('handled');
  });

  it('notes that it does not look for lost updates', async () => {
    app = await testExactlyOnce(moduleOf(withoutMistake));

    const { notes } = await checkExactlyOnce(app, [order, OrderPlaced.of('o-2', 1)]);

    expect(notes).toEqual([expect.stringMatching(/^updates that two processes lose to each other were not/)]);
  });

  it('finds a mistake', async () => {
    app = await testExactlyOnce(moduleOf(mistakes['counts in memory']!));

    await expect(checkExactlyOnce(app, order)).rejects.toThrow('cents is 2 instead of 1');
  });
});
