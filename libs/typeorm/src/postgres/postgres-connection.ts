/**
 * One pooled connection in the framework's hands: the runner that TypeORM knows and the client below it.
 *
 * Statements take turns on it (pg 9 will no longer queue them). The framework's own go to the client directly.
 * A connection that failed, or did not answer in time, is destroyed, never given back to the pool.
 */
import { ExactlyOnceError, longestTimerMs } from '@exactly-once/core';
import type { QueryRunner } from 'typeorm';
import type { ClientSocket, PostgresClient, StatementResult } from './postgres-client.js';
import { markConnectionLost, translateOwnError } from './postgres-errors.js';
import { canChain, type Progress, runChain, type Statement } from './statement-chain.js';

/** TypeORM's runner with what 0.3 declares private or protected and 1.x needs all the same. */
export interface PostgresRunner extends Omit<QueryRunner, 'isTransactionActive'> {
  isTransactionActive: boolean;
  transactionDepth: number;
  releasePostgresConnection(error?: Error): Promise<void>;
}

/** Milliseconds after which a statement of the framework that got no answer costs the connection. */
export const defaultPatienceMs = 30_000;
/** Milliseconds of silence before the operating system asks whether the other side still lives. */
const keepAliveDelayMs = 10_000;

export class PostgresConnection {
  /** Statements of whatever origin that are not answered yet. */
  inFlight = 0;
  #released = false;
  /** What the server or the socket said when the connection ended. */
  #lossReason: unknown = null;
  #lastTurn: Promise<unknown> | null = null;
  #gathering = false;

  private constructor(
    readonly runner: PostgresRunner,
    readonly client: PostgresClient,
  ) {
    client.on('error', this.#onLoss);
    client.connection?.stream?.setKeepAlive?.(true, keepAliveDelayMs);
  }

  /** Takes a connection from the pool. Throws EO_STORAGE_UNAVAILABLE. */
  static async open(createRunner: () => QueryRunner): Promise<PostgresConnection> {
    const runner = createRunner() as unknown as PostgresRunner;
    try {
      return new PostgresConnection(runner, await runner.connect());
    } catch (error) {
      throw translateOwnError(markConnectionLost(error));
    }
  }

  get lost(): boolean {
    return this.#released || this.#lossReason !== null || this.#socket?.destroyed === true;
  }

  /** Runs a statement of the framework. Errors come translated. */
  async query(
    text: string,
    values?: readonly unknown[],
    patienceMs = defaultPatienceMs,
  ): Promise<StatementResult> {
    return this.#patiently(patienceMs, () => this.client.query(text, values));
  }

  /**
   * Runs statements of the framework, each only where those before it succeeded, in one round trip where the driver can.
   * Errors come translated; `progress` tells what they mean.
   */
  async together(
    statements: readonly Statement[],
    progress: Progress,
    patienceMs = defaultPatienceMs,
  ): Promise<void> {
    await this.#patiently(patienceMs, async () => {
      if (this.lost) throw new Error('the connection was gone before');
      if (statements.length > 1 && canChain(this.client)) return runChain(this.client, statements, progress);
      progress.sent = true;
      for (const [text, values] of statements) progress.results.push(await this.client.query(text, values));
    });
  }

  async #patiently<T>(patienceMs: number, statement: () => Promise<T>): Promise<T> {
    const timer = setTimeout(() => this.#socket?.destroy?.(), Math.min(patienceMs, longestTimerMs));
    try {
      return await this.inTurn(statement);
    } catch (error) {
      throw translateOwnError(this.mark(error));
    } finally {
      clearTimeout(timer);
    }
  }

  /** Runs `statement` when those before it are answered; at once on a pipelining client. */
  async inTurn<T>(statement: () => Promise<T>): Promise<T> {
    this.inFlight++;
    try {
      if (this.client.pipeline === true) {
        this.#gather();
        return await statement();
      }
      const turn = this.#lastTurn === null ? statement() : this.#lastTurn.then(statement);
      const settled = turn.then(ignore, ignore);
      this.#lastTurn = settled;
      void settled.then(() => {
        if (this.#lastTurn === settled) this.#lastTurn = null;
      });
      return await turn;
    } finally {
      this.inFlight--;
    }
  }

  /** What is sent before the event loop turns to something else leaves in one write. */
  #gather(): void {
    const socket = this.#socket;
    if (this.#gathering || socket?.cork === undefined) return;
    this.#gathering = true;
    socket.cork();
    process.nextTick(() => {
      this.#gathering = false;
      socket.uncork?.();
    });
  }

  /** Marks an error of this connection, so that it is known as the database's wherever it turns up. */
  mark<T>(error: T): T {
    return this.lost ? markConnectionLost(error, this.#lossReason) : error;
  }

  async release(): Promise<void> {
    if (this.#released) return;
    if (this.lost) {
      await this.destroy();
      return;
    }
    this.#released = true;
    this.client.removeListener('error', this.#onLoss);
    await this.runner.release();
  }

  /** Cuts the connection; the database rolls back what was open on it. */
  async destroy(): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    this.client.removeListener('error', this.#onLoss);
    this.#socket?.destroy?.();
    const reason = new ExactlyOnceError('EO_STORAGE_UNAVAILABLE', 'the connection was given up');
    await this.runner.releasePostgresConnection(reason);
  }

  get #socket(): ClientSocket | undefined {
    return this.client.connection?.stream;
  }

  readonly #onLoss = (error: unknown): void => {
    this.#lossReason ??= error;
  };
}

/** Whoever asked for the turn gets its error; the queue only needs to know that it is over. */
function ignore(): void {}
