/**
 * Storage on PostgreSQL through TypeORM: the stores, the seam and the transactions of one DataSource.
 *
 * Keeps no state in a session: PgBouncer's transaction mode works. Closes nothing that it did not open.
 */
import {
  AmbientScope,
  type BeginOptions,
  type BorrowedTransaction,
  ExactlyOnceError,
  hideSecretsOf,
  type RowCount,
  type Scope,
  type Storage,
  type StorageFeatures,
  type Transaction,
} from '@exactly-once/core';
import type { DataSource } from 'typeorm';
import { Seam } from '../seam.js';
import { borrowTransaction } from './borrowed-transaction.js';
import { hearErrors } from './heard-errors.js';
import { checkSchema, migrate } from './migrator.js';
import { PostgresDeadLetterStore } from './postgres-dead-letter-store.js';
import { markConnectionLost, sqlState, translateError } from './postgres-errors.js';
import { PostgresFenceStore } from './postgres-fence-store.js';
import { PostgresHandlerStore } from './postgres-handler-store.js';
import { PostgresInboxStore } from './postgres-inbox-store.js';
import { PostgresLeaseStore } from './postgres-lease-store.js';
import { PostgresLogStore } from './postgres-log-store.js';
import { PostgresOutboxStore } from './postgres-outbox-store.js';
import { PostgresOverviewStore } from './postgres-overview-store.js';
import { PostgresParkStore } from './postgres-park-store.js';
import { PostgresPool } from './postgres-pool.js';
import { PostgresRewindStore } from './postgres-rewind-store.js';
import { PostgresTransaction } from './postgres-transaction.js';
import { countRows } from './row-count.js';
import { tablesIn } from './tables.js';

export interface PostgresStorageOptions {
  readonly migrate: boolean;
  readonly schema: string | null;
}

/** Of pg. */
const defaultPoolSize = 10;

export class PostgresStorage implements Storage {
  readonly name = 'postgres';
  readonly features: StorageFeatures;
  readonly ambient = new AmbientScope();
  readonly inbox: PostgresInboxStore;
  readonly outbox: PostgresOutboxStore;
  readonly fences: PostgresFenceStore;
  readonly leases: PostgresLeaseStore;
  readonly handlers: PostgresHandlerStore;
  readonly deadLetters: PostgresDeadLetterStore;
  readonly parked: PostgresParkStore;
  readonly overview: PostgresOverviewStore;
  readonly rewinds: PostgresRewindStore;
  readonly log: PostgresLogStore;
  readonly #pool: PostgresPool;
  readonly #seam: Seam;

  constructor(
    readonly dataSource: DataSource,
    readonly options: PostgresStorageOptions,
  ) {
    this.features = {
      concurrentStatements: isPipelined(dataSource),
      concurrentStatementsRemedy: 'set `extra: { pipeline: true }` in the DataSource; pg 8.23 or later',
      connections: poolSize(dataSource),
    };
    hideSecretsOf(dataSource.options);
    this.#seam = new Seam(dataSource, this.ambient);
    this.#pool = new PostgresPool(this.#seam.createFreeRunner, tablesIn(options.schema));
    this.inbox = new PostgresInboxStore(this.#pool);
    this.outbox = new PostgresOutboxStore(this.#pool);
    this.fences = new PostgresFenceStore(this.#pool);
    this.leases = new PostgresLeaseStore(this.#pool);
    this.handlers = new PostgresHandlerStore(this.#pool);
    this.deadLetters = new PostgresDeadLetterStore(this.#pool);
    this.parked = new PostgresParkStore(this.#pool);
    this.overview = new PostgresOverviewStore(this.#pool);
    this.rewinds = new PostgresRewindStore(this.#pool);
    this.log = new PostgresLogStore(this.#pool);
  }

  async open(): Promise<void> {
    await this.#initialize();
    hearErrors(this.dataSource);
    if (this.options.migrate) await migrate(this.#pool, this.options.schema);
    await checkSchema(this.#pool);
    this.#seam.install();
  }

  async close(): Promise<void> {
    this.#seam.remove();
    await this.#pool.idle();
  }

  async ping(): Promise<void> {
    await this.leases.shardCount();
  }

  async begin(options: BeginOptions): Promise<Transaction> {
    if (!this.#seam.installed)
      throw new ExactlyOnceError('EO_STORAGE_UNAVAILABLE', 'the storage is not open');
    const { createRunner, tables } = this.#pool;
    return PostgresTransaction.begin({ createRunner, tables, ambient: this.ambient }, options);
  }

  borrow(handle: object): BorrowedTransaction | Scope {
    return borrowTransaction(this.dataSource, this.#pool.tables, handle);
  }

  countRows(transaction: Transaction): Promise<RowCount> {
    return countRows(transaction as PostgresTransaction, this.#pool.tables);
  }

  translate(error: unknown): unknown {
    return translateError(error);
  }

  /** A DataSource that its owner has not initialised is initialised here, again after a failure. */
  async #initialize(): Promise<void> {
    if (this.dataSource.isInitialized) return;
    try {
      await this.dataSource.initialize();
    } catch (error) {
      throw translateError(sqlState(error) === null ? markConnectionLost(error) : error);
    }
  }
}

/** Of pg's own option, which goes before TypeORM's; else pg's default. */
function poolSize({ options }: DataSource): number {
  const { max } = (options.extra ?? {}) as { max?: unknown };
  return typeof max === 'number' ? max : (options.poolSize ?? defaultPoolSize);
}

/** The driver sends statements without waiting for earlier answers. */
function isPipelined({ options }: DataSource): boolean {
  return (options.extra as { pipeline?: unknown } | undefined)?.pipeline === true;
}
