/**
 * One transaction on PostgreSQL: begin, savepoints, seal, commit or roll back. Steps 4 to 6 of an event's life.
 *
 * The only place that says COMMIT, and it checks the answer: after a swallowed SQL error PostgreSQL answers
 * ROLLBACK, and both pg and TypeORM take that for success.
 */
import {
  type BeginOptions,
  ExactlyOnceError,
  hasCode,
  type OutboxEntry,
  type Transaction,
  type TransactionState,
  transactionMoves,
} from '@exactly-once/core';
import type { QueryRunner } from 'typeorm';
import { requestCancel } from './cancel-request.js';
import { KeepAlive } from './keep-alive.js';
import { aliveSql, appendSql } from './outbox.sql.js';
import { appendParameters } from './outbox-rows.js';
import { PostgresConnection, type StatementResult } from './postgres-connection.js';
import { abortedState, sqlState, translateError } from './postgres-errors.js';
import type { Tables } from './tables.js';
import { beginSql, savepointSql, statusSql } from './transaction.sql.js';

/** Milliseconds that a rollback may take before the connection is cut. */
const rollbackPatienceMs = 2_000;
/** How long, in milliseconds, and how often a transaction of unknown outcome is looked up. */
const outcomePatienceMs = 10_000;
const outcomePollMs = 50;

export class PostgresTransaction implements Transaction {
  readonly outgoing: OutboxEntry[] = [];
  state: TransactionState = 'open';
  fault: ExactlyOnceError | null = null;
  /** First SQL error since the beginning or the last savepoint that was rolled back to; never 25P02. */
  firstError: unknown = null;
  #savepoints = 0;
  #id: string | null = null;
  readonly #keepAlive: KeepAlive;

  private constructor(
    readonly connection: PostgresConnection,
    readonly shared: boolean,
    readonly tables: Tables,
    readonly createRunner: () => QueryRunner,
    idleTimeoutMs: number,
  ) {
    this.#keepAlive = new KeepAlive(this, idleTimeoutMs);
  }

  static async begin(
    createRunner: () => QueryRunner,
    tables: Tables,
    options: BeginOptions,
  ): Promise<PostgresTransaction> {
    const connection = await PostgresConnection.open(createRunner);
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
    return new PostgresTransaction(connection, options.shared, tables, createRunner, options.idleTimeoutMs);
  }

  /** Runs a statement of the framework inside this transaction. */
  async query(text: string, values?: readonly unknown[]): Promise<StatementResult> {
    try {
      return await this.connection.query(text, values);
    } catch (error) {
      throw this.note(error);
    }
  }

  /** Remembers an error of a statement, whoever ran it, and returns it. */
  note<T>(error: T): T {
    this.connection.mark(error);
    if (sqlState(error) !== abortedState) this.firstError ??= error;
    const translated = translateError(error);
    const blameless =
      hasCode(translated, 'EO_STORAGE_UNAVAILABLE') || hasCode(translated, 'EO_SERIALIZATION_FAILURE');
    if (blameless) this.fault ??= translated as ExactlyOnceError;
    return error;
  }

