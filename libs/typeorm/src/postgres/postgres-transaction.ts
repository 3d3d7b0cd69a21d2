/**
 * One transaction on PostgreSQL: begin, savepoints, seal, commit or roll back. Steps 4 to 6 of an event's life.
 *
 * The only place that says COMMIT, and it checks the answer: after a swallowed SQL error PostgreSQL answers
 * ROLLBACK, and both pg and TypeORM take that for success.
 */
import {
  type AmbientScope,
  type BeginOptions,
  ExactlyOnceError,
  hasCode,
  type IsolationLevel,
  type OutboxEntry,
  type Scope,
  type Transaction,
  type TransactionState,
  transactionMoves,
  writtenEntries,
} from '@exactly-once/core';
import type { QueryRunner } from 'typeorm';
import { requestCancel } from './cancel-request.js';
import { KeepAlive } from './keep-alive.js';
import { LaneGate } from './lane-gate.js';
import { sealing } from './outbox-append.js';
import { defaultPatienceMs, PostgresConnection, type StatementResult } from './postgres-connection.js';
import { abortedState, markAborted, sqlState, translateError } from './postgres-errors.js';
import { type Savepoint, Savepoints } from './savepoints.js';
import type { Tables } from './tables.js';
import { beginSql } from './transaction.sql.js';
import { lookUpOutcome } from './transaction-outcome.js';

/** Milliseconds that a rollback may take before its connection is asked to cancel, and then is cut. */
const cancelAfterMs = 500;
const rollbackPatienceMs = 2_000;

/** Serialization failure: no savepoint renews the snapshot of the transaction. */
const staleSnapshot = '40001';

export interface TransactionParts {
  readonly createRunner: () => QueryRunner;
  readonly tables: Tables;
  readonly ambient: AmbientScope;
}

export class PostgresTransaction implements Transaction {
  readonly outgoing: OutboxEntry[] = [];
  readonly savepoints = new Savepoints(this);
  readonly gate = new LaneGate();
  state: TransactionState = 'open';
  fault: ExactlyOnceError | null = null;
  /** First SQL error since the beginning or the last savepoint that was rolled back to; never 25P02. */
  firstError: unknown = null;
  /** `null` where nothing was written; known once sealed. `undefined`: it was not asked for. */
  #id: string | null | undefined;
  /** Neighbours run in it, too. */
  readonly shared: boolean;
  readonly isolation: IsolationLevel;
  readonly #triedAgain: boolean;
  readonly #keepAlive: KeepAlive;
  readonly #patienceMs: number;

  private constructor(
    readonly connection: PostgresConnection,
    readonly parts: TransactionParts,
    options: BeginOptions,
  ) {
    const { idleTimeoutMs, statementTimeoutMs, isolation = 'READ COMMITTED', shared, triedAgain } = options;
    this.shared = shared;
    this.#triedAgain = triedAgain === true;
    this.isolation = isolation;
    this.#keepAlive = new KeepAlive(connection, idleTimeoutMs, (error) => void this.note(error));
    this.#patienceMs = Math.max(defaultPatienceMs, statementTimeoutMs + rollbackPatienceMs);
  }

  /** Throws EO_STORAGE_UNAVAILABLE, or what a TypeORM subscriber threw. */
  static async begin(parts: TransactionParts, options: BeginOptions): Promise<PostgresTransaction> {
    const connection = await PostgresConnection.open(parts.createRunner);
    const { runner } = connection;
    try {
      await runner.broadcaster.broadcast('BeforeTransactionStart');
      await connection.query(beginSql(options));
      runner.isTransactionActive = true;
      runner.transactionDepth = 1;
      await runner.broadcaster.broadcast('AfterTransactionStart');
    } catch (error) {
      await connection.destroy();
      throw error;
    }
    return new PostgresTransaction(connection, parts, options);
  }

  /** Runs a statement of the framework inside this transaction. After its end the connection is another's. */
  async query(text: string, values?: readonly unknown[]): Promise<StatementResult> {
    if (this.state !== 'sealed') this.#requireState('open');
    try {
      return await this.connection.query(text, values, this.#patienceMs);
    } catch (error) {
      throw this.note(error);
    }
  }

  /** Remembers an error of a statement, whoever ran it, and returns it. */
  note<T>(error: T): T {
    this.connection.mark(error);
    const state = sqlState(error);
    if (state === abortedState) markAborted(error, this.firstError);
    else if (state !== null) this.firstError ??= error;
    const translated = translateError(error);
    const blameless =
      hasCode(translated, 'EO_STORAGE_UNAVAILABLE') || hasCode(translated, 'EO_SERIALIZATION_FAILURE');
    if (blameless) this.fault ??= translated as ExactlyOnceError;
    return error;
  }

  get aborted(): ExactlyOnceError | null {
    if (this.firstError === null) return null;
    const what = 'a handler went on after an SQL error';
    return new ExactlyOnceError('EO_TRANSACTION_ABORTED', what, { cause: this.firstError });
  }

  /** A savepoint was rolled back to: what had aborted the transaction is undone, but for a snapshot that is stale. */
  recovered(): void {
    this.firstError = null;
    if (sqlState(this.fault) !== staleSnapshot) this.fault = null;
  }

  /** Counts as one running statement of the scope it was called in: a handler has to await it. */
  async savepoint<T>(work: () => Promise<T>): Promise<T> {
    this.#requireState('open');
    const scope = this.parts.ambient.current();
    if (scope === undefined) return this.#behindSavepoint(null, work);
    scope.pending++;
    try {
      await this.enter(scope);
      return await this.#behindSavepoint(scope, work);
    } finally {
      this.gate.leave(scope);
      scope.pending--;
    }
  }

  /** Resolves when the scope may set a savepoint; to be left again. Throws EO_TRANSACTION_ENDED. */
  async enter(scope: Scope): Promise<void> {
    scope.onEnd = () => this.gate.abandon(scope);
    await this.gate.enter(scope);
    if (scope.open && this.state === 'open') return;
    this.gate.leave(scope);
    const what = 'a nested transaction was begun after its event had ended';
    throw new ExactlyOnceError('EO_TRANSACTION_ENDED', what);
  }

  async #behindSavepoint<T>(scope: Scope | null, work: () => Promise<T>): Promise<T> {
    const savepoint = await this.savepoints.set(scope);
    try {
      const result = await work();
      await this.#release(savepoint);
      return result;
    } catch (error) {
      if (this.state === 'open' && !this.connection.lost) await this.savepoints.rollBackTo(savepoint);
      throw error;
    }
  }

