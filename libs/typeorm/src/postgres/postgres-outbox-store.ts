/**
 * The outbox on PostgreSQL, as the relay sees it. Step 2 of an event's life.
 *
 * Appending is part of sealing a transaction. Nothing is settled without the lease.
 */
import {
  type ClaimBounds,
  ExactlyOnceError,
  type Lease,
  type OutboxDepth,
  type OutboxRow,
  type OutboxStore,
} from '@exactly-once/core';
import { claimSql, depthSql, refuseSql, settleSql } from './outbox.sql.js';
import { outboxRow } from './outbox-rows.js';
import type { PostgresPool } from './postgres-pool.js';

export class PostgresOutboxStore implements OutboxStore {
  constructor(readonly pool: PostgresPool) {}

  async claim(lease: Lease, limit: number, bounds: ClaimBounds = {}): Promise<OutboxRow[]> {
    const values = [...parameters(lease), limit, bounds.maxBytes ?? null, bounds.exceptTopics ?? []];
    const { rows } = await this.pool.query(claimSql(this.pool.tables), values);
    if (rows.length === 0) throw lost(lease);
    return rows.filter((row) => row.position !== null).map(outboxRow);
  }

  async settle(lease: Lease, positions: readonly bigint[]): Promise<void> {
    const values = [...parameters(lease), positions.map(String)];
    const { rows } = await this.pool.query(settleSql(this.pool.tables), values);
    if (rows[0].held === 0) throw lost(lease);
  }

  async refuse(lease: Lease, position: bigint, reason: string): Promise<void> {
    const text = reason.replaceAll('\u0000', '\\u0000');
    const { rows } = await this.pool.query(refuseSql(this.pool.tables), [
      ...parameters(lease),
      String(position),
      text,
    ]);
    if (rows[0].held === 0) throw lost(lease);
  }

  async depth(): Promise<OutboxDepth> {
    const { rows } = await this.pool.query(depthSql(this.pool.tables));
    return { pending: rows[0].pending, dead: rows[0].dead, oldestAgeMs: Number(rows[0].age_ms) };
  }
}

function parameters({ shard, owner, epoch }: Lease): unknown[] {
  return [shard, owner, String(epoch)];
}

function lost({ shard, owner, epoch }: Lease): ExactlyOnceError {
  return new ExactlyOnceError('EO_LEASE_LOST', `${owner} no longer holds shard ${shard} at epoch ${epoch}`, {
    details: { shard, owner, epoch: String(epoch) },
  });
}
