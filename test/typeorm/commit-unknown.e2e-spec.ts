import type { Storage } from '@exactly-once/core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { CuttingProxy, type Fault } from './cutting-proxy.js';
import { anEvent, begun, handle, Payment, rejection, StorageWorld } from './storage-world.js';

describe('a COMMIT that is not answered', () => {
  let world: StorageWorld;
  let proxy: CuttingProxy;
  let source: DataSource;
  let storage: Storage;

  beforeAll(async () => {
    world = await StorageWorld.open('unknown');
    proxy = await CuttingProxy.start(world.database.url);
    source = await world.dataSource({ url: proxy.url });
    storage = await world.storage(source);
  });

  afterEach(() => world.clear());
  afterAll(async () => {
    await world.close();
    await proxy.stop();
  });

  async function commitUnder(fault: Fault, work: () => Promise<unknown>) {
    const transaction = await storage.begin(begun);
    await handle(storage, transaction, work);
    await transaction.seal();
    const before = proxy.fired;
    proxy.fault = fault;
    const error = await rejection(transaction.commit());
    expect(proxy.fired).toBe(before + 1);
    return { transaction, error };
  }

  const insert = () => source.getRepository(Payment).insert({ id: 'a', cents: 1 });

  it.each([
    ['cut-before-commit', 'rolled-back', []],
    ['cut-after-commit', 'committed', ['a']],
  ] as const)('is unknown when the connection is %s, and turns out %s', async (fault, outcome, rows) => {
    const { transaction, error } = await commitUnder(fault, insert);
    const state = transaction.state;
    await transaction.rollback(); // as the processor does; it must not pretend to know

    const resolved = await transaction.resolveOutcome();

    expect(error).toMatchObject({ code: 'EO_COMMIT_UNKNOWN' });
    expect(state).toBe('unknown');
    expect(resolved).toBe(outcome);
    expect(transaction.state).toBe(outcome);
    expect(await world.payments()).toEqual(rows);
  });

  it.each([
    ['cut-before-commit', 'rolled-back', 0],
    ['cut-after-commit', 'committed', 1],
  ] as const)('knows the outcome of a transaction that only published (%s)', async (fault, outcome, rows) => {
    const transaction = await storage.begin(begun);
    transaction.outgoing.push({ event: anEvent({ id: 'only' }), deliverAtMs: null });
    await transaction.seal();
    proxy.fault = fault;
    const error = await rejection(transaction.commit());

    const resolved = await transaction.resolveOutcome();

    expect(error).toMatchObject({ code: 'EO_COMMIT_UNKNOWN' });
    expect(resolved).toBe(outcome);
    expect((await storage.outbox.depth()).pending).toBe(rows);
  });

  it('stays unknown where the id was not asked for', async () => {
    const transaction = await storage.begin({ ...begun, triedAgain: true, sealsWithCommit: true });
    await transaction.seal();
    proxy.fault = 'cut-before-commit';
    await rejection(transaction.commit());

    expect(await transaction.resolveOutcome()).toBe('unknown');
  });

  it('ends a backend that still holds the transaction, so that the answer is final', async () => {
    const transaction = await storage.begin(begun);
    await handle(storage, transaction, insert);
    await transaction.seal();
    proxy.fault = 'hold-before-commit';
    const committing = rejection(transaction.commit());
    await Promise.resolve();
    const client = (transaction as unknown as { connection: { client: { connection: { stream: Socket } } } })
      .connection.client;
    client.connection.stream.destroy();
    const error = await committing;

    const resolved = await transaction.resolveOutcome();

    expect(error).toMatchObject({ code: 'EO_COMMIT_UNKNOWN' });
    expect(resolved).toBe('rolled-back');
    expect(await world.payments()).toEqual([]);
  });

  it('gives no broken connection back to the pool', async () => {
    await commitUnder('cut-before-commit', insert);
    await commitUnder('cut-after-commit', insert);

    const rows = await Promise.all(Array.from({ length: 20 }, () => source.query('SELECT 1 AS one')));

    expect(rows.flat()).toHaveLength(20);
  });
});

interface Socket {
  destroy(): void;
}
