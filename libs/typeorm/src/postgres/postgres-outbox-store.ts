/**
 * The outbox on PostgreSQL, as the relay sees it. Step 2 of an event's life.
 *
 * Appending is part of sealing a transaction. Nothing is settled without the lease.
 */
import {
  type ClaimBounds,
  ExactlyOnceError,
  type Lease,
  type OutboxBatch,
  type OutboxClaim,
  type OutboxDepth,
  type OutboxStore,
  type ShardStart,
} from '@exactly-once/core';
import { depthSql, refuseSql, settleSql } from './outbox.sql.js';
import { forgetUnrelayedSql } from './outbox-archive.sql.js';
import { batchInDoubtSql, concludeBatchSql, outboxIdSql, prepareBatchSql } from './outbox-batch.sql.js';
import { claimSql, dueSql } from './outbox-claim.sql.js';
import { outboxRow, storableText } from './outbox-rows.js';
import { PostgresDeadRowStore } from './postgres-dead-row-store.js';
import { PostgresOutboxArchive } from './postgres-outbox-archive.js';
import type { PostgresPool } from './postgres-pool.js';
import type { Tables } from './tables.js';

export class PostgresOutboxStore implements OutboxStore {
  readonly dead: PostgresDeadRowStore;
  readonly archive: PostgresOutboxArchive;

  constructor(readonly pool: PostgresPool) {
    this.dead = new PostgresDeadRowStore(pool);
    this.archive = new PostgresOutboxArchive(pool);
  }

  async name(): Promise<string> {
    const { rows } = await this.pool.query(outboxIdSql(this.pool.tables));
    return rows[0].outbox_id;
  }

  async claim(lease: Lease, limit: number, bounds: ClaimBounds = {}): Promise<OutboxClaim> {
    const { maxBytes = null, exceptTopics = [], exceptPositions = [] } = bounds;
    const { from = 0n, snapshot = null, writers = [] } = bounds;
    const except = [exceptTopics, exceptPositions.map(String)];
    const values = [...parameters(lease), limit, maxBytes, ...except, String(from), snapshot, writers];
    const { rows } = await this.pool.query(claimSql(this.pool.tables), values);
    const [first] = rows;
    if (first === undefined) throw lost(lease);
    return {
      rows: rows.filter((row) => row.position !== null).map(outboxRow),
      snapshot: first.snapshot,
      writers: first.writers,
      dead: {
        first: first.first_dead === null ? null : BigInt(first.first_dead),
        version: first.dead_version,
      },
    };
  }

  async due(shards: readonly ShardStart[]): Promise<number[]> {
    const values = [shards.map(({ shard }) => shard), shards.map(({ from }) => String(from))];
    const { rows } = await this.pool.query(dueSql(this.pool.tables), values);
    return rows.map(({ shard }) => shard);
  }

  async settle(lease: Lease, positions: readonly bigint[], archiveMs = 0): Promise<void> {
    const values = [...parameters(lease), positions.map(String)];
    await this.#change(lease, settleSql, values, archiveMs);
  }

  async prepare(lease: Lease, batch: OutboxBatch, before: OutboxBatch | null, archiveMs = 0): Promise<void> {
    const values = [...parameters(lease), ...columns(batch), ...columns(before)];
    await this.#change(lease, prepareBatchSql, values, archiveMs);
  }

  async inDoubt(lease: Lease): Promise<OutboxBatch[]> {
    const { rows } = await this.pool.query(batchInDoubtSql(this.pool.tables), parameters(lease));
    if (rows.length === 0) throw lost(lease);
    return rows
      .filter(({ token }) => token !== null)
      .map(({ token, positions }) => ({ token: BigInt(token), positions: positions.map(BigInt) }));
  }

  async conclude(lease: Lease, batch: OutboxBatch, archiveMs = 0): Promise<void> {
    await this.#change(lease, concludeBatchSql, [...parameters(lease), ...columns(batch)], archiveMs);
  }

  async refuse(lease: Lease, position: bigint, reason: string): Promise<void> {
    const { rows } = await this.pool.query(refuseSql(this.pool.tables), [
      ...parameters(lease),
      String(position),
      storableText(reason),
    ]);
    if (rows[0].held === 0) throw lost(lease);
  }

  async depth(): Promise<OutboxDepth> {
    const { rows } = await this.pool.query(depthSql(this.pool.tables));
    return { pending: rows[0].pending, dead: rows[0].dead, oldestAgeMs: Number(rows[0].age_ms) };
  }

  async deleteUnrelayed(olderThanMs: number, limit: number): Promise<number> {
    const { rowCount } = await this.pool.query(forgetUnrelayedSql(this.pool.tables), [olderThanMs, limit]);
    return rowCount ?? 0;
  }

  /** What settles rows; `archiveMs` is the last parameter where they are archived. */
  async #change(
    lease: Lease,
    sql: (tables: Tables, archived: boolean) => string,
    values: readonly unknown[],
    archiveMs: number,
  ): Promise<void> {
    const archived = archiveMs > 0;
    const given = archived ? [...values, archiveMs] : [...values];
    const { rows } = await this.pool.query(sql(this.pool.tables, archived), given);
    if (rows[0].held === 0) throw lost(lease);
  }
}

function parameters({ shard, owner, epoch }: Lease): unknown[] {
  return [shard, owner, String(epoch)];
}

function columns(batch: OutboxBatch | null): unknown[] {
  return batch === null ? [null, []] : [String(batch.token), batch.positions.map(String)];
}

function lost({ shard, owner, epoch }: Lease): ExactlyOnceError {
  return new ExactlyOnceError('EO_LEASE_LOST', `${owner} no longer holds shard ${shard} at epoch ${epoch}`, {
    details: { shard, owner, epoch: String(epoch) },
  });
}
