import { openScope, type Storage, type Transaction } from '@exactly-once/core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { DataSource, QueryRunner } from 'typeorm';
import { begun, handle, Payment, rejection, StorageWorld, sealAndCommit, until } from './storage-world.js';

describe('what a handler may not do with its transaction', () => {
  let world: StorageWorld;
  let source: DataSource;
  let storage: Storage;
  let transaction: Transaction;

  beforeAll(async () => {
    world = await StorageWorld.open('refusals');
    source = await world.dataSource();
    storage = await world.storage(source);
  });

  afterEach(async () => {
    await transaction.rollback();
    await world.clear();
  });
  afterAll(() => world.close());

  const insert = (id: string) => source.getRepository(Payment).insert({ id, cents: 1 });

  /** Resolves when the database sleeps for one of us. */
  const sleeping = () =>
    until(async () => {
      const rows = await world.database.query(
        `SELECT 1 FROM pg_stat_activity
        WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active' AND datname = current_database()`,
      );
      return rows.length > 0;
    });

  /** Runs `work` in a scope that swallows what it throws, as a handler might. */
  async function swallowing(work: () => Promise<unknown>, options = begun) {
    transaction = await storage.begin(options);
    let error: unknown = null;
    const scope = await handle(storage, transaction, async () => {
      error = await work().then(
        () => null,
        (one: unknown) => one,
      );
    });
    return { scope, error };
  }

  describe.each([
    ['dataSource.query', (sql: string) => source.query(sql)],
    ["the manager's query", (sql: string) => source.manager.query(sql)],
    ["a runner's query", (sql: string) => source.createQueryRunner().query(sql)],
    ["the driver's client", async (sql: string) => (await source.createQueryRunner().connect()).query(sql)],
    [
      "the driver's client with an object",
      async (sql: string) => (await source.createQueryRunner().connect()).query({ text: sql }),
    ],
    [
      "the driver's client with a callback",
      async (sql: string) => (await source.createQueryRunner().connect()).query(sql, () => undefined),
    ],
  ])('through %s', (_, run) => {
    it.each([
      'COMMIT',
      'rollback',
      '/* x /* y */ */ -- z\n  Commit',
      "INSERT INTO payment VALUES ('a', 1); COMMIT",
      'SAVEPOINT mine',
    ])('refuses %j and remembers it', async (sql) => {
      const { scope, error } = await swallowing(() => run(sql));

      expect(error).toMatchObject({ code: 'EO_TRANSACTION_OWNED' });
      expect(scope.violation).toBe(error);
      expect(await world.payments()).toEqual([]);
    });
  });

  it.each(["SET LOCAL statement_timeout = '1ms'", "SELECT set_config('statement_timeout', '1', true)"])(
    'refuses %s where neighbours share the transaction',
    async (sql) => {
      const { error } = await swallowing(() => source.query(sql));

      expect(error).toMatchObject({ code: 'EO_TRANSACTION_OWNED' });
    },
  );

  it('lets SET LOCAL pass where the event has its transaction to itself', async () => {
    const { error, scope } = await swallowing(() => source.query("SET LOCAL app.tenant = '7'"), {
      ...begun,
      shared: false,
    });

    expect(error).toBeNull();
    expect(scope.violation).toBeNull();
  });

  it('leaves nothing on the connection that the next event gets', async () => {
    const alone = { ...begun, shared: false };
    const one = await world.dataSource({ poolSize: 1 });
    const own = await world.storage(one);
    const inOne = async (...statements: string[]) => {
      const open = await own.begin(alone);
      let error: unknown = null;
      await handle(own, open, async () => {
        for (const statement of statements) await one.query(statement);
      }).catch((caught) => {
        error = caught;
      });
      await (error === null ? sealAndCommit(open) : open.rollback());
      return error;
    };
    const harmless = [
      "SET LOCAL app.tenant = '7'",
      "SELECT set_config('app.other', '7', true)",
      'CREATE TEMP TABLE draft (n int) ON COMMIT DROP',
    ];

    const first = await inOne(...harmless);
    const refused = [
      await inOne("SET app.tenant = '8'"),
      await inOne("SELECT set_config('app.other', '8', false)"),
      await inOne('SELECT 1 AS n INTO TEMP draft'),
    ];
    const second = await inOne(...harmless);
    const [left] = await one.query(
      `SELECT current_setting('app.tenant', true) || current_setting('app.other', true) AS settings,
         to_regclass('pg_temp.draft') AS draft`,
    );

    expect([first, second]).toEqual([null, null]);
    expect(refused).toEqual(Array(3).fill(expect.objectContaining({ code: 'EO_TRANSACTION_OWNED' })));
    expect(left).toEqual({ settings: '', draft: null });
  });

  it.each([
    ['commitTransaction', (runner: QueryRunner) => runner.commitTransaction()],
    ['rollbackTransaction', (runner: QueryRunner) => runner.rollbackTransaction()],
  ])('refuses %s without a start of its own', async (_, end) => {
    const { scope, error } = await swallowing(async () => {
      await insert('a');
      await end(source.createQueryRunner());
    });

    expect(error).toMatchObject({ code: 'EO_TRANSACTION_OWNED' });
    expect(scope.violation).toBe(error);
    expect(await world.payments()).toEqual([]);
    await sealAndCommit(transaction); // still whole
    expect(await world.payments()).toEqual(['a']);
  });

  it("refuses one runner's commit of another's start", async () => {
    const { error } = await swallowing(async () => {
      await source.createQueryRunner().startTransaction();
      await source.createQueryRunner().commitTransaction();
    });

    expect(error).toMatchObject({ code: 'EO_TRANSACTION_OWNED' });
  });

  it('does not commit when a runner is disposed of', async () => {
    const { error } = await swallowing(async () => {
      const runner = source.createQueryRunner();
      await insert('a');
      await runner[Symbol.asyncDispose]();
    });
    await transaction.rollback();

    expect(error).toBeNull();
    expect(await world.payments()).toEqual([]);
  });

  it('does not let a handler release or end the connection', async () => {
    const pids: number[] = [];
    const pid = async () => {
      const [row] = await source.query('SELECT pg_backend_pid() AS pid');
      pids.push(row.pid);
    };
    const { error } = await swallowing(async () => {
      const client = await source.createQueryRunner().connect();
      client.release();
      const runner = source.createQueryRunner() as QueryRunner & { releasePostgresConnection?(): unknown };
      await runner.release();
      await runner.releasePostgresConnection?.();
      await insert('a');
      await pid();
      await storage.ambient.outside(pid);
      await client.end();
    });

    expect(error).toMatchObject({ code: 'EO_TRANSACTION_OWNED' });
    expect(pids[1]).not.toBe(pids[0]); // nobody else was given it
    await sealAndCommit(transaction);
    expect(await world.payments()).toEqual(['a']);
  });

  describe('after its event has ended', () => {
    const late: Record<string, (runner: QueryRunner) => Promise<unknown>> = {
      'repository.insert': () => insert('late'),
      'dataSource.query': () => source.query("INSERT INTO payment VALUES ('late', 1)"),
      'dataSource.transaction': () =>
        source.transaction((manager) => manager.insert(Payment, { id: 'late', cents: 1 })),
      'a kept runner': (runner) => runner.query("INSERT INTO payment VALUES ('late', 1)"),
      "a kept runner's manager": (runner) => runner.manager.insert(Payment, { id: 'late', cents: 1 }),
      "a kept runner's client": async (runner) => (await runner.connect()).query('SELECT 1'),
      "a kept runner's start": (runner) => runner.startTransaction(),
      'a new runner': async () => source.createQueryRunner().query('SELECT 1'),
    };

    it.each(Object.entries(late))('refuses %s, while the transaction is still open', async (_, write) => {
      transaction = await storage.begin(begun);
      const scope = openScope(transaction, null);
      const runner = await storage.ambient.run(scope, async () => source.createQueryRunner());
      scope.open = false;

      const error = await rejection(storage.ambient.run(scope, () => write(runner)));
      await sealAndCommit(transaction);

      expect(error).toMatchObject({ code: 'EO_TRANSACTION_ENDED' });
      expect(scope.violation).toBe(error);
      expect(await world.payments()).toEqual([]);
    });

    it.each(Object.entries(late))('refuses %s after the commit, never autocommitting', async (_, write) => {
      transaction = await storage.begin(begun);
      const scope = openScope(transaction, null);
      const runner = await storage.ambient.run(scope, async () => source.createQueryRunner());
      await sealAndCommit(transaction); // the scope was left open on purpose: the state alone must do

      const error = await rejection(storage.ambient.run(scope, () => write(runner)));

      expect(error).toMatchObject({ code: 'EO_TRANSACTION_ENDED' });
      expect(await world.payments()).toEqual([]);
    });

    it('refuses a client that was taken before', async () => {
      transaction = await storage.begin(begun);
      const scope = openScope(transaction, null);
      const client = await storage.ambient.run(scope, () => source.createQueryRunner().connect());
      scope.open = false;

      await expect(client.query("INSERT INTO payment VALUES ('late', 1)")).rejects.toMatchObject({
        code: 'EO_TRANSACTION_ENDED',
      });
      expect(scope.violation).toMatchObject({ code: 'EO_TRANSACTION_ENDED' });
    });

    it('keeps the first violation', async () => {
      transaction = await storage.begin(begun);
      const scope = openScope(transaction, null);
      const first = await rejection(storage.ambient.run(scope, () => source.query('COMMIT')));
      scope.open = false;

      await rejection(storage.ambient.run(scope, () => source.query('SELECT 1')));

      expect(scope.violation).toBe(first);
    });
  });

  it('counts a statement that was not awaited until it is answered', async () => {
    transaction = await storage.begin(begun);
    let late: Promise<unknown> = Promise.resolve();
    const scope = await handle(storage, transaction, async () => {
      await source.query('SELECT 1');
      late = source.query('SELECT pg_sleep(0.1)');
      await sleeping();
    });
    const pending = scope.pending;

    await late;

    expect(pending).toBe(1);
    expect(scope.pending).toBe(0);
  });

  it('refuses a statement that waited for its turn beyond the end', async () => {
    transaction = await storage.begin(begun);
    const late: Promise<unknown>[] = [];
    await handle(storage, transaction, async () => {
      late.push(source.query('SELECT pg_sleep(0.1)'), insert('late'));
      await sleeping();
    });

    const [, insertion] = await Promise.allSettled(late);
    await sealAndCommit(transaction);

    expect(insertion).toMatchObject({
      status: 'rejected',
      reason: { name: 'ExactlyOnceError', code: 'EO_TRANSACTION_ENDED' },
    });
    expect(await world.payments()).toEqual([]);
  });
});
