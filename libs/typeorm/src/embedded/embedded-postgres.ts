/**
 * `embeddedPostgres()`: TypeORM's options for a PostgreSQL inside this process, kept in a folder or in memory.
 *
 * For development, demonstrations, tests and small tools. Says nothing to the database by itself: it is opened by the
 * first connection.
 */
import { resolve } from 'node:path';
import type { Duplex } from 'node:stream';
import { checkNumber, checkOptions, ExactlyOnceError, longestTimerMs } from '@exactly-once/core';
import { EmbeddedDatabase } from './embedded-database.js';
import { embeddedDriver } from './embedded-pool.js';
import { EmbeddedStream } from './embedded-stream.js';

export interface EmbeddedPostgresOptions {
  /**
   * Folder of the data, on a local file system; made where it is missing. Relative to the working directory at the
   * time of the call. Default `memory://`: nothing is kept beyond the object that is returned.
   */
  readonly folder?: string;
  /**
   * Milliseconds that a statement waits while another transaction is open, from 1; then EO_DATABASE_BUSY.
   * Default 15,000.
   */
  readonly busyTimeoutMs?: number;
}

/** Options of TypeORM's `postgres` driver. */
export interface EmbeddedPostgres {
  readonly type: 'postgres';
  readonly username: string;
  readonly database: string;
  readonly ssl: false;
  /** pg, with a pool that ends when its connections have. */
  readonly driver: object;
  /** Generated uuids come from `gen_random_uuid()`, which needs no extension. */
  readonly uuidExtension: 'pgcrypto';
  readonly installExtensions: false;
  /** Given on to pg's pool. */
  readonly extra: {
    readonly max: number;
    readonly idleTimeoutMillis: number;
    readonly connectionTimeoutMillis: number;
    readonly stream: () => Duplex;
  };
}

const inMemory = 'memory://';
/** Connections that may wait for the one session. */
const connections = 10;
/** Milliseconds that a first start may take on a busy machine. */
const openingMs = 60_000;

/** Databases of this process by the path of their folder: two DataSources on one folder share it. */
const databases = new Map<string, EmbeddedDatabase>();

/**
 * To be spread into the options of a DataSource, in Nest or without:
 *
 * ```ts
 * TypeOrmModule.forRoot({ ...embeddedPostgres({ folder: './data' }), autoLoadEntities: true })
 * new DataSource({ ...embeddedPostgres(), entities: [Payment] })
 * ```
 *
 * PostgreSQL's own code, dialect and errors (PGlite: `npm install @electric-sql/pglite`), with these limits:
 *
 * - It survives the end of its process, SIGKILL included, and not the loss of power: it never waits for the disk.
 * - One process at a time; a second one is refused with EO_FOLDER_IN_USE, which names the first.
 * - One session: transactions run one after another, and a statement outside of an open one waits for it. The
 *   statement that cannot have its turn, because the open transaction waits for it, fails with EO_DATABASE_BUSY.
 * - A statement runs in this process and cannot be interrupted: `statement_timeout` has no effect.
 *
 * Throws EO_OPTION_UNKNOWN, EO_OPTION_INVALID. The DataSource's `initialize` throws EO_FOLDER_IN_USE,
 * EO_PACKAGE_MISSING, and EO_STORAGE_UNAVAILABLE where the data cannot be opened.
 */
export function embeddedPostgres(options: EmbeddedPostgresOptions = {}): EmbeddedPostgres {
  checkOptions('embeddedPostgres()', options, ['folder', 'busyTimeoutMs']);
  const { folder = inMemory, busyTimeoutMs = 15_000 } = options;
  checkNumber('embeddedPostgres(): busyTimeoutMs', busyTimeoutMs, 1, longestTimerMs - openingMs);
  if (typeof folder !== 'string' || folder === '') {
    throw new ExactlyOnceError('EO_OPTION_INVALID', 'embeddedPostgres(): folder is no path');
  }
  const database = folder === inMemory ? new EmbeddedDatabase(null) : databaseIn(resolve(folder));
  return {
    type: 'postgres',
    username: 'postgres',
    database: 'postgres',
    ssl: false,
    driver: embeddedDriver(),
    uuidExtension: 'pgcrypto',
    installExtensions: false,
    extra: {
      max: connections,
      idleTimeoutMillis: 0,
      connectionTimeoutMillis: busyTimeoutMs + openingMs,
      stream: () => new EmbeddedStream(database, busyTimeoutMs),
    },
  };
}

function databaseIn(folder: string): EmbeddedDatabase {
  const database = databases.get(folder) ?? new EmbeddedDatabase(folder);
  databases.set(folder, database);
  return database;
}
