/**
 * Counts of what waits, on PostgreSQL, for people.
 *
 * Reads only; the counts are of different moments.
 */
import type { DeadLetterCount, FencePosition, OverviewStore, ParkedCount } from '@exactly-once/core';
import { deadLetterCountsSql, parkedCountsSql, positionsSql } from './overview.sql.js';
import type { PostgresPool } from './postgres-pool.js';

export class PostgresOverviewStore implements OverviewStore {
  constructor(readonly pool: PostgresPool) {}

  async parked(): Promise<ParkedCount[]> {
    const { rows } = await this.pool.query(parkedCountsSql(this.pool.tables));
    return rows.map(({ handler, keys, events }) => ({ handler, keys, events }));
  }

  async deadLetters(): Promise<DeadLetterCount[]> {
    const { rows } = await this.pool.query(deadLetterCountsSql(this.pool.tables));
    return rows.map(({ handler, code, letters }) => ({ handler, code, letters }));
  }

  async positions(): Promise<FencePosition[]> {
    const { rows } = await this.pool.query(positionsSql(this.pool.tables));
    return rows.map((row) => ({
      group: row.group_name,
      topic: row.topic,
      partition: row.partition,
      nextOffset: BigInt(row.next_offset),
      owner: row.owner,
      clean: row.clean,
    }));
  }
}
