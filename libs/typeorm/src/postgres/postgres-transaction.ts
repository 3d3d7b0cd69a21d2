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
  type WrittenEntry,
  writtenEntries,
} from '@exactly-once/core';
import type { QueryRunner } from 'typeorm';
import { KeepAlive } from './keep-alive.js';
import { LaneGate } from './lane-gate.js';
import { sealing } from './outbox-append.js';
import type { StatementResult } from './postgres-client.js';
import { defaultPatienceMs, PostgresConnection } from './postgres-connection.js';
import { sqlState } from './postgres-errors.js';
import { type Savepoint, Savepoints } from './savepoints.js';
import { SeenErrors } from './seen-errors.js';
import type { Progress, Statement } from './statement-chain.js';
import type { Tables } from './tables.js';
import { beginSql, commitSql } from './transaction.sql.js';
import { leave, rollBack, rollbackPatienceMs } from './transaction-end.js';
import { lookUpOutcome } from './transaction-outcome.js';

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
  readonly #errors: SeenErrors;
  /** `null` where nothing was written. `undefined`: it was not asked for. */
  #id: string | null | undefined;
  /** Neighbours run in it, too. */
  readonly shared: boolean;
  readonly isolation: IsolationLevel;
  readonly #sealsWithCommit: boolean;
  /** The statement that writes what was published was sent, or is to be sent with COMMIT. */
  #written = false;
  readonly #keepAlive: KeepAlive;
  readonly #patienceMs: number;

  private constructor(
    readonly connection: PostgresConnection,
    readonly parts: TransactionParts,
    options: BeginOptions,
    id: string | undefined,
  ) {
    const {
      idleTimeoutMs,
      statementTimeoutMs,
      isolation = 'READ COMMITTED',
      shared,
      sealsWithCommit,
      triedAgain,
    } = options;
    this.#errors = new SeenErrors(connection);
    this.shared = shared;
    this.#id = id;
    this.#sealsWithCommit = sealsWithCommit === true && (triedAgain === true || id !== undefined);
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
      const { isolation = 'READ COMMITTED', triedAgain = false, sealsWithCommit = false } = options;
      const withId = sealsWithCommit && !triedAgain && isolation === 'READ COMMITTED';
      const answers: unknown = await connection.query(beginSql(options, withId));
      const id = withId ? (answers as StatementResult[]).at(-1)?.rows[0]?.txid : undefined;
      runner.isTransactionActive = true;
      runner.transactionDepth = 1;
      await runner.broadcaster.broadcast('AfterTransactionStart');
      return new PostgresTransaction(connection, parts, options, id);
    } catch (error) {
      await connection.destroy();
      throw error;
    }
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
    return this.#errors.note(error);
  }

  get fault(): ExactlyOnceError | null {
    return this.#errors.fault;
  }

  get aborted(): ExactlyOnceError | null {
    return this.#errors.aborted;
  }

  /** A savepoint was rolled back to. */
  recovered(): void {
    this.#errors.recovered();
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
    if (this.aborted !== null) throw this.aborted;
    if (this.#sealsWithCommit) return;
    try {
      const { rows } = await this.query(...sealing(this.parts.tables, this.#takeOutgoing()));
      this.#id = rows[0]?.txid ?? null;
    } catch (error) {
      throw this.#errors.named(error);
    }
  }

  async commit(): Promise<void> {
    this.#requireState('sealed');
    this.#keepAlive.stop();
    const entries = this.#takeOutgoing();
    const command = await this.#sendCommit(entries);
    if (command !== 'COMMIT') {
      await this.#end('rolled-back');
      throw this.#errors.named(new Error(`the database answered ${command} to COMMIT`));
    }
    await this.#end('committed');
  }

  /** The answer to COMMIT. Where the outbox was refused, or nothing was sent, the state stays `sealed`. */
  async #sendCommit(entries: readonly WrittenEntry[]): Promise<string> {
    const { connection } = this;
    const statements: Statement[] = entries.length === 0 ? [] : [sealing(this.parts.tables, entries)];
    const progress: Progress = { sent: false, results: [] };
    try {
      await connection.together([...statements, [commitSql]], progress, this.#patienceMs);
      return progress.results.at(-1)!.command;
    } catch (error) {
      if (!progress.sent) throw this.note(error);
      const refused = progress.results.length < statements.length && sqlState(error) !== null;
      throw refused ? this.#errors.named(this.note(error)) : await this.#commitFailed(error);
    }
  }

  /** What is still to be written of `outgoing`. */
  #takeOutgoing(): WrittenEntry[] {
    if (this.#written) return [];
    this.#written = true;
    return writtenEntries(this.outgoing);
  }

  async rollback(): Promise<void> {
    if (this.state !== 'open' && this.state !== 'sealed') return;
    this.state = 'rolled-back';
    this.#keepAlive.stop();
    this.gate.end();
    await rollBack(this.connection);
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
      throw this.#errors.named(error);
    }
  }

  async #end(state: 'committed' | 'rolled-back'): Promise<void> {
    this.#move(state);
    await leave(this.connection, state);
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
