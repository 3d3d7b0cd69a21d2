import type { Storage, Transaction } from '@exactly-once/core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { DataSource } from 'typeorm';
import {
  anEvent,
  begun,
  handle,
  Payment,
  rejection,
  StorageWorld,
  sealAndCommit,
  until,
} from './storage-world.js';

const record = (key: string) => ({
  key: Buffer.from(key.padEnd(24)),
  handlerId: 1,
  fingerprint: Buffer.alloc(16),
});

describe('the round trips of a transaction', () => {
  let world: StorageWorld;
  let source: DataSource;
  let storage: Storage;
  let transaction: Transaction;
  let found: Payment[];

  beforeAll(async () => {
    world = await StorageWorld.open('trips');
    source = await world.dataSource();
    storage = await world.storage(source);
  });

  afterEach(async () => {
    await transaction.rollback();
    await world.clear();
  });
  afterAll(() => world.close());

  const twoStatements = async (one: Transaction) => {
    await storage.inbox.admit(one, [record('a'), record('b')]);
    await storage.inbox.admit(one, [record('c')]);
    one.outgoing.push({ event: anEvent({ id: 'e' }), deliverAtMs: null });
  };

  const stored = async (column: string, table: string) =>
    (await world.database.query(`SELECT ${column} AS found FROM ${table}`)).map(({ found }) => String(found));

  it('are one for each statement and one for COMMIT, which takes along what is published', async () => {
    transaction = await storage.begin({ ...begun, sealsWithCommit: true });
    const trips = countTrips(transaction);

    await twoStatements(transaction);
    await sealAndCommit(transaction);

    expect(trips.count).toBe(3);
    expect(await stored('id', 'eo_outbox')).toEqual(['e']);
  });

  it('commits nothing where what it publishes is refused, and says so before COMMIT', async () => {
    transaction = await storage.begin({ ...begun, sealsWithCommit: true });
    await twoStatements(transaction);
    transaction.outgoing.push({ event: { ...anEvent({ id: 'f' }), version: 2 ** 40 }, deliverAtMs: null });
    await transaction.seal();

    const error = await rejection(transaction.commit());

    expect(error).toMatchObject({ code: '22003' });
    expect(transaction.state).toBe('sealed');
    await transaction.rollback();
    expect([await stored('id', 'eo_outbox'), await stored('key', 'eo_inbox')]).toEqual([[], []]);
  });

  it('commits nothing where what it publishes cannot be sent at all, and goes on with the connection', async () => {
    transaction = await storage.begin({ ...begun, sealsWithCommit: true, triedAgain: true });
    await twoStatements(transaction);
    const unwritable = { toPostgres: () => fail('it is read') };
    transaction.outgoing.push({
      event: { ...anEvent({ id: 'f' }), version: unwritable as never },
      deliverAtMs: null,
    });
    await transaction.seal();

    const error = await rejection(transaction.commit());

    expect(error).toMatchObject({ message: 'it is read' });
    expect(transaction.state).toBe('sealed');
    await transaction.rollback();
    expect([await stored('id', 'eo_outbox'), await stored('key', 'eo_inbox')]).toEqual([[], []]);
  });

  it('say that nothing was committed where the connection was gone before COMMIT', async () => {
    transaction = await storage.begin({ ...begun, sealsWithCommit: true });
    await twoStatements(transaction);
    await transaction.seal();
    const { client } = connectionOf(transaction);
    client.connection.stream.destroy();
    await until(async () => client.connection.stream.destroyed);

    const error = await rejection(transaction.commit());

    expect(error).toMatchObject({ code: 'EO_STORAGE_UNAVAILABLE' });
    expect(transaction.state).toBe('sealed');
  });

  it('read at REPEATABLE READ as of the first statement of the user', async () => {
    transaction = await storage.begin({ ...begun, sealsWithCommit: true, isolation: 'REPEATABLE READ' });
    await world.database.query("INSERT INTO payment VALUES ('a', 1)");

    const seen = await handle(storage, transaction, async () => {
      found = await source.getRepository(Payment).find();
    });

    expect(seen.violation).toBeNull();
    expect(found).toHaveLength(1);
  });
});

function fail(what: string): never {
  throw new Error(what);
}

type Query = (...parameters: unknown[]) => unknown;

interface Inside {
  readonly connection: {
    readonly client: {
      query: Query;
      readonly connection: { readonly stream: { readonly destroyed: boolean; destroy(): void } };
    };
  };
}

function connectionOf(transaction: Transaction): Inside['connection'] {
  return (transaction as unknown as Inside).connection;
}

/** Counts what the transaction's client is asked for, until its end. */
function countTrips(transaction: Transaction) {
  const { client } = connectionOf(transaction);
  const { query } = client;
  const trips = { count: 0 };
  client.query = function (this: unknown, ...parameters) {
    trips.count++;
    return query.apply(this, parameters);
  };
  return trips;
}
