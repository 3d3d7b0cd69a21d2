import { Engine, PermanentError, type Storage, type Transaction } from '@exactly-once/core';
import { InMemoryBroker } from '@exactly-once/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { begun, handle, Payment, rejection, StorageWorld, sealAndCommit, until } from './storage-world.js';

const lockIt = "SELECT * FROM payment WHERE id = 'locked' FOR UPDATE NOWAIT";

describe('what a transaction remembers of its errors', () => {
  let world: StorageWorld;
  let source: DataSource;
  let storage: Storage;
  let transaction: Transaction | null = null;

  beforeAll(async () => {
    world = await StorageWorld.open('blame');
    source = await world.dataSource();
    storage = await world.storage(source);
  });

  afterEach(async () => {
    await transaction?.rollback();
    await world.clear();
  });
  afterAll(() => world.close());

  const insert = (id: string) => source.getRepository(Payment).insert({ id, cents: 1 });

  async function holdLock(): Promise<void> {
    await insert('locked');
    const holder = await world.session();
    await holder.query('BEGIN');
    await holder.query(lockIt);
  }

  it('forgets a lock that a nested one did not get and came back from', async () => {
    await holdLock();
    transaction = await storage.begin(begun);

    const seen = await handle(storage, transaction, async () => {
      await rejection(source.transaction((manager) => manager.query(lockIt)));
      await insert('a');
    });
    const { fault, aborted } = transaction;
    await sealAndCommit(transaction);

    expect(seen.violation).toBeNull();
    expect([fault, aborted]).toEqual([null, null]);
    expect(await world.payments()).toEqual(['a', 'locked']);
  });

  it('remembers a lock that it did not get itself, and that it is aborted', async () => {
    await holdLock();
    transaction = await storage.begin(begun);

    await handle(storage, transaction, async () => {
      await rejection(source.query(lockIt));
    });

    expect(transaction.fault).toMatchObject({ code: 'EO_SERIALIZATION_FAILURE' });
    expect(transaction.aborted).toMatchObject({ code: 'EO_TRANSACTION_ABORTED', cause: { code: '55P03' } });
  });

  it('remembers that its snapshot is stale, whatever was rolled back', async () => {
    await insert('row');
    transaction = await storage.begin({ ...begun, isolation: 'REPEATABLE READ' });

    await handle(storage, transaction, async () => {
      await source.query('SELECT 1 FROM payment');
      await world.database.query("UPDATE payment SET cents = 2 WHERE id = 'row'");
      await rejection(
        source.transaction((manager) => manager.query("UPDATE payment SET cents = 3 WHERE id = 'row'")),
      );
    });

    expect(transaction.fault).toMatchObject({ code: 'EO_SERIALIZATION_FAILURE' });
    expect(transaction.aborted).toBeNull();
  });

  it('blames no neighbour that wraps what a swallowed error left behind', async () => {
    const letters = await run(['A', 'B'], async (id) => {
      if (id === 'A') {
        await source.query('SELECT 1 / 0').catch(() => {});
        return;
      }
      try {
        await insert(id);
      } catch {
        throw new PermanentError(`cannot store ${id}`);
      }
    });

    expect(letters).toEqual(['A EO_TRANSACTION_ABORTED']);
    expect(await world.payments()).toEqual(['B']);
  });

  it('obeys a handler that gives up after a lock that it did not get', async () => {
    await holdLock();

    const letters = await run(['A'], async () => {
      try {
        await source.transaction((manager) => manager.query(lockIt));
      } catch {
        throw new PermanentError('the account is closed for booking');
      }
    });

    expect(letters).toEqual(['A EO_PERMANENT']);
  });

  /** Runs a handler with these events until one has become a dead letter; the dead letters. */
  async function run(ids: readonly string[], invoke: (id: string) => Promise<void>): Promise<string[]> {
    const broker = new InMemoryBroker();
    const engine = new Engine({
      service: 'test',
      storage,
      broker,
      unhandled: 'skip',
      retention: false,
      relay: false,
      types: [{ type: 'happened', topic: 'in', version: 1 }],
      handlers: [
        {
          name: 'h',
          type: 'happened',
          retry: { attempts: 3, backoffMs: 10 },
          invoke: (_, context) => invoke(context.id),
        },
      ],
    });
    const headers = (id: string) => ({
      ce_specversion: '1.0',
      ce_id: id,
      ce_source: 'test',
      ce_type: 'happened',
    });
    broker.append('in', ...ids.map((id) => ({ headers: headers(id), body: '{}' })));
    await engine.start();
    const passed = async () => {
      const [row] = await world.database.query(
        'SELECT next_offset::int AS next, EXISTS (SELECT 1 FROM eo_parked_key) AS parked FROM eo_fence',
      );
      return row?.next === ids.length && !row.parked;
    };
    await until(passed).finally(() => engine.stop());
    const rows = await world.database.query(
      "SELECT convert_from(event_id, 'UTF8') || ' ' || code AS letter FROM eo_dead_letter ORDER BY 1",
    );
    return rows.map(({ letter }) => letter);
  }
});
