/**
 * Statements of the framework outside of any batch: each on a connection of its own, given back at once.
 */
import { hasCode } from '@exactly-once/core';
import type { QueryRunner } from 'typeorm';
import { PostgresConnection, type StatementResult } from './postgres-connection.js';
import type { Tables } from './tables.js';

export class PostgresPool {
  constructor(
    /** Makes a runner that no ambient transaction captures. */
    readonly createRunner: () => QueryRunner,
    readonly tables: Tables,
  ) {}

  async query(text: string, values?: readonly unknown[]): Promise<StatementResult> {
    return this.use((connection) => connection.query(text, values));
  }

  /** Runs `work` in a short transaction. */
  async transaction<T>(work: (connection: PostgresConnection) => Promise<T>): Promise<T> {
    return this.use(async (connection) => {
      await connection.query('BEGIN');
      try {
        const result = await work(connection);
        await connection.query('COMMIT');
        return result;
      } catch (error) {
        if (connection.lost || hasCode(error, 'EO_STORAGE_UNAVAILABLE')) await connection.destroy();
        else await connection.query('ROLLBACK');
        throw error;
      }
    });
  }

  async use<T>(work: (connection: PostgresConnection) => Promise<T>): Promise<T> {
    const connection = await PostgresConnection.open(this.createRunner);
    try {
      return await work(connection);
    } finally {
      await connection.release();
    }
  }
}
