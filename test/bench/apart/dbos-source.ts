/**
 * A data source of DBOS on plain pg, by its own protocol: what a transaction did and that it did it are committed
 * together, so a workflow that is run again finds it done. (Those in the registry do not fit DBOS 5.3.) It asks once less
 * than theirs whether it was done: the insert finds out.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { DBOS } from '@dbos-inc/dbos-sdk';
import {
  type DataSourceTransactionHandler,
  getDataSourceMigrationsPG,
  registerDataSource,
  registerTransaction,
} from '@dbos-inc/dbos-sdk/datasource';
import pg from 'pg';

export class PgSource implements DataSourceTransactionHandler {
  readonly name = 'orders';
  readonly #pool: pg.Pool;
  readonly #open = new AsyncLocalStorage<pg.PoolClient>();

  constructor(connectionString: string, max: number) {
    this.#pool = new pg.Pool({ connectionString, max });
    registerDataSource(this);
  }

  /** Of the transaction that is open here. */
  get client(): pg.PoolClient {
    return this.#open.getStore()!;
  }

  async initialize(): Promise<void> {
    await this.#pool.query('CREATE SCHEMA IF NOT EXISTS dbos');
    for (const sql of getDataSourceMigrationsPG('dbos')) await this.#pool.query(sql);
  }

  async destroy(): Promise<void> {
    await this.#pool.end();
  }

  register<A extends unknown[], R>(
    name: string,
    run: (...given: A) => Promise<R>,
  ): (...given: A) => Promise<R> {
    return registerTransaction(this.name, run, { name });
  }

  async invokeTransactionFunction<This, Args extends unknown[], Return>(
    _config: unknown,
    target: This,
    run: (this: This, ...given: Args) => Promise<Return>,
    ...given: Args
  ): Promise<Return> {
    const client = await this.#pool.connect();
    try {
      await client.query('BEGIN');
      const result = await this.#open.run(client, () => run.call(target, ...given));
      const { rowCount } = await client.query(
        `INSERT INTO dbos.transaction_completion (workflow_id, function_num, output) VALUES ($1, $2, $3)
         ON CONFLICT DO NOTHING`,
        [DBOS.workflowID, DBOS.stepID, JSON.stringify(result ?? null)],
      );
      await client.query(rowCount === 1 ? 'COMMIT' : 'ROLLBACK');
      client.release();
      return result;
    } catch (error) {
      client.release(true); // and with the connection its transaction
      throw error;
    }
  }
}
