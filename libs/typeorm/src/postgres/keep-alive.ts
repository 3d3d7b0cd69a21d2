/**
 * Touches an open transaction while its handlers run, so that the database's idle time-out cuts only the dead.
 *
 * A stopped process touches nothing: its transaction ends, and its successor goes on.
 */
import type { PostgresTransaction } from './postgres-transaction.js';
import { touchSql } from './transaction.sql.js';

export class KeepAlive {
  readonly #timer: NodeJS.Timeout;

  constructor(transaction: Pick<PostgresTransaction, 'connection' | 'note'>, idleTimeoutMs: number) {
    this.#timer = setInterval(() => this.#touch(transaction), Math.max(10, idleTimeoutMs / 3));
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #touch(transaction: Pick<PostgresTransaction, 'connection' | 'note'>): void {
    const { connection } = transaction;
    if (connection.inFlight > 0 || connection.lost) return;
    connection.query(touchSql).catch((error: unknown) => {
      if (connection.lost) transaction.note(error); // an aborted transaction is reported by whoever aborted it
    });
  }
}
