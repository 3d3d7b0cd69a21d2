/**
 * The schema for people and tools: run it, or print it. Before any event's life begins.
 *
 * Used by the command line and by tests. Never runs by itself: an application's role may lack the rights.
 */
import type { DataSource } from 'typeorm';
import { migrate, migrationText } from './postgres/migrator.js';
import { PostgresPool } from './postgres/postgres-pool.js';
import { schemaOf, tablesIn } from './postgres/tables.js';

export interface MigrationOptions {
  /** Schema of the tables; must exist. Default: the DataSource's `schema`, else its search path. */
  readonly schema?: string;
}

/** The migrations as SQL, in one transaction. */
export function migrationSql({ schema }: MigrationOptions = {}): string {
  return migrationText(tablesIn(schema ?? null));
}

/**
 * Runs missing migrations on an initialised DataSource. Several may do so at once. Resolves with the version of
 * the schema before (0: there was none). Throws EO_STORAGE_UNAVAILABLE.
 */
export async function runMigrations(
  dataSource: DataSource,
  { schema }: MigrationOptions = {},
): Promise<number> {
  const used = schemaOf(dataSource, schema);
  const pool = new PostgresPool(() => dataSource.createQueryRunner('master'), tablesIn(used));
  return migrate(pool, used);
}
