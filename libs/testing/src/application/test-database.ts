/**
 * Where a test's module keeps its rows: an embedded PostgreSQL that the process reuses, or the user's own database.
 *
 * The framework's tables stand in a schema of the test's own, so that what is in a database of the user's stays as it
 * is; it is dropped at the end.
 */
import { randomUUID } from 'node:crypto';
import type { DataSource, TypeOrmModuleOptions, TypeOrmPeers } from './peers.js';
import { createSchemaSql, dropSchemaSql, emptiedSchemasSql } from './test-schema.sql.js';

/** Embedded databases that no test uses now: a new one takes seconds and hundreds of megabytes. */
const idle: TypeOrmModuleOptions[] = [];

export class TestDatabase {
  readonly #peers: TypeOrmPeers;
  readonly #schemas = new Set<string>();
  #admin: DataSource | null = null;

  private constructor(
    peers: TypeOrmPeers,
    /** Of its DataSource, without entities and migrations. */
    readonly options: TypeOrmModuleOptions,
    /** It has one connection: its transactions run one after another. */
    readonly isEmbedded: boolean,
  ) {
    this.#peers = peers;
  }

  /** `own`: options of the user's DataSource; `null` is the embedded one. */
  static async open(peers: TypeOrmPeers, own: TypeOrmModuleOptions | null): Promise<TestDatabase> {
    const options = own ?? idle.pop() ?? peers.storage.embeddedPostgres();
    const database = new TestDatabase(peers, options as TypeOrmModuleOptions, own === null);
    await database.admin();
    return database;
  }

  /** A connection that no module knows. */
  async admin(): Promise<DataSource> {
    if (this.#admin !== null) return this.#admin;
    const { DataSource: Source } = this.#peers.typeorm;
    const plain = {
      ...{ entities: [], subscribers: [], migrations: [] },
      ...{ migrationsRun: false, synchronize: false, dropSchema: false },
    };
    this.#admin = await new Source({ ...this.options, ...plain, name: undefined } as never).initialize();
    return this.#admin;
  }

  /** A new schema for the framework's tables. */
  async createSchema(): Promise<string> {
    const name = `eo_test_${randomUUID().replaceAll('-', '').slice(0, 12)}`;
    await (await this.admin()).query(createSchemaSql(name));
    this.#schemas.add(name);
    return name;
  }

  get schemas(): readonly string[] {
    return [...this.#schemas];
  }

  async dropSchema(name: string): Promise<void> {
    if (this.#schemas.delete(name)) await (await this.admin()).query(dropSchemaSql(name));
  }

  /** When no module uses it any more. */
  async close(): Promise<void> {
    const admin = await this.admin();
    if (this.isEmbedded) await admin.query(emptiedSchemasSql);
    else for (const name of this.schemas) await this.dropSchema(name);
    this.#admin = null;
    await admin.destroy();
    if (this.isEmbedded) idle.push(this.options);
  }
}
