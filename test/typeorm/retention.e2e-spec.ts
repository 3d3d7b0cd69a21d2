import { hasCode, inboxKey, Retention, type Storage, silentLogger, systemClock } from '@exactly-once/core';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { begun, handle, StorageWorld, sealAndCommit, until } from './storage-world.js';

const dayMs = 86_400_000;
const events = 1_000;
const batchSize = 40;
const fingerprint = Buffer.from('body'.padEnd(16));

/** Those with an even number are older than the window. */
const isOld = (event: number) => event % 2 === 0;
const record = (event: number) => ({ key: inboxKey('h', 1, 's', `e-${event}`), handlerId: 1, fingerprint });

describe('the pruner of the inbox', () => {
  let world: StorageWorld;
  let source: DataSource;
  let storage: Storage;

  beforeAll(async () => {
    world = await StorageWorld.open('retention');
    source = await world.dataSource();
    storage = await world.storage(source);
    await world.database.query('CREATE TABLE effect (event int NOT NULL)');
  });
  afterAll(() => world.close());

  /** As a batch is handled: what is fresh has its effect, in the transaction of the admission. How many were. */
  async function take(some: readonly number[]): Promise<number> {
    const transaction = await storage.begin(begun);
    try {
      const answers = await storage.inbox.admit(transaction, some.map(record));
      const fresh = some.filter((_, index) => answers[index]!.verdict === 'fresh');
      await handle(storage, transaction, async () => {
        if (fresh.length > 0) await source.query('INSERT INTO effect SELECT unnest($1::int[])', [fresh]);
      });
      await sealAndCommit(transaction);
      return fresh.length;
    } catch (error) {
      await transaction.rollback();
      if (hasCode(storage.translate(error), 'EO_SERIALIZATION_FAILURE')) return take(some); // as the engine does
      throw error;
    }
  }

  it('deletes in bounded steps beside copies of the very events, and none of them is handled twice within the window', async () => {
    const all = Array.from({ length: events }, (_, event) => event);
    await take(all);
    const old = all.filter(isOld).map((event) => Buffer.from(record(event).key));
    await world.database.query(
      `UPDATE eo_inbox SET recorded_at = now() - interval '8 days' WHERE key = ANY($1::bytea[])`,
      [old],
    );
    const steps: number[] = [];
    const before = { duplicates: 0, fresh: 0 };
    let [duplicates, fresh, over] = [0, 0, false];
    const copies = Array.from({ length: 4 }, async (_, copier) => {
      for (let round = copier; !over; round++) {
        const some = all.filter((event) => (event * 7 + round * 13) % 31 === 0);
        const count = await take(some);
        fresh += count;
        duplicates += some.length - count;
      }
    });
    const retention = new Retention({
      forgetful: [
        {
          deleteOlderThan: async (olderThanMs, limit) => {
            const since = duplicates;
            await until(() => duplicates > since); // copies come between any two steps
            if (steps.length === 0) Object.assign(before, { duplicates, fresh });
            const deleted = await storage.inbox.deleteOlderThan(olderThanMs, limit);
            steps.push(deleted);
            return deleted;
          },
        },
      ],
      ...{ clock: systemClock, logger: silentLogger, windowMs: 7 * dayMs, batchSize, intervalMs: 60_000 },
    });

    const deleted = await retention.sweep(new AbortController().signal);
    await until(() => fresh === events / 2); // each old one comes once more
    const last = duplicates;
    await until(() => duplicates > last + events); // and then once again
    over = true;
    await Promise.all(copies);

    expect(retention.trouble()).toBeNull();
    expect(deleted).toBe(events / 2);
    expect(Math.max(...steps)).toBe(batchSize);
    expect(steps.length).toBeGreaterThan(events / 2 / batchSize);
    expect(before.duplicates).toBeGreaterThan(0);
    expect(before.fresh).toBe(0);
    const rows = await world.database.query(
      'SELECT event, count(*)::int AS count FROM effect GROUP BY event',
    );
    expect(rows).toHaveLength(events);
    expect(rows.filter(({ event, count }) => count !== (isOld(event) ? 2 : 1))).toEqual([]);
  });
});
