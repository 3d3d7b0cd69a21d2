/**
 * PostgreSQL for tests: found or started, with databases of the caller's own.
 */
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { dockerPostgres } from './docker.js';
import { answers } from './ports.js';
import { PostgresCluster } from './postgres-cluster.js';

export interface TestDatabase {
  readonly name: string;
  readonly url: string;
  // biome-ignore lint/suspicious/noExplicitAny: rows have the shape of their statement
  query(sql: string, parameters?: unknown[]): Promise<any[]>;
  drop(): Promise<void>;
}

/** What the sessions of tests themselves are called. */
export const observer = 'observer';

export class PostgresServer {
  constructor(
    /** Without a database. */
    readonly base: string,
    readonly stop: () => Promise<void>,
  ) {}

  url(database = 'postgres'): string {
    const url = new URL(this.base);
    url.pathname = `/${database}`;
    return url.href;
  }

  async createDatabase(prefix = 'eo'): Promise<TestDatabase> {
    const name = `${prefix}_${randomUUID().slice(0, 8)}`;
    await this.#administer(`CREATE DATABASE ${name}`);
    const pool = new pg.Pool({ connectionString: this.url(name), max: 2, application_name: observer });
    pool.on('error', () => undefined); // a fault test cuts idle connections: the pool opens others
    return {
      name,
      url: this.url(name),
      query: async (sql, parameters) => (await pool.query(sql, parameters)).rows,
      drop: async () => {
        await pool.end();
        await this.#administer(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
      },
    };
  }

  async #administer(sql: string): Promise<void> {
    const client = new pg.Client({ connectionString: this.url() });
    await client.connect();
    try {
      await client.query(sql);
    } finally {
      await client.end();
    }
  }
}

/** In this order: EO_POSTGRES_URL, 127.0.0.1:5432, Docker, a cluster of our own. */
export async function findPostgres(): Promise<PostgresServer> {
  const given = process.env['EO_POSTGRES_URL'];
  if (given) return new PostgresServer(given, nothing);
  if (await answers('127.0.0.1', 5432))
    return new PostgresServer('postgres://postgres@127.0.0.1:5432', nothing);
  const container = await dockerPostgres();
  if (container !== null)
    return new PostgresServer(`postgres://postgres@${container.address}`, container.stop);
  try {
    const cluster = await PostgresCluster.start();
    return new PostgresServer(cluster.url, () => cluster.remove());
  } catch (cause) {
    const choices =
      'set EO_POSTGRES_URL, start PostgreSQL on 127.0.0.1:5432, start Docker, or install PostgreSQL 15';
    throw new Error(`no PostgreSQL to be had: ${choices}`, { cause });
  }
}

async function nothing(): Promise<void> {}
