/**
 * Consumer positions on PostgreSQL, moved by compare-and-set in the batch's own transaction.
 *
 * Never moves a row that another owner holds.
 */
import type { FenceKey, FenceMove, FenceRow, FenceStore, Suspect, Transaction } from '@exactly-once/core';
import {
  accuseSql,
  acquitSql,
  advanceFenceSql,
  claimFenceSql,
  createFenceSql,
  readFenceSql,
  releaseFenceSql,
  repositionFenceSql,
  shareFenceSql,
} from './fence.sql.js';
import type { PostgresPool } from './postgres-pool.js';
import type { PostgresTransaction } from './postgres-transaction.js';

export class PostgresFenceStore implements FenceStore {
  constructor(readonly pool: PostgresPool) {}

  async read(key: FenceKey): Promise<FenceRow | null> {
    const { rows } = await this.pool.query(readFenceSql(this.pool.tables), parameters(key));
    return rows.length === 0 ? null : fenceRow(rows[0]);
  }

  async claim(key: FenceKey, owner: string, startOffset: bigint): Promise<FenceRow> {
    const { tables } = this.pool;
    for (;;) {
      const claimed = await this.pool.query(claimFenceSql(tables), [...parameters(key), owner]);
      if (claimed.rows.length > 0) return fenceRow(claimed.rows[0]);
      const values = [...parameters(key), owner, String(startOffset)];
      const created = await this.pool.query(createFenceSql(tables), values);
      if (created.rows.length > 0) return fenceRow(created.rows[0]);
    }
  }

  async reposition(key: FenceKey, owner: string, nextOffset: bigint, newLog: boolean): Promise<boolean> {
    const values = [...parameters(key), owner, String(nextOffset), newLog];
    const { rowCount } = await this.pool.query(repositionFenceSql(this.pool.tables), values);
    return rowCount === 1;
  }

  async advance(transaction: Transaction, move: FenceMove): Promise<boolean> {
    const print = move.lastFingerprint === null ? null : Buffer.from(move.lastFingerprint);
    const values = [...parameters(move.key), move.owner, String(move.expected), String(move.next), print];
    const { rows } = await (transaction as PostgresTransaction).query(
      advanceFenceSql(this.pool.tables),
      values,
    );
    if (rows[0]?.parked) move.onParked?.();
    return rows.length === 1;
  }

  async settled(transaction: Transaction, key: FenceKey): Promise<void> {
    await (transaction as PostgresTransaction).query(shareFenceSql(this.pool.tables), parameters(key));
  }

  async accuse(
    key: FenceKey,
    owner: string,
    unit: string,
    before: readonly string[],
  ): Promise<readonly string[] | null> {
    const values = [...parameters(key), owner, unit, before];
    const { rows } = await this.pool.query(accuseSql(this.pool.tables), values);
    return rows.length === 0 ? null : rows[0].others;
  }

  async acquit(key: FenceKey, owner: string): Promise<void> {
    await this.pool.query(acquitSql(this.pool.tables), [...parameters(key), owner]);
  }

  async release(key: FenceKey, owner: string): Promise<void> {
    await this.pool.query(releaseFenceSql(this.pool.tables), [...parameters(key), owner]);
  }

  async leave(transaction: Transaction, key: FenceKey, owner: string): Promise<void> {
    const values = [...parameters(key), owner];
    await (transaction as PostgresTransaction).query(releaseFenceSql(this.pool.tables), values);
  }
}

function parameters({ group, topic, partition }: FenceKey): unknown[] {
  return [group, topic, partition];
}

function fenceRow(row: Record<string, unknown>): FenceRow {
  return {
    nextOffset: BigInt(row['next_offset'] as string),
    owner: row['owner'] as string,
    clean: row['clean'] as boolean,
    lastFingerprint: row['last_fingerprint'] as Uint8Array | null,
    logGeneration: row['log_generation'] as number,
    suspect: suspectOf(row['suspect_unit'] as string | null, row['suspect_owners'] as string[] | null),
  };
}

function suspectOf(unit: string | null, owners: string[] | null): Suspect | null {
  return unit === null ? null : { unit, owners: owners ?? [] };
}
