/**
 * Statements around the migrations: the lock, and what is there already.
 *
 * No lock of a session, which a pooler in transaction mode would leave behind.
 */

/** Concurrent migrators follow each other until commit. The number is ours: "exactly" in ASCII, cut to a bigint. */
export const migrationLockSql = 'SELECT pg_advisory_xact_lock(7311709104903778413)';

/** No lock. $1 table, qualified. */
export const tableExistsSql = 'SELECT to_regclass($1) IS NOT NULL AS found';

/** No lock. $1 schema. */
export const schemaExistsSql = 'SELECT to_regnamespace(quote_ident($1)) IS NOT NULL AS found';
