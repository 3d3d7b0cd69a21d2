/**
 * A database of its own with the framework's tables and one of a user's: what the storage tests share.
 */
import 'reflect-metadata';
import {
  type BeginOptions,
  type EventEnvelope,
  openScope,
  type Scope,
  type Storage,
  type Transaction,
} from '@exactly-once/core';
import { storageOn, type TypeOrmStorageOptions } from '@exactly-once/typeorm';
import pg from 'pg';
import { Column, DataSource, type DataSourceOptions, Entity, PrimaryColumn } from 'typeorm';
import { findPostgres, type PostgresServer, type TestDatabase } from '../services/postgres.js';

@Entity('payment')
export class Payment {
  @PrimaryColumn('text')
  id!: string;

  @Column('int')
  cents!: number;
}

type PostgresOptions = Extract<DataSourceOptions, { type: 'postgres' }>;

export const begun: BeginOptions = { idleTimeoutMs: 10_000, statementTimeoutMs: 10_000, shared: true };

export class StorageWorld {
  readonly #sources: DataSource[] = [];
  readonly #storages: Storage[] = [];
  readonly #sessions: pg.Client[] = [];

  private constructor(
    readonly postgres: PostgresServer,
    readonly database: TestDatabase,
  ) {}

  /** With the user's table; the framework's come with the first storage. */
  static async open(prefix: string): Promise<StorageWorld> {
    const postgres = await findPostgres();
    const database = await postgres.createDatabase(prefix);
    await database.query('CREATE TABLE payment (id text PRIMARY KEY, cents int NOT NULL)');
    return new StorageWorld(postgres, database);
  }

  async dataSource(options: Partial<PostgresOptions> = {}): Promise<DataSource> {
    const source = new DataSource({
      type: 'postgres',
      url: this.database.url,
      entities: [Payment],
      poolSize: 10,
      poolErrorHandler: () => undefined, // connections are cut on purpose; the pool opens others
      ...options,
    } as DataSourceOptions);
    await source.initialize();
    this.#sources.push(source);
    return source;
  }

  async storage(source?: DataSource, options: TypeOrmStorageOptions = {}): Promise<Storage> {
    const storage = storageOn(source ?? (await this.dataSource()), { migrate: true, ...options });
    await storage.open();
    this.#storages.push(storage);
    return storage;
  }

  /** A session of its own, beside the framework; `clear` ends it. */
  async session(): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: this.database.url });
    await client.connect();
    this.#sessions.push(client);
    return client;
  }

  async payments(): Promise<string[]> {
    const rows = await this.database.query('SELECT id FROM payment ORDER BY id');
    return rows.map((row) => row.id);
  }

  /** Resolves when `least` sessions of this database wait for a lock. */
  async somebodyWaits(least = 1): Promise<void> {
    const waiting = `SELECT 1 FROM pg_stat_activity
      WHERE wait_event_type = 'Lock' AND datname = current_database()`;
    await until(async () => (await this.database.query(waiting)).length >= least);
  }

  async clear(): Promise<void> {
    for (const session of this.#sessions.splice(0)) await session.end();
    await this.database.query(
      'TRUNCATE payment, eo_inbox, eo_outbox, eo_outbox_batch, eo_fence, eo_lease, eo_dead_letter',
    );
  }

  /** Ends every session, storage and DataSource that was made so far. */
  async endAll(): Promise<void> {
    for (const session of this.#sessions.splice(0)) await session.end();
    for (const storage of this.#storages.splice(0)) await storage.close();
    for (const source of this.#sources.splice(0)) if (source.isInitialized) await source.destroy();
  }

  async close(): Promise<void> {
    await this.endAll();
    await this.database.drop();
    await this.postgres.stop();
  }
}

/** Runs `work` as core runs a handler: in an open scope that ends with it. */
export async function handle<T>(
  storage: Storage,
  transaction: Transaction,
  work: () => Promise<T>,
): Promise<Scope> {
  const scope = openScope(transaction, null);
  try {
    await storage.ambient.run(scope, work);
  } finally {
    scope.open = false;
  }
  return scope;
}

export async function sealAndCommit(transaction: Transaction): Promise<void> {
  await transaction.seal();
  await transaction.commit();
}

/** What `work` rejects with; fails where it does not. */
export async function rejection(work: Promise<unknown>): Promise<Error & { code?: string }> {
  try {
    await work;
  } catch (error) {
    return error as Error;
  }
  throw new Error('it was expected to reject');
}

/** Waits until `holds` answers true, at most `withinMs` milliseconds. */
export async function until(holds: () => Promise<boolean> | boolean, withinMs = 10_000): Promise<void> {
  const lateMs = Date.now() + withinMs;
  while (!(await holds())) {
    if (Date.now() > lateMs) throw new Error(`not within ${withinMs} ms: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export function anEvent(attributes: Partial<EventEnvelope> = {}): EventEnvelope {
  return {
    id: 'id',
    source: 'test',
    type: 'order.placed',
    version: 1,
    topic: 'orders',
    key: 'key',
    timeMs: 1_700_000_000_000,
    contentType: 'application/json',
    headers: {},
    traceparent: null,
    tracestate: null,
    body: Buffer.from('{}'),
    ...attributes,
  };
}
