/**
 * Relay leases on PostgreSQL, by the database's clock. Step 2 of an event's life.
 *
 * Each change of hands has an epoch of its own; a lost lease is never renewed.
 */
import type { Lease, LeaseStore, RelayOverview, RelayView } from '@exactly-once/core';
import {
  acquireLeaseSql,
  beatSql,
  leaveSql,
  overviewSql,
  releaseLeaseSql,
  reshardSql,
  shardCountSql,
  wantShardsSql,
} from './lease.sql.js';
import type { PostgresPool } from './postgres-pool.js';

export class PostgresLeaseStore implements LeaseStore {
  constructor(readonly pool: PostgresPool) {}

  /** As it stands in the database; throws where the tables are missing. */
  async shardCount(): Promise<number> {
    const { rows } = await this.pool.query(shardCountSql(this.pool.tables));
    return rows[0].shard_count;
  }

  async beat(owner: string, leaseMs: number, leases: readonly Lease[]): Promise<RelayView> {
    const [shards, epochs] = [leases.map(({ shard }) => shard), leases.map(({ epoch }) => String(epoch))];
    const { rows } = await this.pool.query(beatSql(this.pool.tables), [owner, leaseMs, shards, epochs]);
    const [view] = rows;
    return {
      shardCount: view.shard_count,
      wantedShardCount: view.wanted_shard_count,
      relays: view.relays,
      rank: view.rank,
      held: view.held,
      free: view.free,
      nextExpiryMs: view.next_expiry_ms,
    };
  }

  async acquire(shard: number, owner: string, leaseMs: number): Promise<Lease | null> {
    const { rows } = await this.pool.query(acquireLeaseSql(this.pool.tables), [shard, owner, leaseMs]);
    return rows.length === 0 ? null : { shard, owner, epoch: BigInt(rows[0].epoch) };
  }

  async release({ shard, owner, epoch }: Lease): Promise<void> {
    await this.pool.query(releaseLeaseSql(this.pool.tables), [shard, owner, String(epoch)]);
  }

  async leave(owner: string): Promise<void> {
    await this.pool.query(leaveSql(this.pool.tables), [owner]);
  }

  async overview(): Promise<RelayOverview> {
    const { rows } = await this.pool.query(overviewSql(this.pool.tables));
    const relays = rows
      .filter(({ name }) => name !== null)
      .map(({ name, since_ms, shards }) => ({ name, sinceMs: Number(since_ms), shards }));
    return { shardCount: rows[0].shard_count, wantedShardCount: rows[0].wanted_shard_count, relays };
  }

  async want(shardCount: number): Promise<void> {
    await this.pool.query(wantShardsSql(this.pool.tables), [shardCount]);
  }

  async reshard(owner: string): Promise<boolean> {
    const { rowCount } = await this.pool.query(reshardSql(this.pool.tables), [owner]);
    return rowCount === 1;
  }
}
