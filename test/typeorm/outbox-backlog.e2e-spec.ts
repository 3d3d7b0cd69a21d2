import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { claimSql, dueSql } from '../../libs/typeorm/src/postgres/outbox-claim.sql.js';
import { tablesIn } from '../../libs/typeorm/src/postgres/tables.js';
import { StorageWorld } from './storage-world.js';

interface Plan {
  readonly Plan: {
    readonly 'Shared Hit Blocks': number;
    readonly 'Shared Read Blocks': number;
    readonly 'Total Cost': number;
  };
}

describe('a relay before a backlog', () => {
  let world: StorageWorld;
  const tables = tablesIn(null);

  beforeAll(async () => {
    world = await StorageWorld.open('backlog');
    await world.storage();
    const { database } = world;
    await database.query(`INSERT INTO eo_lease VALUES (0, 'relay', 1, now() + interval '1 hour')`);
    await database.query(`
      INSERT INTO eo_outbox (key_hash, topic, type, version, source, id, headers, content_type)
      SELECT number, 'orders', 'order.placed', 1, 'test', convert_to(number::text, 'UTF8'), '[]', 'application/json'
      FROM generate_series(1, 200000) AS given (number)`);
  });

  afterAll(() => world.close());

  /** Pages that a statement looks at, of the outbox, its indexes and all else; and what the planner reckons it costs. */
  async function explained(sql: string, parameters: unknown[]): Promise<{ pages: number; cost: number }> {
    const [row] = await world.database.query(`EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${sql}`, parameters);
    const [{ Plan }] = row['QUERY PLAN'] as [Plan];
    const pages = Plan['Shared Hit Blocks'] + Plan['Shared Read Blocks'];
    return { pages, cost: Plan['Total Cost'] };
  }

  const underWay = Array.from({ length: 1_000 }, (_, index) => String(index + 1));
  const claim = () =>
    explained(claimSql(tables), [0, 'relay', '1', 1_000, 1_000_000, [], underWay, '1', null, []]);
  const due = () => explained(dueSql(tables), [[0], ['600000']]);

  it('looks at the rows that it takes, and not at what waits behind them', async () => {
    await world.database.query('ANALYZE eo_outbox'); // as autovacuum does within a minute

    const [claimed, looked] = [await claim(), await due()];

    const [{ whole }] = await world.database.query('SELECT pg_relation_size($1) / 8192 AS whole', [
      'eo_outbox',
    ]);
    expect(Number(whole)).toBeGreaterThan(2_000);
    expect(claimed.pages).toBeLessThan(200);
    expect(claimed.cost).toBeLessThan(100_000); // jit_above_cost: it would be compiled for each claim
    expect(looked.pages).toBeLessThan(50);
  });
});
