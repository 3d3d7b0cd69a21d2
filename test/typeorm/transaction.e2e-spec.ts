import type { Storage, Transaction } from '@exactly-once/core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { begun, handle, Payment, rejection, StorageWorld, sealAndCommit, until } from './storage-world.js';

const record = (key: string) => ({
  key: Buffer.from(key.padEnd(24)),
  handlerId: 1,
  fingerprint: Buffer.alloc(16),
});

describe('a transaction', () => {
  let world: StorageWorld;
  let source: DataSource;
  let storage: Storage;
  let transaction: Transaction;

  beforeAll(async () => {
    world = await StorageWorld.open('transaction');
    source = await world.dataSource();
    storage = await world.storage(source);
  });

  afterEach(async () => {
    await transaction.rollback();
    await world.clear();
  });
  afterAll(() => world.close());

  const insert = (id: string) => source.getRepository(Payment).insert({ id, cents: 1 });

  describe('whose handler swallowed an SQL error', () => {
    it('is never told to have committed: sealing names the first error', async () => {
      transaction = await storage.begin(begun);
      await handle(storage, transaction, async () => {
        await insert('a');
        await rejection(insert('a'));
        await rejection(insert('b'));
      });

      const error = await rejection(transaction.seal());

      expect(error).toMatchObject({ code: 'EO_TRANSACTION_ABORTED', cause: { code: '23505' } });
      expect(await world.payments()).toEqual([]);
    });

    it("is refused by COMMIT's own answer, too", async () => {
      transaction = await storage.begin(begun);
      await handle(storage, transaction, async () => {
        await insert('a');
        await rejection(insert('a'));
      });
      await rejection(transaction.seal());

      const error = await rejection(transaction.commit()); // as if nobody had looked before

      expect(error).toMatchObject({ code: 'EO_TRANSACTION_ABORTED', cause: { code: '23505' } });
      expect(transaction.state).toBe('rolled-back');
      expect(await world.payments()).toEqual([]);
    });

    it('is found out by COMMIT where nobody saw the error, and nothing was asked before', async () => {
      transaction = await storage.begin({ ...begun, sealsWithCommit: true });
      await handle(storage, transaction, () => insert('a'));
      const { client } = connectionOf(transaction);
      await rejection(client.query('SELECT 1 / 0') as Promise<unknown>); // past all that looks
      await transaction.seal();

      const error = await rejection(transaction.commit());

      expect(error).toMatchObject({ code: 'EO_TRANSACTION_ABORTED' });
      expect(transaction.state).toBe('rolled-back');
      expect(await world.payments()).toEqual([]);
    });

    it('never blames the statement that met the aborted transaction', async () => {
      transaction = await storage.begin(begun);
      let second: unknown;

      await handle(storage, transaction, async () => {
        await insert('a');
        await rejection(insert('a'));
        second = await rejection(insert('b'));
      });

      expect(storage.translate(second)).toMatchObject({
        code: 'EO_TRANSACTION_ABORTED',
        cause: { code: '23505' },
      });
    });
  });

  it('runs no statement of the framework after its end, when its connection may belong to others', async () => {
    transaction = await storage.begin(begun);
    await transaction.rollback();
    const record = { key: Buffer.alloc(24, 1), handlerId: 1, fingerprint: Buffer.alloc(16) };

    const error = await rejection(storage.inbox.admit(transaction, [record]));

    expect(error).toMatchObject({ code: 'EO_TRANSACTION_ENDED' });
    expect(await world.database.query('SELECT 1 FROM eo_inbox')).toEqual([]);
  });

  it('reports a deferred constraint that fails at COMMIT as it is', async () => {
    await world.database.query(
      'CREATE TABLE IF NOT EXISTS due (id int UNIQUE DEFERRABLE INITIALLY DEFERRED)',
    );
    transaction = await storage.begin(begun);
    await handle(storage, transaction, () => source.query('INSERT INTO due VALUES (1), (1)'));
    await transaction.seal();

    const error = await rejection(transaction.commit());

    expect(error).toMatchObject({ code: '23505' });
    expect(transaction.state).toBe('rolled-back');
    expect(transaction.fault).toBeNull();
  });

  describe('knows faults that no event is to blame for', () => {
    it.each([
      ['40001', 'EO_SERIALIZATION_FAILURE'],
      ['40P01', 'EO_SERIALIZATION_FAILURE'],
      ['55P03', 'EO_SERIALIZATION_FAILURE'],
      ['57P01', 'EO_STORAGE_UNAVAILABLE'],
      ['08006', 'EO_STORAGE_UNAVAILABLE'],
      ['53300', 'EO_STORAGE_UNAVAILABLE'],
      ['53100', 'EO_STORAGE_UNAVAILABLE'],
      ['25006', 'EO_STORAGE_UNAVAILABLE'],
    ])('%s, also where a handler wrapped it and went on', async (state, code) => {
      transaction = await storage.begin(begun);
      let thrown: unknown;

      await handle(storage, transaction, async () => {
        const raise = `DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '${state}'; END $$`;
        const error = await rejection(source.query(raise));
        thrown = new Error('wrapped', { cause: error });
        await rejection(insert('a'));
      });

      expect(transaction.fault).toMatchObject({ code });
      expect(storage.translate(thrown)).toMatchObject({ code });
    });

    it.each([
      ['a unique violation', "INSERT INTO payment VALUES ('x', 1), ('x', 1)"],
      ['a statement that took too long', 'SET LOCAL statement_timeout = 20; SELECT pg_sleep(5)'],
    ])('and not %s', async (_, sql) => {
      transaction = await storage.begin({ ...begun, shared: false });

      const error = await rejection(handle(storage, transaction, () => source.query(sql)));

      expect(transaction.fault).toBeNull();
      expect(storage.translate(error)).toBe(error);
    });

    it('a terminated backend, with its reason, whatever the driver says later', async () => {
      transaction = await storage.begin(begun);
      let error: unknown;

      await handle(storage, transaction, async () => {
        const [{ pid }] = await source.query('SELECT pg_backend_pid() AS pid');
        await world.database.query('SELECT pg_terminate_backend($1)', [pid]);
        await until(() => sessionEnded(pid));
        error = await rejection(insert('a'));
      });

      expect(storage.translate(error)).toMatchObject({
        code: 'EO_STORAGE_UNAVAILABLE',
        cause: { code: '57P01' },
      });
      expect(transaction.fault).toMatchObject({ code: 'EO_STORAGE_UNAVAILABLE' });
      await expect(transaction.seal()).rejects.toMatchObject({ code: 'EO_STORAGE_UNAVAILABLE' });
    });
  });

  async function sessionEnded(pid: number): Promise<boolean> {
    return (await world.database.query('SELECT 1 FROM pg_stat_activity WHERE pid = $1', [pid])).length === 0;
  }

  describe('of a process that stopped', () => {
    it('is ended by the database, and its successor is admitted', async () => {
      const zombie = await storage.begin({ ...begun, idleTimeoutMs: 400 });
      transaction = zombie;
      await storage.inbox.admit(zombie, [record('same')]);
      stopTouching(zombie); // as SIGSTOP would
      const successor = await storage.begin(begun);

      const waiting = storage.inbox.admit(successor, [record('same')]);
      const [admission] = await waiting;
      await sealAndCommit(successor);
      const error = await rejection(zombie.seal());

      expect(admission).toEqual({ verdict: 'fresh' });
      expect(error).toMatchObject({ code: 'EO_STORAGE_UNAVAILABLE', cause: { code: '25P03' } });
      await zombie.rollback();
      expect(zombie.state).toBe('rolled-back');
    });

    it('is not ended while its handler lives: it is touched', async () => {
      transaction = await storage.begin({ ...begun, idleTimeoutMs: 200 });

      await handle(storage, transaction, async () => {
        await insert('a');
        await new Promise((resolve) => setTimeout(resolve, 700)); // the passing of time is the case
      });
      await sealAndCommit(transaction);

      expect(await world.payments()).toEqual(['a']);
    });
  });

  /** Takes the timer of a transaction out, from outside. */
  function stopTouching(one: Transaction): void {
    const { connection } = one as unknown as { connection: { inFlight: number } };
    connection.inFlight++; // as if a statement were running for ever
  }

  it('leaves nothing behind in the session', async () => {
    const single = await world.dataSource({ poolSize: 1 });
    const own = await world.storage(single);
    const before = await single.query('SELECT name, setting FROM pg_settings ORDER BY name');
    transaction = await own.begin({ ...begun, isolation: 'SERIALIZABLE', idleTimeoutMs: 1_234 });
    await handle(own, transaction, () => single.query("INSERT INTO payment VALUES ('a', 1)"));
    await sealAndCommit(transaction);

    const after = await single.query('SELECT name, setting FROM pg_settings ORDER BY name');
    const prepared = await single.query('SELECT name FROM pg_prepared_statements');
    const locks = await single.query(
      "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()",
    );

    expect(after).toEqual(before);
    expect(prepared).toEqual([]);
    expect(locks).toEqual([]);
  });

  it.each([
    ['READ COMMITTED', 'read committed'],
    ['REPEATABLE READ', 'repeatable read'],
    ['SERIALIZABLE', 'serializable'],
  ] as const)('runs at %s', async (isolation, shown) => {
    transaction = await storage.begin({ ...begun, isolation });
    let level: unknown;

    await handle(storage, transaction, async () => {
      level = await source.query('SHOW transaction_isolation');
    });

    expect(level).toEqual([{ transaction_isolation: shown }]);
  });
});

type Query = (...parameters: unknown[]) => unknown;

interface Inside {
  readonly connection: {
    readonly client: { query: Query };
    openWith(statements: [string][], answered: () => void): Promise<void>;
  };
}

function connectionOf(transaction: Transaction): Inside['connection'] {
  return (transaction as unknown as Inside).connection;
}
