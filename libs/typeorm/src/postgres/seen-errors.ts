/**
 * The errors of one transaction's statements: whose fault it was, and whether anything can still be done in it.
 *
 * The statement that met an aborted transaction is never blamed: the first other error is.
 */
import { ExactlyOnceError, hasCode } from '@exactly-once/core';
import type { PostgresConnection } from './postgres-connection.js';
import { abortedState, markAborted, sqlState, translateError } from './postgres-errors.js';

/** Serialization failure: no savepoint renews the snapshot of the transaction. */
const staleSnapshot = '40001';

export class SeenErrors {
  /** First error that no event is to blame for. */
  fault: ExactlyOnceError | null = null;
  readonly #connection: PostgresConnection;
  /** First SQL error since the beginning or the last savepoint that was rolled back to; never 25P02. */
  #first: unknown = null;

  constructor(connection: PostgresConnection) {
    this.#connection = connection;
  }

  /** Remembers an error of a statement, whoever ran it, and returns it. */
  note<T>(error: T): T {
    this.#connection.mark(error);
    const state = sqlState(error);
    if (state === abortedState) markAborted(error, this.#first);
    else if (state !== null) this.#first ??= error;
    const translated = translateError(error);
    const blameless =
      hasCode(translated, 'EO_STORAGE_UNAVAILABLE') || hasCode(translated, 'EO_SERIALIZATION_FAILURE');
    if (blameless) this.fault ??= translated as ExactlyOnceError;
    return error;
  }

  /**
   * EO_TRANSACTION_ABORTED, with the SQL error as its cause; EO_STORAGE_UNAVAILABLE where the server ended the session with it;
   * `null` while statements can be run.
   */
  get aborted(): ExactlyOnceError | null {
    if (this.#first === null) return null;
    if (hasCode(this.fault, 'EO_STORAGE_UNAVAILABLE')) return this.fault;
    const what = 'a handler went on after an SQL error';
    return new ExactlyOnceError('EO_TRANSACTION_ABORTED', what, { cause: this.#first });
  }

  /** A savepoint was rolled back to: what had aborted the transaction is undone, but for a snapshot that is stale. */
  recovered(): void {
    this.#first = null;
    if (sqlState(this.fault) !== staleSnapshot) this.fault = null;
  }

  /** What to tell of a statement of the framework's own that failed: what had aborted the transaction, where it was that. */
  named(error: unknown): unknown {
    const state = sqlState(error);
    if (this.fault !== null || (state !== null && state !== abortedState)) return error;
    if (hasCode(error, 'EO_TRANSACTION_OWNED')) return error;
    if (this.aborted !== null) return this.aborted;
    const what = 'the transaction was found aborted, and no SQL error was seen';
    return new ExactlyOnceError('EO_TRANSACTION_ABORTED', what, { cause: error });
  }
}
