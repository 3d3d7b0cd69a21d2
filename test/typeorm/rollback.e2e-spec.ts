import type { Storage, Transaction } from '@exactly-once/core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { begun, handle, Payment, rejection, StorageWorld, sealAndCommit, until } from './storage-world.js';

describe('a rollback', () => {
  let world: StorageWorld;
  let source: DataSource;
  let storage: Storage;
  let transaction: Transaction;

  beforeAll(async () => {
    world = await StorageWorld.open('rollback');
    source = await world.dataSource();
    storage = await world.storage(source);
  });

  afterEach(async () => {
    await transaction.rollback();
    await world.clear();
  });
  afterAll(() => world.close());

  const insert = (id: string) => source.getRepository(Payment).insert({ id, cents: 1 });
  /** Statements of this database's other sessions in `state`. */
  const sessions = (state: string) =>
    world.database.query(
      `SELECT pid, query FROM pg_stat_activity
      WHERE datname = current_database() AND state = $1 AND pid <> pg_backend_pid()`,
      [state],
    );

  async function sessionEnded(pid: number): Promise<boolean> {
    return (await world.database.query('SELECT 1 FROM pg_stat_activity WHERE pid = $1', [pid])).length === 0;
  }

  it('while a statement still runs frees its locks at once', async () => {
    await source.query("INSERT INTO payment VALUES ('locked', 1)");
    transaction = await storage.begin({ ...begun, statementTimeoutMs: 0 });
    const running = handle(storage, transaction, async () => {
      await source.query("UPDATE payment SET cents = 2 WHERE id = 'locked'");
      await source.query('SELECT pg_sleep(60)');
    });
    const outcome = rejection(running);
    await until(async () => (await sessions('active')).some(({ query }) => query.includes('pg_sleep')));
    const startedAtMs = Date.now();

    await transaction.rollback();
    await source.query("UPDATE payment SET cents = 3 WHERE id = 'locked'");

    expect(Date.now() - startedAtMs).toBeLessThan(2_000);
    expect(await outcome).toMatchObject({ code: '57014' });
  });

  it('while it waits for a lock does not wait with it', async () => {
    const holder = await storage.begin(begun);
    await handle(storage, holder, () => insert('contended'));
    transaction = await storage.begin(begun);
    const outcome = rejection(handle(storage, transaction, () => insert('contended')));
    await world.somebodyWaits();
    const startedAtMs = Date.now();

    await transaction.rollback();

    expect(Date.now() - startedAtMs).toBeLessThan(2_000);
    expect(await outcome).toMatchObject({ code: '57014' });
    await holder.rollback();
  });

  it('does not run what was still waiting for its turn', async () => {
    transaction = await storage.begin(begun);
    const late: Promise<unknown>[] = [];
    const scope = await handle(storage, transaction, async () => {
      late.push(source.query('SELECT pg_sleep(60)'), insert('late'));
      await until(async () => (await sessions('active')).some(({ query }) => query.includes('pg_sleep')));
    });

    await transaction.rollback();
    await Promise.allSettled(late);

    expect(scope.pending).toBe(0);
    expect(await world.payments()).toEqual([]);
  });

  it('on a connection that is gone neither throws nor keeps it', async () => {
    transaction = await storage.begin(begun);
    await handle(storage, transaction, async () => {
      const [{ pid }] = await source.query('SELECT pg_backend_pid() AS pid');
      await world.database.query('SELECT pg_terminate_backend($1)', [pid]);
      await until(() => sessionEnded(pid));
    });

    await transaction.rollback();
    await transaction.rollback();

    expect(transaction.state).toBe('rolled-back');
    expect(await sessions('idle in transaction')).toEqual([]);
  });

  it('drops nothing of what was committed before', async () => {
    transaction = await storage.begin(begun);
    await handle(storage, transaction, () => insert('a'));
    await sealAndCommit(transaction);

    await transaction.rollback();

    expect(transaction.state).toBe('committed');
    expect(await world.payments()).toEqual(['a']);
  });
});
