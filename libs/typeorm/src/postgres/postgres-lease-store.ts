/**
 * Relay leases on PostgreSQL, by the database's clock. Step 2 of an event's life.
 *
 * Each change of hands has an epoch of its own; a lost lease is never renewed.
 */
import type { Lease, LeaseStore } from '@exactly-once/core';
import { acquireLeaseSql, releaseLeaseSql, renewLeaseSql, shardCountSql } from './lease.sql.js';
import type { PostgresPool } from './postgres-pool.js';

export class PostgresLeaseStore implements LeaseStore {
  constructor(readonly pool: PostgresPool) {}

  async shardCount(): Promise<number> {
    const { rows } = await this.pool.query(shardCountSql(this.pool.tables));
    return rows[0].shard_count;
  }

  async acquire(shard: number, owner: string, leaseMs: number): Promise<Lease | null> {
    const { rows } = await this.pool.query(acquireLeaseSql(this.pool.tables), [shard, owner, leaseMs]);
    return rows.length === 0 ? null : { shard, owner, epoch: BigInt(rows[0].epoch) };
  }

  async renew({ shard, owner, epoch }: Lease, leaseMs: number): Promise<boolean> {
    const values = [shard, owner, String(epoch), leaseMs];
    const { rowCount } = await this.pool.query(renewLeaseSql(this.pool.tables), values);
    return rowCount === 1;
  }

  async release({ shard, owner, epoch }: Lease): Promise<void> {
    await this.pool.query(releaseLeaseSql(this.pool.tables), [shard, owner, String(epoch)]);
  }
}
