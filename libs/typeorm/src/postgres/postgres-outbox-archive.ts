/**
 * What has left the outbox, on PostgreSQL. After step 2 of an event's life.
 *
 * Reads and forgets; rows come by the statements that settle and discard.
 */
import type { ArchivedRow, OutboxArchive } from '@exactly-once/core';
import { archivedRowsSql, forgetArchivedSql } from './outbox-archive.sql.js';
import { rowHead } from './outbox-rows.js';
import type { PostgresPool } from './postgres-pool.js';

export class PostgresOutboxArchive implements OutboxArchive {
  constructor(readonly pool: PostgresPool) {}

  async list(limit: number, after = 0n): Promise<ArchivedRow[]> {
    const { rows } = await this.pool.query(archivedRowsSql(this.pool.tables), [String(after), limit]);
    return rows.map((row) => ({
      ...rowHead(row),
      state: row.state,
      createdAtMs: Number(row.created_ms),
      settledAtMs: Number(row.settled_ms),
      keepUntilMs: row.keep_until_ms === null ? null : Number(row.keep_until_ms),
      reason: row.reason,
      decidedBy: row.decided_by,
      decidedWhy: row.decided_why,
    }));
  }

  async deleteExpired(limit: number): Promise<number> {
    const { rowCount } = await this.pool.query(forgetArchivedSql(this.pool.tables), [limit]);
    return rowCount ?? 0;
  }
}
