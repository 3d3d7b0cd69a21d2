import type { Lease, Storage } from '@exactly-once/core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import { claimSql } from '../../libs/typeorm/src/postgres/outbox-claim.sql.js';
import { tablesIn } from '../../libs/typeorm/src/postgres/tables.js';
import { anEvent, begun, StorageWorld, sealAndCommit, until } from './storage-world.js';

const batchSize = 1_000;
const batches = 20;

interface PlanNode {
  readonly 'Shared Hit Blocks': number;
  readonly 'Shared Read Blocks': number;
}

describe('the outbox, while a transaction elsewhere keeps its snapshot', () => {
  let world: StorageWorld;
  let storage: Storage;
  let lease: Lease;
  let session: pg.Client;
  let published = 0;

  beforeAll(async () => {
    world = await StorageWorld.open('bloat');
    storage = await world.storage();
    session = await world.session();
    lease = (await storage.leases.acquire(0, 'relay', 600_000))!;
  });

  afterEach(() => session.query('ROLLBACK'));
  afterAll(() => world.close());

  async function publish(): Promise<void> {
    const transaction = await storage.begin(begun);
    for (let number = 0; number < batchSize; number++) {
      const event = anEvent({ id: `event ${number}`, key: `key ${number % 50}`, body: Buffer.alloc(200) });
      transaction.outgoing.push({ event, deliverAtMs: null });
    }
    await sealAndCommit(transaction);
    published += batchSize;
  }

  /** As a relay does that knows how far it has come; the next position. */
  async function relay(from: bigint): Promise<bigint> {
    const { rows } = await storage.outbox.claim(lease, batchSize, { from });
    expect(rows).toHaveLength(batchSize);
    const positions = rows.map(({ position }) => position);
    await storage.outbox.settle(lease, positions);
    return positions.at(-1)! + 1n;
  }

  /** Pages that a claim looks at. */
  async function pages(from: bigint): Promise<number> {
    const values = [
      0,
      lease.owner,
      String(lease.epoch),
      batchSize,
      1_000_000,
      [],
      [],
      String(from),
      null,
      [],
    ];
    const sql = `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${claimSql(tablesIn(null))}`;
    const [row] = await world.database.query(sql, values);
    const { Plan: plan } = row['QUERY PLAN'][0] as { Plan: PlanNode };
    return plan['Shared Hit Blocks'] + plan['Shared Read Blocks'];
  }

  async function sizes(): Promise<{ heap: number; all: number }> {
    const [row] = await world.database.query(
      "SELECT pg_relation_size('eo_outbox') AS heap, pg_total_relation_size('eo_outbox') AS all",
    );
    return { heap: Number(row.heap), all: Number(row.all) };
  }

  const keepSnapshot = async () => {
    await session.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    await session.query('SELECT 1 FROM eo_meta');
  };

  it('is claimed at the same cost, however many dead rows it gathers, and is small again afterwards', async () => {
    let from = 0n;
    for (let round = 0; round < 3; round++) {
      await keepSnapshot();
      const costs: number[] = [];
      let fromTheBeginning = 0;
      for (let batch = 0; batch < batches; batch++) {
        await publish();
        costs.push(await pages(from));
        fromTheBeginning = await pages(0n);
        from = await relay(from);
      }
      const during = await sizes();
      await session.query('COMMIT');
      await session.query('VACUUM eo_outbox');
      const after = await sizes();

      // A batch fills more than 40 pages: all are still there, and passed by.
      expect(fromTheBeginning).toBeGreaterThan(batches * 40);
      expect(Math.max(...costs.slice(1))).toBeLessThan(150); // the first finds a table of no size
      expect(after.heap).toBeLessThan(during.heap / 10);
      expect(after.all).toBeLessThan(during.all / 2);
    }
  });

  it('leaves one dead row for each event, and changes none', async () => {
    await keepSnapshot();

    for (let batch = 0, from = 0n; batch < 3; batch++) {
      await publish();
      from = await relay(from);
    }

    const counts = async () => {
      const [row] = await world.database.query(
        `SELECT n_tup_upd::integer AS changed, n_tup_del::integer AS deleted
         FROM pg_stat_user_tables WHERE relname = 'eo_outbox'`,
      );
      return row as { changed: number; deleted: number };
    };
    await until(async () => (await counts()).deleted >= published, 20_000); // statistics come late
    expect(await counts()).toEqual({ changed: 0, deleted: published });
  });
});