  async seal(): Promise<void> {
    this.#requireState('open');
    await this.connection.runner.broadcaster.broadcast('BeforeTransactionCommit');
    this.#move('sealed');
    const entries = writtenEntries(this.outgoing);
    if (this.#triedAgain && entries.length === 0) return; // the tag of COMMIT is the proof
    try {
      const { rows } = await this.query(...sealing(this.parts.tables, entries));
      this.#id = rows[0]?.txid ?? null;
    } catch (error) {
      throw this.#aborted(error);
    }
  }

  async commit(): Promise<void> {
    this.#requireState('sealed');
    this.#keepAlive.stop();
    let command: string;
    try {
      ({ command } = await this.connection.query('COMMIT', undefined, this.#patienceMs));
    } catch (error) {
      throw await this.#commitFailed(error);
    }
    if (command !== 'COMMIT') {
      await this.#end('rolled-back');
      throw this.#aborted(new Error(`the database answered ${command} to COMMIT`));
    }
    await this.#end('committed');
  }

  async rollback(): Promise<void> {
    if (this.state !== 'open' && this.state !== 'sealed') return;
    this.state = 'rolled-back';
    this.#keepAlive.stop();
    this.gate.end();
    const { connection } = this;
    if (connection.inFlight > 0) await this.#cancel();
    else await this.#tell('BeforeTransactionRollback');
    const cancelling = setTimeout(() => void this.#cancel(), cancelAfterMs);
    const answered = await connection.query('ROLLBACK', undefined, rollbackPatienceMs).then(
      () => true,
      () => false,
    );
    clearTimeout(cancelling);
    this.#forgetRunnerState();
    if (answered) {
      await this.#tell('AfterTransactionRollback');
      await connection.release();
    } else {
      await connection.destroy();
    }
  }

  async resolveOutcome(): Promise<'committed' | 'rolled-back' | 'unknown'> {
    if (this.state !== 'unknown') return this.state === 'committed' ? 'committed' : 'rolled-back';
    if (this.#id === undefined) return 'unknown';
    // Without an id nothing was written, so there is nothing to lose.
    const outcome = this.#id === null ? 'committed' : await lookUpOutcome(this.parts.createRunner, this.#id);
    if (outcome !== 'unknown') this.#move(outcome);
    return outcome;
  }

  /** No answer of the server: the outcome is unknown. An error of the server: it has rolled back. */
  async #commitFailed(error: unknown): Promise<unknown> {
    if (sqlState(error) !== null && !hasCode(error, 'EO_STORAGE_UNAVAILABLE')) {
      await this.#end('rolled-back');
      return this.note(error);
    }
    this.#move('unknown');
    await this.connection.destroy();
    return new ExactlyOnceError('EO_COMMIT_UNKNOWN', 'the connection broke before COMMIT was answered', {
      cause: error,
    });
  }

  async #release(savepoint: Savepoint): Promise<void> {
    try {
      await this.savepoints.release(savepoint);
    } catch (error) {
      throw this.#aborted(error);
    }
  }

  /** A statement met an aborted transaction: the first other error is the one to name. */
  #aborted(error: unknown): unknown {
    const state = sqlState(error);
    if (this.fault !== null || (state !== null && state !== abortedState)) return error;
    if (hasCode(error, 'EO_TRANSACTION_OWNED')) return error;
    if (this.aborted !== null) return this.aborted;
    const what = 'the transaction was found aborted, and no SQL error was seen';
    return new ExactlyOnceError('EO_TRANSACTION_ABORTED', what, { cause: error });
  }

  async #end(state: 'committed' | 'rolled-back'): Promise<void> {
    this.#move(state);
    this.#forgetRunnerState();
    await this.#tell(state === 'committed' ? 'AfterTransactionCommit' : 'AfterTransactionRollback');
    await this.connection.release();
  }

  /** TypeORM's subscribers hear of the end, too; none of them can change it any more. */
  async #tell(what: 'BeforeTransactionRollback' | 'AfterTransactionRollback' | 'AfterTransactionCommit') {
    try {
      await this.connection.runner.broadcaster.broadcast(what);
    } catch (error) {
      process.emitWarning(error as Error);
    }
  }

  async #cancel(): Promise<void> {
    await requestCancel(this.connection.client, rollbackPatienceMs);
  }

  #forgetRunnerState(): void {
    this.connection.runner.isTransactionActive = false;
    this.connection.runner.transactionDepth = 0;
  }

  #move(to: TransactionState): void {
    if (!transactionMoves[this.state].includes(to)) {
      throw new ExactlyOnceError('EO_INTERNAL', `a transaction cannot go from ${this.state} to ${to}`);
    }
    this.state = to;
  }

  #requireState(state: TransactionState): void {
    if (this.state === state) return;
    throw new ExactlyOnceError('EO_TRANSACTION_ENDED', `the transaction is ${this.state}, not ${state}`);
  }
}
