/**
 * What the broker refused for good, on PostgreSQL. Beside step 2 of an event's life.
 *
 * A decision moves a row that is dead and no other; it needs no lease, for no relay touches a dead row.
 */
import type { DeadRow, DeadRowStore, DiscardDecision } from '@exactly-once/core';
import { deadRowsSql, discardDeadSql, retryDeadSql } from './outbox-archive.sql.js';
import { rowHead, storableText } from './outbox-rows.js';
import type { PostgresPool } from './postgres-pool.js';

export class PostgresDeadRowStore implements DeadRowStore {
  constructor(readonly pool: PostgresPool) {}

  async list(limit: number, after = 0n): Promise<DeadRow[]> {
    const { rows } = await this.pool.query(deadRowsSql(this.pool.tables), [String(after), limit]);
    return rows.map((row) => ({
      ...rowHead(row),
      reason: row.reason,
      createdAtMs: Number(row.created_ms),
      waiting: row.waiting,
    }));
  }

  async retry(positions: readonly bigint[]): Promise<bigint[]> {
    const { rows } = await this.pool.query(retryDeadSql(this.pool.tables), [positions.map(String)]);
    return moved(rows);
  }

  async discard(positions: readonly bigint[], { by, why }: DiscardDecision): Promise<bigint[]> {
    const values = [positions.map(String), storableText(by), storableText(why)];
    const { rows } = await this.pool.query(discardDeadSql(this.pool.tables), values);
    return moved(rows);
  }
}

function moved(rows: readonly { readonly position: string }[]): bigint[] {
  return rows.map(({ position }) => BigInt(position)).sort((one, other) => (one < other ? -1 : 1));
}
