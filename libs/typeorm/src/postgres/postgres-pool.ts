/**
 * Statements of the framework outside of any batch: each on a connection of its own, given back at once.
 *
 * No ambient transaction captures them, and none of them can hang: a connection that does not answer is cut.
 */
import type { QueryRunner } from 'typeorm';
import type { StatementResult } from './postgres-client.js';
import { defaultPatienceMs, PostgresConnection } from './postgres-connection.js';
import type { Tables } from './tables.js';
import { beginShortSql } from './transaction.sql.js';

export type Statements = (text: string, values?: readonly unknown[]) => Promise<StatementResult>;

export class PostgresPool {
  readonly #running = new Set<Promise<unknown>>();

  constructor(
    /** Makes a runner that no ambient transaction captures. */
    readonly createRunner: () => QueryRunner,
    readonly tables: Tables,
  ) {}

  async query(text: string, values?: readonly unknown[]): Promise<StatementResult> {
    return this.#use((connection) => connection.query(text, values));
  }

  /**
   * Runs `work` in a short transaction. A statement may wait `patienceMs` milliseconds for its answer, and the server as long
   * for the next one: a process that was stopped holds no rows for ever.
   */
  async transaction<T>(work: (query: Statements) => Promise<T>, patienceMs = defaultPatienceMs): Promise<T> {
    return this.#use(async (connection) => {
      const query: Statements = (text, values) => connection.query(text, values, patienceMs);
      await query(beginShortSql(patienceMs));
      try {
        const result = await work(query);
        await query('COMMIT');
        return result;
      } catch (error) {
        await rollBack(connection);
        throw error;
      }
    });
  }

  /** Resolves when the statements that run now are answered. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#running);
  }

  async #use<T>(work: (connection: PostgresConnection) => Promise<T>): Promise<T> {
    const running = this.#withConnection(work);
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  async #withConnection<T>(work: (connection: PostgresConnection) => Promise<T>): Promise<T> {
    const connection = await PostgresConnection.open(this.createRunner);
    try {
      return await work(connection);
    } finally {
      await connection.release();
    }
  }
}

/** A connection that cannot be brought out of its transaction is cut; the error that led here is the one to tell. */
async function rollBack(connection: PostgresConnection): Promise<void> {
  const rolledBack = await connection.query('ROLLBACK').then(
    () => true,
    () => false,
  );
  if (!rolledBack) await connection.destroy();
}
