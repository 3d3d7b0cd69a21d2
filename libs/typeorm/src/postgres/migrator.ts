/**
 * Brings the framework's tables to this release's version, and says whether they are.
 *
 * Two processes that migrate at once follow each other: the lock ends with the transaction, so a pooler in
 * transaction mode is no obstacle. Needs DDL rights; nothing else in this library does.
 */
import { ExactlyOnceError } from '@exactly-once/core';
import { schemaVersionSql } from './handler.sql.js';
import { initialSql } from './migrations/001-initial.sql.js';
import { migrationLockSql, schemaExistsSql, tableExistsSql } from './migrations/migration.sql.js';
import { sqlState } from './postgres-errors.js';
import type { PostgresPool, Statements } from './postgres-pool.js';
import type { Tables } from './tables.js';

/** The version of the schema that this release needs. */
export const schemaVersion = 1;

/** Milliseconds that a migration may wait for another, or for a table in use. */
const migrationPatienceMs = 600_000;
const undefinedTable = '42P01';
const migrations: readonly ((tables: Tables) => string)[] = [initialSql];

/** The SQL of all migrations, for a person to run. */
export function migrationText(tables: Tables): string {
  return `BEGIN;\n${migrations.map((sql) => sql(tables)).join('\n')}\nCOMMIT;\n`;
}

/** Runs what is missing, in one transaction; resolves with the version found before (0: none). */
export async function migrate(pool: PostgresPool, schema: string | null): Promise<number> {
  return pool.transaction(async (query) => {
    await query(migrationLockSql);
    if (schema !== null) await requireSchema(query, schema);
    const found = await versionOf(query, pool.tables);
    for (const sql of migrations.slice(found)) await query(sql(pool.tables));
    return found;
  }, migrationPatienceMs);
}

/** Throws EO_SCHEMA_MISSING or EO_SCHEMA_OUTDATED. A newer schema is fine: upgrades expand before they contract. */
export async function checkSchema(pool: PostgresPool): Promise<void> {
  let version: number;
  try {
    const { rows } = await pool.query(schemaVersionSql(pool.tables));
    version = rows[0]?.schema_version ?? 0;
  } catch (error) {
    if (sqlState(error) !== undefinedTable) throw error;
    throw new ExactlyOnceError(
      'EO_SCHEMA_MISSING',
      `table ${pool.tables.meta} does not exist; no event was processed`,
      {
        cause: error,
      },
    );
  }
  if (version >= schemaVersion) return;
  const what = `the tables are at version ${version}, this release needs ${schemaVersion}; no event was processed`;
  throw new ExactlyOnceError('EO_SCHEMA_OUTDATED', what, { details: { version, needed: schemaVersion } });
}

async function versionOf(query: Statements, tables: Tables): Promise<number> {
  const exists = await query(tableExistsSql, [tables.meta]);
  if (!exists.rows[0].found) return 0;
  const { rows } = await query(schemaVersionSql(tables));
  return rows[0].schema_version;
}

async function requireSchema(query: Statements, schema: string): Promise<void> {
  const { rows } = await query(schemaExistsSql, [schema]);
  if (rows[0].found) return;
  throw new ExactlyOnceError('EO_OPTION_INVALID', `schema "${schema}" does not exist; create it first`);
}
