import {
  checkExactlyOnce,
  NotExactlyOnce,
  type TestApplication,
  testExactlyOnce,
} from '@exactly-once/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { findPostgres, type PostgresServer, type TestDatabase } from '../services/postgres.js';
import { Account, Entry, moduleOf, type Work, withoutMistake } from './mistaken.js';
import { OrderPlaced, Payment } from './shop.js';

let server: PostgresServer;
let database: TestDatabase;
let app: TestApplication | null = null;

beforeAll(async () => {
  server = await findPostgres();
  database = await server.createDatabase('check_rows');
  const options = { type: 'postgres' as const, url: database.url, entities: [Payment, Account, Entry] };
  await (await new DataSource({ ...options, synchronize: true }).initialize()).destroy();
  await database.query(`INSERT INTO account VALUES ('takings', 7)`);
});
afterEach(async () => {
  await app?.close();
  app = null;
});
afterAll(async () => {
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

/** Each row as the server writes it. */
async function textOf(table: string): Promise<unknown[]> {
  const rows = await database.query(`SELECT one::text AS row FROM ${table} one ORDER BY 1`);
  return rows.map(({ row }) => row);
}

describe('checkExactlyOnce leaves the rows that stood there as they were', () => {
  it('where two schemas have a table of the same name', async () => {
    await database.query(`CREATE SCHEMA other; CREATE TABLE other.account (name text, cents int, of text)`);
    await database.query(`INSERT INTO other.account VALUES ('elsewhere', 1, 'other')`);

    await checkExactlyOnce(await start(withoutMistake), order);

    expect(await textOf('other.account')).toEqual(['(elsewhere,1,other)']);
    expect(await textOf('public.account')).toEqual(['(takings,7)']);
  });

  it('to the last digit, and in the form in which they were written', async () => {
    await database.query(
      `CREATE TABLE exact (eo_row bigint, amount numeric, doc json, list text[], bytes bytea)`,
    );
    const row = `9007199254740993, 12345678901234567890.12345678901234567890, '{"b": 1,   "a": 2}', '[2:3]={"a,b",NULL}', '\\x00ff'`;
    await database.query(`INSERT INTO exact VALUES (${row}), (NULL, 'NaN', NULL, '{}', '')`);
    const before = await textOf('exact');

    await checkExactlyOnce(await start(withoutMistake), order);

    expect(before).toHaveLength(2);
    expect(await textOf('exact')).toEqual(before);
  });

  it('with no trigger fired, and each as it was', async () => {
    await database.query(`
      CREATE TABLE audit (what text);
      CREATE TABLE leaf (id int PRIMARY KEY, parent int REFERENCES leaf DEFERRABLE INITIALLY DEFERRED);
      CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN INSERT INTO audit VALUES (TG_TABLE_NAME); RETURN NULL; END $$;
      CREATE TRIGGER "Noted" AFTER INSERT ON leaf FOR EACH ROW EXECUTE FUNCTION noted();
      CREATE TRIGGER always AFTER INSERT ON account FOR EACH ROW EXECUTE FUNCTION noted();
      CREATE TRIGGER emptied AFTER TRUNCATE ON account EXECUTE FUNCTION noted();
      CREATE TRIGGER off AFTER INSERT ON account FOR EACH ROW EXECUTE FUNCTION noted();
      ALTER TABLE account ENABLE ALWAYS TRIGGER always;
      ALTER TABLE account DISABLE TRIGGER off;
      INSERT INTO leaf VALUES (1, 2), (2, 1);
    `);
    const before = await textOf('audit');

    await checkExactlyOnce(await start(withoutMistake), order);

    expect(before).toEqual(['(leaf)', '(leaf)']);
    expect(await textOf('audit')).toEqual(before);
    expect(await textOf('leaf')).toEqual(['(1,2)', '(2,1)']);
    const triggers = await database.query(
      'SELECT tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal ORDER BY tgname',
    );
    expect(triggers.map(({ tgname, tgenabled }) => `${tgname} ${tgenabled}`).sort()).toEqual([
      'Noted O',
      'always A',
      'emptied O',
      'off D',
    ]);
  });

  it('where a table inherits from another one', async () => {
    await database.query('CREATE TABLE person (name text); CREATE TABLE pupil (class int) INHERITS (person)');
    await database.query(`INSERT INTO person VALUES ('Ada'); INSERT INTO pupil VALUES ('Bob', 3)`);

    await checkExactlyOnce(await start(withoutMistake), order);

    expect([await textOf('ONLY person'), await textOf('pupil')]).toEqual([['(Ada)'], ['(Bob,3)']]);
  });

  it('also where the application is closed before it has ended', async () => {
    let reached: () => void = () => {};
    const inside = new Promise<void>((resolve) => {
      reached = resolve;
    });
    const hangsOnSecond: Work = async (one, world) => {
      if (one.orderId === 'o-1') return withoutMistake(one, world);
      reached();
      return new Promise(() => {});
    };
    const events = [order, OrderPlaced.of('o-2', 1)];
    const ended = checkExactlyOnce(await start(hangsOnSecond), events).catch((error: unknown) => error);
    await inside;

    await app!.close();

    expect(await textOf('public.account')).toEqual(['(takings,7)']);
    expect(await textOf('payment')).toEqual([]);
    expect(await ended).toMatchObject({
      code: 'EO_SHUTTING_DOWN',
      message: expect.stringContaining('give the test more time'),
    });
  });

  it('or says that it could not', async () => {
    const dropping: Work = async () => {
      await database.query('ALTER TABLE exact RENAME TO gone');
    };

    const checked = checkExactlyOnce(await start(dropping, { escapes: 'allow' }), order);

    await expect(checked).rejects.toThrow('could not put the rows back');
    await database.query('ALTER TABLE gone RENAME TO exact');
  });
});

describe('checkExactlyOnce', () => {
  it('sees a difference in the last digit', async () => {
    const counting: Work = async (_, { dataSource, memory }) => {
      const last = (9_007_199_254_740_992n + BigInt(++memory.calls)).toString();
      await dataSource.query('INSERT INTO exact (eo_row) VALUES ($1)', [last]);
    };

    const found = await checkExactlyOnce(await start(counting), order).catch((error: unknown) => error);

    expect((found as NotExactlyOnce).findings).toMatchObject([
      { kind: 'memory', what: expect.stringContaining('"9007199254740994" instead of "9007199254740993"') },
    ]);
  });

  it('empties no table that is not its own to put back', async () => {
    await database.query('CREATE TABLE eo_kept (account text REFERENCES account)');
    await database.query(`INSERT INTO eo_kept VALUES ('takings')`);

    const refused = checkExactlyOnce(await start(withoutMistake), order);

    await expect(refused).rejects.toThrow(/empties "account" for each run, and "eo_kept" refers to it/);
    expect(await textOf('eo_kept')).toEqual(['(takings)']);
    await database.query('DROP TABLE eo_kept');
  });

  it('runs once at a time on an application', async () => {
    const one = checkExactlyOnce(await start(withoutMistake), order);

    await expect(checkExactlyOnce(app!, order)).rejects.toThrow('already runs on this application');
    await one;
  });
});
