import { Engine, systemClock } from '@exactly-once/core';
import { storageOn } from '@exactly-once/typeorm';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { rejection, StorageWorld } from './storage-world.js';

describe('a shutdown, seen from the database', () => {
  let world: StorageWorld;
  let source: DataSource;

  beforeAll(async () => {
    world = await StorageWorld.open('shutdown');
    source = await world.dataSource();
  });

  afterEach(async () => {
    await world.clear();
  });

  afterAll(async () => {
    await world.close();
  });

  const start = async (shutdownMs: number) => {
    const storage = storageOn(source, { migrate: true });
    const engine = new Engine({
      service: 'shutdown',
      storage,
      broker: null,
      handlers: [],
      types: [],
      unhandled: 'skip',
      shutdownMs,
    });
    await engine.start();
    return engine;
  };
  const pay = (id: string) => source.query('INSERT INTO payment (id, cents) VALUES ($1, 1)', [id]);

  it('lets a business transaction in flight end as it would have', async () => {
    const engine = await start(10_000);
    const failing = engine.transaction(async () => {
      await pay('before');
      await systemClock.sleep(300);
      await pay('after');
      throw new Error('on purpose');
    });
    const rejected = rejection(failing);

    await engine.stop();

    expect((await rejected).message).toBe('on purpose');
    expect(await world.payments()).toEqual([]);
  });

  it('rolls back what outlives the grace time, and commits nothing that it writes then', async () => {
    const engine = await start(100);
    let late: Promise<Error & { code?: string }> | null = null;
    const cut = rejection(
      engine.transaction(async () => {
        await pay('before');
        await systemClock.sleep(1_000);
        late = rejection(pay('after'));
        await late;
      }),
    );

    await engine.stop();
    expect(await cut).toMatchObject({ code: 'EO_SHUTTING_DOWN' });
    await systemClock.sleep(1_200);

    expect(await late).toMatchObject({ code: 'EO_TRANSACTION_ENDED' });
    expect(await world.payments()).toEqual([]);
  });

  it('leaves code that never was in a transaction to the DataSource, and serves the next engine', async () => {
    const first = await start(1_000);
    await first.transaction(() => pay('first'));
    await first.stop();
    await pay('between');
    const second = await start(1_000);

    await second.transaction(() => pay('second'));
    await second.stop();

    expect(await world.payments()).toEqual(['between', 'first', 'second']);
  });

  it('takes its seam out where no transaction has ever begun', async () => {
    const fresh = await world.dataSource();
    const before = fresh.createQueryRunner;
    const storage = storageOn(fresh, { migrate: true });
    await storage.open();
    expect(fresh.createQueryRunner).not.toBe(before);

    await storage.close();

    expect(fresh.createQueryRunner).toBe(before);
  });
});
