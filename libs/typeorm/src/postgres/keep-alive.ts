/**
 * Touches an open transaction while its handlers run, so that the database's idle time-out cuts only the dead.
 *
 * A stopped process touches nothing: its transaction ends, and its successor goes on.
 */
import type { PostgresConnection } from './postgres-connection.js';
import { touchSql } from './transaction.sql.js';

/** However long the time-out: a day. */
const longestWaitMs = 86_400_000;

export class KeepAlive {
  readonly #timer: NodeJS.Timeout;

  /** `note` is told of an error that ended the connection. */
  constructor(connection: PostgresConnection, idleTimeoutMs: number, note: (error: unknown) => void) {
    this.#timer = setInterval(
      () => {
        if (connection.inFlight > 0 || connection.lost) return;
        connection.query(touchSql).catch((error: unknown) => {
          if (connection.lost) note(error); // an aborted transaction is reported by whoever aborted it
        });
      },
      Math.min(Math.max(10, idleTimeoutMs / 3), longestWaitMs),
    );
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
