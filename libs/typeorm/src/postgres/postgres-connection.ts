/**
 * One pooled connection in the framework's hands: the runner that TypeORM knows and the client below it.
 *
 * The framework's own statements go to the client directly. A connection that failed is destroyed, never
 * given back to the pool.
 */
import { ExactlyOnceError } from '@exactly-once/core';
import type { QueryRunner } from 'typeorm';
import { markConnectionLost, translateError } from './postgres-errors.js';

export interface StatementResult {
  readonly command: string;
  readonly rowCount: number | null;
  // biome-ignore lint/suspicious/noExplicitAny: rows have the shape of their statement
  readonly rows: any[];
}

/** The part of pg's Client that is used. */
export interface PostgresClient {
  query(text: string, values?: readonly unknown[]): Promise<StatementResult>;
  readonly processID?: number | null;
  readonly secretKey?: number | null;
  readonly host?: string;
  readonly port?: number;
  readonly connection?: { readonly stream?: { readonly destroyed?: boolean; destroy?: () => void } };
}

/** TypeORM's runner with what 0.3 declares private or protected and 1.x needs all the same. */
export interface PostgresRunner extends Omit<QueryRunner, 'isTransactionActive'> {
  isTransactionActive: boolean;
  transactionDepth: number;
  releasePostgresConnection(error?: Error): Promise<void>;
}

export class PostgresConnection {
  /** Statements of whatever origin that are not answered yet. */
  inFlight = 0;
  #released = false;

  private constructor(
    readonly runner: PostgresRunner,
    readonly client: PostgresClient,
  ) {}

  /** Takes a connection from the pool. Throws EO_STORAGE_UNAVAILABLE. */
  static async open(createRunner: () => QueryRunner): Promise<PostgresConnection> {
    const runner = createRunner() as unknown as PostgresRunner;
    try {
      return new PostgresConnection(runner, await runner.connect());
    } catch (error) {
      throw translateError(markConnectionLost(error));
    }
  }

  get lost(): boolean {
    return this.#released || this.client.connection?.stream?.destroyed === true;
  }

  /** Runs a statement of the framework. Errors come translated. */
  async query(text: string, values?: readonly unknown[]): Promise<StatementResult> {
    this.inFlight++;
    try {
      return await this.client.query(text, values);
    } catch (error) {
      throw translateError(this.mark(error));
    } finally {
      this.inFlight--;
    }
  }

  /** Marks an error of this connection, so that it is known as the database's wherever it turns up. */
  mark<T>(error: T): T {
    return this.lost ? markConnectionLost(error) : error;
  }

  async release(): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    if (this.client.connection?.stream?.destroyed === true) await this.#discard();
    else await this.runner.release();
  }

  /** Cuts the connection; the database rolls back what was open on it. */
  async destroy(): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    this.client.connection?.stream?.destroy?.();
    await this.#discard();
  }

  async #discard(): Promise<void> {
    const reason = new ExactlyOnceError('EO_STORAGE_UNAVAILABLE', 'the connection was given up');
    await this.runner.releasePostgresConnection(reason);
  }
}