  async savepoint<T>(work: () => Promise<T>): Promise<T> {
    this.#requireState('open');
    const names = savepointSql(++this.#savepoints);
    const mark = this.outgoing.length;
    const { runner } = this.connection;
    const depth = runner.transactionDepth;
    await this.query(names.set);
    try {
      const result = await work();
      await this.#release(names.release);
      return result;
    } catch (error) {
      await this.#rollBackTo(names.rollback, mark, depth);
      throw error;
    }
  }

  async seal(): Promise<void> {
    this.#move('sealed');
    try {
      const { rows } =
        this.outgoing.length === 0
          ? await this.query(aliveSql)
          : await this.query(appendSql(this.tables), appendParameters(this.outgoing));
      this.#id = rows[0]?.txid ?? null;
    } catch (error) {
      throw this.#aborted(error);
    }
  }

  async commit(): Promise<void> {
    this.#requireState('sealed');
    this.#keepAlive.stop();
    const { broadcaster } = this.connection.runner;
    await broadcaster.broadcast('BeforeTransactionCommit');
    let command: string;
    try {
      command = (await this.connection.query('COMMIT')).command;
    } catch (error) {
      throw await this.#commitFailed(error);
    }
    if (command !== 'COMMIT') {
      await this.#end('rolled-back');
      throw this.#aborted(new Error(`the database answered ${command} to COMMIT`));
    }
    await this.#end('committed');
    await broadcaster.broadcast('AfterTransactionCommit');
  }

  async rollback(): Promise<void> {
    if (!transactionMoves[this.state].includes('rolled-back') || this.state === 'unknown') return;
    this.state = 'rolled-back';
    this.#keepAlive.stop();
    const { connection } = this;
    if (connection.inFlight > 0) await requestCancel(connection.client, rollbackPatienceMs);
    const answered = await withinPatience(connection.query('ROLLBACK'));
    this.#forgetRunnerState();
    if (answered) await connection.release();
    else await connection.destroy();
  }

  async resolveOutcome(): Promise<'committed' | 'rolled-back' | 'unknown'> {
    if (this.state !== 'unknown') return this.state === 'committed' ? 'committed' : 'rolled-back';
    if (this.#id === null) return this.#resolved('committed'); // nothing was written: there is nothing to lose
    const giveUpAtMs = Date.now() + outcomePatienceMs;
    while (Date.now() < giveUpAtMs) {
      const status = await this.#status(this.#id);
      if (status === 'committed') return this.#resolved('committed');
      if (status === 'aborted') return this.#resolved('rolled-back');
      await new Promise((resolve) => setTimeout(resolve, outcomePollMs));
    }
    return 'unknown';
  }

  #resolved(state: 'committed' | 'rolled-back'): 'committed' | 'rolled-back' {
    this.#move(state);
    return state;
  }

  /** `null` where the database could not be asked, or no longer knows. */
  async #status(id: string): Promise<string | null> {
    let connection: PostgresConnection | null = null;
    try {
      connection = await PostgresConnection.open(this.createRunner);
      const { rows } = await connection.query(statusSql, [id]);
      return rows[0]?.status ?? null;
    } catch (error) {
      if (hasCode(error, 'EO_STORAGE_UNAVAILABLE')) return null;
      throw error;
    } finally {
      await connection?.release();
    }
  }

  /** No answer of the server: the outcome is unknown. An error of the server: it has rolled back. */
  async #commitFailed(error: unknown): Promise<unknown> {
    const state = sqlState(error);
    if (state !== null && !hasCode(error, 'EO_STORAGE_UNAVAILABLE')) {
      await this.#end('rolled-back');
      return this.note(error);
    }
    this.#move('unknown');
    this.#keepAlive.stop();
    await this.connection.destroy();
    return new ExactlyOnceError('EO_COMMIT_UNKNOWN', 'the connection broke before COMMIT was answered', {
      cause: error,
    });
  }

  async #release(sql: string): Promise<void> {
    try {
      await this.query(sql);
    } catch (error) {
      throw this.#aborted(error);
    }
  }

  async #rollBackTo(sql: string, mark: number, depth: number): Promise<void> {
    this.outgoing.length = mark;
    if (this.state !== 'open' || this.connection.lost) return;
    await this.query(sql);
    this.firstError = null;
    this.connection.runner.transactionDepth = depth;
  }

  /** A statement met an aborted transaction: the first other error is the one to name. */
  #aborted(error: unknown): unknown {
    const state = sqlState(error);
    if (this.fault !== null || (state !== null && state !== abortedState)) return error;
    return new ExactlyOnceError('EO_TRANSACTION_ABORTED', 'a handler went on after an SQL error', {
      cause: this.firstError ?? error,
    });
  }

  async #end(state: 'committed' | 'rolled-back'): Promise<void> {
    this.#move(state);
    this.#keepAlive.stop();
    this.#forgetRunnerState();
    await this.connection.release();
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

/** True where the statement was answered in time, with success; an error means a connection to cut. */
async function withinPatience(statement: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), rollbackPatienceMs);
  });
  const answered = statement.then(
    () => true,
    () => false,
  );
  const result = await Promise.race([answered, late]);
  clearTimeout(timer);
  return result;
}
