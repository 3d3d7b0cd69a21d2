import type { Storage, Transaction } from '@exactly-once/core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { anEvent, begun, handle, Payment, rejection, StorageWorld, sealAndCommit } from './storage-world.js';

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

  it('needs three round trips: BEGIN goes with the first, what is published with COMMIT', async () => {
    transaction = await storage.begin({ ...begun, sealsWithCommit: true });
    const trips = countTrips(transaction);

    await twoStatements(transaction);
    await sealAndCommit(transaction);

    expect(trips.count).toBe(3);
    expect(await stored('id', 'eo_outbox')).toEqual(['e']);
  });

  it('never begins where nothing is asked of the database', async () => {
    transaction = await storage.begin({ ...begun, sealsWithCommit: true });
    const trips = countTrips(transaction);

    await sealAndCommit(transaction);

    expect([trips.count, transaction.state]).toEqual([0, 'committed']);
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

  it('runs nothing behind a BEGIN that failed', async () => {
    transaction = await storage.begin({ ...begun, sealsWithCommit: true, lockTimeoutMs: 1 });
    await connectionOf(transaction).openWith(
      [['BEGIN'], ["SELECT set_config('no.such thing', '', true)"]],
      () => {},
    );

    const error = await rejection(
      handle(storage, transaction, () => source.getRepository(Payment).insert({ id: 'a', cents: 1 })),
    );

    expect(error).toMatchObject({ driverError: { severity: 'ERROR' } });
    await transaction.rollback();
    expect(await world.payments()).toEqual([]);
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
