import { AsyncResource } from 'node:async_hooks';
import type { Storage, Transaction } from '@exactly-once/core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { DataSource, EntityManager, EntitySubscriberInterface, QueryRunner } from 'typeorm';
import { begun, handle, Payment, rejection, StorageWorld, sealAndCommit } from './storage-world.js';

describe('the ambient transaction', () => {
  let world: StorageWorld;
  let source: DataSource;
  let storage: Storage;

  beforeAll(async () => {
    world = await StorageWorld.open('joining');
    source = await world.dataSource();
    storage = await world.storage(source);
  });

  afterEach(() => world.clear());
  afterAll(() => world.close());

  const ways: Record<string, (id: string) => Promise<unknown>> = {
    'repository.save': (id) => source.getRepository(Payment).save({ id, cents: 1 }),
    'repository.insert': (id) => source.getRepository(Payment).insert({ id, cents: 1 }),
    'an insert query builder': (id) =>
      source.createQueryBuilder().insert().into(Payment).values({ id, cents: 1 }).execute(),
    'dataSource.query': (id) => source.query('INSERT INTO payment VALUES ($1, 1)', [id]),
    'dataSource.manager': (id) => source.manager.insert(Payment, { id, cents: 1 }),
    'dataSource.transaction': (id) =>
      source.transaction((manager) => manager.insert(Payment, { id, cents: 1 })),
    'a query runner': async (id) => {
      const runner = source.createQueryRunner();
      await runner.connect();
      await runner.query('INSERT INTO payment VALUES ($1, 1)', [id]);
      await runner.release();
    },
    "a query runner's manager": async (id) => {
      const runner = source.createQueryRunner();
      await runner.manager.getRepository(Payment).save({ id, cents: 1 });
      await runner.release();
    },
    "the driver's client": async (id) => {
      const client = await source.createQueryRunner().connect();
      await client.query({ text: 'INSERT INTO payment VALUES ($1, 1)', values: [id] });
      client.release();
    },
    "the driver's client with a callback": async (id) => {
      const client = await source.createQueryRunner().connect();
      await new Promise((resolve, reject) => {
        client.query('INSERT INTO payment VALUES ($1, 1)', [id], (error: unknown) =>
          error ? reject(error) : resolve(null),
        );
      });
    },
  };

  it.each(Object.entries(ways))('is joined by %s, and commits with it', async (_, write) => {
    const transaction = await storage.begin(begun);

    const scope = await handle(storage, transaction, () => write('a'));
    const before = await world.payments();
    await sealAndCommit(transaction);

    expect(scope).toMatchObject({ pending: 0, violation: null });
    expect(before).toEqual([]);
    expect(await world.payments()).toEqual(['a']);
  });

  it.each(Object.entries(ways))('is joined by %s, and rolls it back', async (_, write) => {
    const transaction = await storage.begin(begun);

    await handle(storage, transaction, () => write('a'));
    await transaction.rollback();

    expect(await world.payments()).toEqual([]);
  });

  it('sees its own writes from every side', async () => {
    const transaction = await storage.begin(begun);
    let seen: unknown[] = [];

    await handle(storage, transaction, async () => {
      await source.query("INSERT INTO payment VALUES ('a', 1)");
      seen = [
        await source.getRepository(Payment).countBy({ id: 'a' }),
        (await source.createQueryBuilder(Payment, 'payment').getMany()).length,
        await source.transaction((manager) => manager.count(Payment)),
      ];
    });
    await transaction.rollback();

    expect(seen).toEqual([1, 1, 1]);
  });

  it('is not joined from outside, nor by another context', async () => {
    const transaction = await storage.begin(begun);

    await handle(storage, transaction, () =>
      storage.ambient.outside(() => source.query("INSERT INTO payment VALUES ('outside', 1)")),
    );
    await source.query("INSERT INTO payment VALUES ('elsewhere', 1)");
    await transaction.rollback();

    expect(await world.payments()).toEqual(['elsewhere', 'outside']);
  });

  it('keeps two concurrent transactions apart', async () => {
    const [one, two] = [await storage.begin(begun), await storage.begin(begun)];

    await Promise.all([
      handle(storage, one, () => source.getRepository(Payment).save({ id: 'one', cents: 1 })),
      handle(storage, two, () => source.getRepository(Payment).save({ id: 'two', cents: 1 })),
    ]);
    await one.rollback();
    await sealAndCommit(two);

    expect(await world.payments()).toEqual(['two']);
  });

  it('takes statements that were sent at the same time', async () => {
    const transaction = await storage.begin(begun);
    const ids = Array.from({ length: 20 }, (_, i) => `p${String(i).padStart(2, '0')}`);

    await handle(storage, transaction, () =>
      Promise.all(ids.map((id) => source.getRepository(Payment).insert({ id, cents: 1 }))),
    );
    await sealAndCommit(transaction);

    expect(await world.payments()).toEqual(ids);
  });

  it('passes a stream of rows through the same checks', async () => {
    const transaction = await storage.begin(begun);
    const rows: unknown[] = [];

    const scope = await handle(storage, transaction, async () => {
      await source.query("INSERT INTO payment VALUES ('a', 1), ('b', 2)");
      const { default: pg } = await import('pg');
      const client = await source.createQueryRunner().connect();
      const query = client.query(new pg.Query('SELECT id FROM payment ORDER BY id'));
      query.on('row', (row: { id: string }) => rows.push(row.id));
      await new Promise((resolve, reject) => query.on('end', resolve).on('error', reject));
    });
    await transaction.rollback();

    expect(rows).toEqual(['a', 'b']);
    expect(scope).toMatchObject({ pending: 0, violation: null });
  });

  it('counts a stream that TypeORM opens until its last row', async () => {
    const { default: pg } = await import('pg');
    Object.assign(source.driver, { loadStreamDependency: () => pg.Query }); // instead of pg-query-stream
    const transaction = await storage.begin(begun);
    const rows: unknown[] = [];
    let ended: Promise<unknown> = Promise.resolve();

    const scope = await handle(storage, transaction, async () => {
      const runner = source.createQueryRunner();
      const stream = await runner.stream('SELECT generate_series(1, 3) AS n');
      stream.on('row', (row: { n: number }) => rows.push(row.n));
      ended = new Promise<void>((resolve, reject) => {
        stream.on('end', () => resolve());
        stream.on('error', reject);
      });
    });
    const pending = scope.pending;
    await ended;
    const late = await rejection(storage.ambient.run(scope, () => refusedStream(source)));
    await transaction.rollback();

    expect(rows).toEqual([1, 2, 3]);
    expect([pending, scope.pending]).toEqual([1, 0]);
    expect(late).toMatchObject({ code: 'EO_TRANSACTION_ENDED' });
  });

  it('refuses a stream of a statement that is refused', async () => {
    const transaction = await storage.begin(begun);

    const scope = await handle(storage, transaction, () =>
      rejection(source.createQueryRunner().stream('COMMIT')),
    );
    await transaction.rollback();

    expect(scope.violation).toMatchObject({ code: 'EO_TRANSACTION_OWNED' });
  });

  it('gives TypeORM subscribers a manager inside the transaction, and tells them of its end', async () => {
    const heard: string[] = [];
    const subscriber: EntitySubscriberInterface<Payment> = {
      listenTo: () => Payment,
      async afterInsert({ manager, entity }) {
        if (entity.id === 'a') await manager.insert(Payment, { id: 'by-subscriber', cents: 0 });
      },
      beforeTransactionStart: () => void heard.push('before start'),
      afterTransactionStart: () => void heard.push('start'),
      beforeTransactionCommit: () => void heard.push('before commit'),
      afterTransactionCommit: () => void heard.push('commit'),
      beforeTransactionRollback: () => void heard.push('before rollback'),
      afterTransactionRollback: () => void heard.push('rollback'),
    };
    source.subscribers.push(subscriber);

    const run = async (end: (transaction: Transaction) => Promise<void>) => {
      const transaction = await storage.begin(begun);
      await handle(storage, transaction, () => source.getRepository(Payment).insert({ id: 'a', cents: 1 }));
      await end(transaction);
    };
    await run((transaction) => transaction.rollback());
    const rolledBack = await world.payments();
    await run(sealAndCommit);
    source.subscribers.length = 0;

    expect(rolledBack).toEqual([]);
    expect(await world.payments()).toEqual(['a', 'by-subscriber']);
    expect(heard).toEqual([
      ...['before start', 'start', 'before rollback', 'rollback'],
      ...['before start', 'start', 'before commit', 'commit'],
    ]);
  });

  it('gives TypeORM subscribers no more than it gives to handlers', async () => {
    const given: EntityManager[] = [];
    const runners: QueryRunner[] = [];
    source.subscribers.push({
      listenTo: () => Payment,
      afterInsert: ({ manager }) => void given.push(manager),
      beforeQuery: ({ queryRunner }) => void runners.push(queryRunner),
    });
    const transaction = await storage.begin(begun);
    const errors: unknown[] = [];

    await handle(storage, transaction, async () => {
      await source.getRepository(Payment).insert({ id: 'a', cents: 1 });
      source.subscribers.length = 0;
      errors.push(await rejection(given[0]!.query('COMMIT')));
      errors.push(await rejection(runners[0]!.commitTransaction()));
    });
    await transaction.rollback();

    expect(errors).toMatchObject([{ code: 'EO_TRANSACTION_OWNED' }, { code: 'EO_TRANSACTION_OWNED' }]);
    expect(await world.payments()).toEqual([]);
  });

  it('leaves the DataSource to itself when the last of its storages closes, but for code of their transactions', async () => {
    const own = await world.dataSource();
    const [one, two] = [await world.storage(own), await world.storage(own)];
    let late: () => Promise<unknown> = async () => undefined;

    await one.close();
    const transaction = await two.begin(begun);
    await handle(two, transaction, async () => {
      late = AsyncResource.bind(() => own.query("INSERT INTO payment VALUES ('late', 1)"));
      await own.query("INSERT INTO payment VALUES ('two', 1)");
    });
    await transaction.rollback();
    await two.close();

    expect(await world.payments()).toEqual([]);
    await expect((async () => late())()).rejects.toMatchObject({ code: 'EO_TRANSACTION_ENDED' });
    await own.query("INSERT INTO payment VALUES ('free', 1)");
    expect(await world.payments()).toEqual(['free']);
  });

  it('refuses to begin before it is open: users would write beside it', async () => {
    const closed = await world.storage(await world.dataSource());
    await closed.close();

    await expect(closed.begin(begun)).rejects.toMatchObject({ code: 'EO_STORAGE_UNAVAILABLE' });
  });
});

async function refusedStream(source: DataSource): Promise<unknown> {
  return source.createQueryRunner().stream('SELECT 1');
}
