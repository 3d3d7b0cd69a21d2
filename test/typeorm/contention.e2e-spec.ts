import { Engine } from '@exactly-once/core';
import { InMemoryBroker } from '@exactly-once/testing';
import { storageOn } from '@exactly-once/typeorm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import type { DataSource } from 'typeorm';
import { begun, handle, rejection, StorageWorld, until } from './storage-world.js';

const ids = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];

describe('events whose rows another transaction holds', () => {
  let world: StorageWorld;
  let source: DataSource;
  let engine: Engine | null;
  let warnings: string[];
  let attempts: number[];
  let holder: pg.Client;

  beforeAll(async () => {
    world = await StorageWorld.open('contention');
    source = await world.dataSource();
  });

  beforeEach(async () => {
    [engine, warnings, attempts] = [null, [], []];
    await world.storage(source); // for the tables
    await world.database.query("INSERT INTO payment VALUES ('hot', 0)");
    holder = await world.session();
    await holder.query('BEGIN');
    await holder.query("UPDATE payment SET cents = 0 WHERE id = 'hot'");
  });

  afterEach(async () => {
    await engine?.stop();
    await world.clear();
  });
  afterAll(() => world.close());

  async function start(): Promise<void> {
    const broker = new InMemoryBroker();
    engine = new Engine({
      service: 'test',
      storage: storageOn(source, { migrate: true }),
      broker,
      handlers: [
        {
          name: 'h',
          type: 'happened',
          retry: { attempts: 1 },
          invoke: async (_, { attempt }) => {
            attempts.push(attempt);
            await source.query("UPDATE payment SET cents = cents + 1 WHERE id = 'hot'");
          },
        },
      ],
      types: [{ type: 'happened', topic: 'in', version: 1 }],
      unhandled: 'stop',
      relay: false,
      retention: false,
      logger: {
        error: (line) => void warnings.push(line),
        warn: (line) => void warnings.push(line),
        info: () => {},
        debug: () => {},
      },
    });
    const headers = (id: string) => ({
      ce_specversion: '1.0',
      ce_id: id,
      ce_source: 'test',
      ce_type: 'happened',
    });
    broker.append('in', ...ids.map((id) => ({ key: id, headers: headers(id), body: '{}' })));
    await engine.start();
  }

  it('give way as a group, wait alone, and are handled once without an attempt counted', async () => {
    await start();
    // Eight and four give way; the first of them has met it twice, and waits alone.
    await until(() => warnings.length >= 2);
    await world.somebodyWaits();
    await holder.query('COMMIT');

    const handled = async () => (await world.database.query('SELECT 1 FROM eo_inbox')).length === ids.length;
    await until(handled);

    expect(warnings).toEqual(Array.from({ length: 2 }, () => expect.stringContaining('55P03')));
    expect(new Set(attempts)).toEqual(new Set([1]));
    expect(await world.database.query("SELECT cents FROM payment WHERE id = 'hot'")).toEqual([
      { cents: ids.length },
    ]);
    expect(await world.database.query('SELECT 1 FROM eo_dead_letter')).toEqual([]);
  });

  it('are waited for no longer than the transaction says', async () => {
    const storage = await world.storage(source);
    const transaction = await storage.begin({ ...begun, lockTimeoutMs: 100 });

    const error = await rejection(
      handle(storage, transaction, () => source.query("UPDATE payment SET cents = 1 WHERE id = 'hot'")),
    );
    await transaction.rollback();

    expect(storage.translate(error)).toMatchObject({ code: 'EO_SERIALIZATION_FAILURE' });
  });
});
