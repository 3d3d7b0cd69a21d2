import {
  type EventTypeDescriptor,
  jsonCodec,
  noTelemetry,
  Outbox,
  type PublishOptions,
  type Storage,
  systemClock,
} from '@exactly-once/core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { DataSource, EntityManager } from 'typeorm';
import { begun, handle, Payment, rejection, StorageWorld, sealAndCommit } from './storage-world.js';

const captured: EventTypeDescriptor<{ id: string }> = {
  type: 'payment.captured',
  topic: 'payments',
  key: ({ id }) => id,
  version: 1,
};

describe('the outbox within a transaction of the user', () => {
  let world: StorageWorld;
  let source: DataSource;
  let storage: Storage;
  let outbox: Outbox;
  let commits: number;

  beforeAll(async () => {
    world = await StorageWorld.open('within');
    source = await world.dataSource();
    storage = await world.storage(source);
  });

  beforeEach(() => {
    commits = 0;
    const published = () => void commits++;
    const ports = { storage, codec: jsonCodec, telemetry: noTelemetry, clock: systemClock };
    outbox = new Outbox({ ...ports, source: 'test', published });
  });

  afterEach(() => world.clear());
  afterAll(() => world.close());

  const publish = (manager: object, ids: string[], options?: PublishOptions) =>
    outbox.publishWithin(
      manager,
      ids.map((id) => ({ type: captured as EventTypeDescriptor, data: { id } })),
      options,
    );
  const pay = (manager: EntityManager, id: string) => manager.insert(Payment, { id, cents: 1 });
  const stored = async (): Promise<string[]> => {
    const rows = await world.database.query(
      `SELECT convert_from(key, 'UTF8') AS key FROM eo_outbox ORDER BY position`,
    );
    return rows.map((row) => row.key);
  };
  const failing = (work: (manager: EntityManager) => Promise<unknown>, manager?: EntityManager) =>
    rejection(
      (manager ?? source).transaction(async (inner) => {
        await work(inner);
        throw new Error('on purpose');
      }),
    );

  it('commits events with the state change, in order, and says so once that is done', async () => {
    const events = await source.transaction(async (manager) => {
      await pay(manager, 'a');
      const published = await publish(manager, ['a', 'b', 'c']);
      expect(commits).toBe(0);
      return published;
    });

    expect(await world.payments()).toEqual(['a']);
    expect(await stored()).toEqual(['a', 'b', 'c']);
    expect(events.map(({ key, source: from }) => [key, from])).toEqual(
      ['a', 'b', 'c'].map((id) => [id, 'test']),
    );
    expect(commits).toBe(1);
  });

  it('takes events along where the transaction rolls back', async () => {
    await failing(async (manager) => {
      await pay(manager, 'a');
      await publish(manager, ['a']);
    });

    expect([await world.payments(), await stored(), commits]).toEqual([[], [], 0]);
  });

  it("takes away what was published behind a savepoint, TypeORM's or said as text, and nothing else", async () => {
    await source.transaction(async (manager) => {
      await publish(manager, ['first']);
      await failing((inner) => publish(inner, ['nested']), manager);
      await manager.query('SAVEPOINT mine');
      await publish(manager, ['behind mine']);
      await manager.query('ROLLBACK TO SAVEPOINT mine');
      await manager.transaction((inner) => Promise.all([publish(inner, ['kept']), publish(inner, ['too'])]));
      expect(commits).toBe(0);
    });

    expect(await stored()).toEqual(['first', 'kept', 'too']);
    expect(commits).toBe(1);
  });

  it('writes nothing into a transaction that a swallowed SQL error has aborted', async () => {
    const errors: unknown[] = [];
    await source.transaction(async (manager) => {
      await pay(manager, 'a');
      await manager.query('SELECT 1 / 0').catch(() => undefined);
      errors.push(await rejection(publish(manager, ['a'])));
    });

    expect(errors).toEqual([expect.objectContaining({ code: '25P02' })]);
    expect([await world.payments(), await stored()]).toEqual([[], []]);
  });

  it('refuses an EntityManager without a transaction, and one whose transaction is over', async () => {
    let kept: EntityManager | null = null;
    await source.transaction(async (manager) => {
      kept = manager;
    });

    expect(await rejection(publish(source.manager, ['a']))).toMatchObject({ code: 'EO_NO_TRANSACTION' });
    expect(await rejection(publish(kept!, ['a']))).toMatchObject({ code: 'EO_NO_TRANSACTION' });
    expect(await stored()).toEqual([]);
  });

  it('refuses what is no EntityManager, one of another DataSource, and a cause', async () => {
    const other = await world.dataSource();
    const elsewhere = await rejection(other.transaction((manager) => publish(manager, ['a'])));
    const cause = { causedBy: {} } as PublishOptions;
    const caused = await rejection(source.transaction((manager) => publish(manager, ['a'], cause)));

    const runner = source.createQueryRunner();
    const ofRunner = await rejection(publish(runner, ['a']));
    await runner.release();

    expect(await rejection(publish({}, ['a']))).toMatchObject({ code: 'EO_OPTION_INVALID' });
    expect(ofRunner.message).toContain('give its `manager`');
    expect(elsewhere).toMatchObject({ code: 'EO_OPTION_INVALID' });
    expect(caused).toMatchObject({ code: 'EO_OPTION_INVALID' });
    expect(await stored()).toEqual([]);
  });

  it('writes nothing where its statement comes after the COMMIT: it was not awaited', async () => {
    const runner = source.createQueryRunner();
    try {
      await runner.startTransaction();
      await pay(runner.manager, 'a');
      const committing = runner.query('COMMIT');
      const late = rejection(publish(runner.manager, ['a']));

      expect(await late).toMatchObject({ code: 'EO_TRANSACTION_ENDED' });
      await committing;
    } finally {
      await runner.release();
    }
    expect([await world.payments(), await stored()]).toEqual([['a'], []]);
  });

  it('writes nothing into a later transaction of the same runner', async () => {
    const runner = source.createQueryRunner();
    let encoded = () => {};
    const codec = {
      ...jsonCodec,
      encode: (data: unknown, type: string) =>
        new Promise<Uint8Array>((resolve) => {
          encoded = () => resolve(jsonCodec.encode(data, type) as Uint8Array);
        }),
    };
    const ports = { storage, codec, telemetry: noTelemetry, clock: systemClock };
    outbox = new Outbox({ ...ports, source: 'test', published: () => {} });
    try {
      await runner.startTransaction();
      const late = rejection(publish(runner.manager, ['a']));
      await runner.rollbackTransaction();
      await runner.startTransaction();
      encoded();

      expect(await late).toMatchObject({ code: 'EO_TRANSACTION_ENDED' });
      await runner.commitTransaction();
    } finally {
      await runner.release();
    }
    expect(await stored()).toEqual([]);
  });

  it("is the event's own transaction inside of a handler, with its nested ones", async () => {
    const transaction = await storage.begin(begun);

    await handle(storage, transaction, async () => {
      await source.transaction((manager) => publish(manager, ['kept']));
      await failing((manager) => publish(manager, ['nested']));
      await publish(source.manager, ['refused']).catch(() => undefined);
    });
    const written = transaction.outgoing.map(({ event }) => event?.key);
    await sealAndCommit(transaction);

    expect(written).toEqual(['kept']);
    expect(await stored()).toEqual(['kept']);
  });
});
