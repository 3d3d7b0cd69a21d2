import type { EventEnvelope, Storage, Transaction } from '@exactly-once/core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { begun, handle, Payment, rejection, StorageWorld, sealAndCommit } from './storage-world.js';

describe('transactions inside the transaction', () => {
  let world: StorageWorld;
  let source: DataSource;
  let storage: Storage;
  let transaction: Transaction;

  beforeAll(async () => {
    world = await StorageWorld.open('nested');
    source = await world.dataSource();
    storage = await world.storage(source);
  });

  afterEach(async () => {
    await transaction.rollback();
    await world.clear();
  });
  afterAll(() => world.close());

  const insert = (id: string) => source.getRepository(Payment).insert({ id, cents: 1 });
  const publish = (id: string) =>
    void transaction.outgoing.push({ event: { id } as EventEnvelope, deliverAtMs: null });
  const published = () => transaction.outgoing.map(({ event }) => event?.id);

  it('rolls back a nested one alone, with the events that were published in it', async () => {
    transaction = await storage.begin(begun);

    const scope = await handle(storage, transaction, async () => {
      await insert('before');
      publish('before');
      await rejection(
        source.transaction(async (manager) => {
          await manager.insert(Payment, { id: 'nested', cents: 1 });
          publish('nested');
          throw new Error('changed my mind');
        }),
      );
      await insert('after');
      publish('after');
    });
    const events = published();
    transaction.outgoing.length = 0;
    await sealAndCommit(transaction);

    expect(scope).toMatchObject({ pending: 0, violation: null });
    expect(events).toEqual(['before', 'after']);
    expect(await world.payments()).toEqual(['after', 'before']);
  });

  it('survives an SQL error inside a nested one', async () => {
    transaction = await storage.begin(begun);

    await handle(storage, transaction, async () => {
      await insert('a');
      await rejection(source.transaction((manager) => manager.insert(Payment, { id: 'a', cents: 2 })));
      await insert('b');
    });
    await sealAndCommit(transaction);

    expect(await world.payments()).toEqual(['a', 'b']);
  });

  it('nests to any depth', async () => {
    transaction = await storage.begin(begun);

    await handle(storage, transaction, () =>
      source.transaction(async (outer) => {
        await outer.insert(Payment, { id: 'outer', cents: 1 });
        await rejection(
          outer.transaction(async (middle) => {
            await middle.insert(Payment, { id: 'middle', cents: 1 });
            await source.transaction((inner) => inner.insert(Payment, { id: 'inner', cents: 1 }));
            throw new Error('takes the inner one along');
          }),
        );
      }),
    );
    await sealAndCommit(transaction);

    expect(await world.payments()).toEqual(['outer']);
  });

  it('does not end the transaction when a nested one cannot even start', async () => {
    transaction = await storage.begin(begun);

    const scope = await handle(storage, transaction, async () => {
      await insert('a');
      await rejection(source.query('SELECT 1 / 0'));
      await rejection(source.transaction(() => Promise.resolve()));
      await rejection(insert('autocommitted?'));
    });
    const error = await rejection(transaction.seal());
    await transaction.rollback();

    expect(scope.violation).toBeNull(); // TypeORM rolled back what it could not start: that is no offence
    expect(error).toMatchObject({ code: 'EO_TRANSACTION_ABORTED', cause: { code: '22012' } });
    expect(await world.payments()).toEqual([]);
  });

  it('does not blame an error that a nested one has undone for a later one', async () => {
    transaction = await storage.begin(begun);
    await handle(storage, transaction, async () => {
      await rejection(source.transaction((manager) => manager.query('SELECT 1 / 0')));
      await insert('a');
      await rejection(insert('a'));
    });

    const error = await rejection(transaction.seal());

    expect(error).toMatchObject({ code: 'EO_TRANSACTION_ABORTED', cause: { code: '23505' } });
  });

  it('refuses an isolation level that a savepoint cannot have, and takes the one it has', async () => {
    transaction = await storage.begin({ ...begun, isolation: 'REPEATABLE READ' });

    const scope = await handle(storage, transaction, async () => {
      await source.transaction('REPEATABLE READ', () => insert('a'));
      await rejection(source.transaction('SERIALIZABLE', () => insert('b')));
    });

    expect(scope.violation).toMatchObject({ code: 'EO_TRANSACTION_OWNED' });
    expect(scope.violation?.message).toContain('SERIALIZABLE');
    await sealAndCommit(transaction);
    expect(await world.payments()).toEqual(['a']);
  });

  it('counts one that was left open as pending', async () => {
    transaction = await storage.begin(begun);

    const scope = await handle(storage, transaction, () => source.createQueryRunner().startTransaction());

    expect(scope.pending).toBe(1);
  });

  it('refuses the one of two overlapping ones that ends out of turn', async () => {
    transaction = await storage.begin(begun);
    const [one, two] = await storage.ambient.run(
      { transaction, invocation: null, open: true, pending: 0, violation: null, onEnd: null },
      async () => [source.createQueryRunner(), source.createQueryRunner()] as const,
    );

    await one.startTransaction();
    await two.startTransaction();
    const error = await rejection(one.rollbackTransaction());

    expect(error).toMatchObject({ code: 'EO_TRANSACTION_OWNED' });
  });

  describe("the framework's own savepoint", () => {
    it('keeps the work that succeeds and undoes the work that throws, with its events', async () => {
      transaction = await storage.begin(begun);

      await transaction.savepoint(() => handle(storage, transaction, () => insert('kept')));
      await rejection(
        transaction.savepoint(async () => {
          publish('undone');
          await handle(storage, transaction, () => insert('undone'));
          throw new Error('no');
        }),
      );
      await sealAndCommit(transaction);

      expect(published()).toEqual([]);
      expect(await world.payments()).toEqual(['kept']);
    });

    it('fails work that swallowed an SQL error, with that error as the cause, and goes on', async () => {
      transaction = await storage.begin(begun);

      const error = await rejection(
        transaction.savepoint(() =>
          handle(storage, transaction, async () => {
            await insert('a');
            await rejection(insert('a'));
            await rejection(insert('b'));
          }),
        ),
      );
      await transaction.savepoint(() => handle(storage, transaction, () => insert('next')));
      await sealAndCommit(transaction);

      expect(error).toMatchObject({ code: 'EO_TRANSACTION_ABORTED', cause: { code: '23505' } });
      expect(transaction.fault).toBeNull();
      expect(await world.payments()).toEqual(['next']);
    });

    it('undoes work that left a transaction of its own open', async () => {
      transaction = await storage.begin(begun);

      const error = await rejection(
        transaction.savepoint(() =>
          handle(storage, transaction, async () => {
            await source.createQueryRunner().startTransaction();
            await insert('open');
          }),
        ),
      );
      await sealAndCommit(transaction);

      expect(error).toMatchObject({ code: 'EO_TRANSACTION_OWNED' });
      expect(await world.payments()).toEqual([]);
    });

    it('counts as pending where a handler does not await it', async () => {
      transaction = await storage.begin(begun);
      let finish = () => {};
      const held = new Promise<void>((resolve) => {
        finish = resolve;
      });
      let nested: Promise<unknown> = Promise.resolve();

      const scope = await handle(storage, transaction, async () => {
        nested = transaction.savepoint(() => held);
      });
      const pending = scope.pending;
      finish();
      await nested;

      expect(pending).toBe(1);
      expect(scope.pending).toBe(0);
    });
  });
});
