/** Statements that begin, divide and look up transactions. */
import type { BeginOptions } from '@exactly-once/core';

/**
 * One round trip. The settings end with the transaction, so a pooler in transaction mode may hand the session on.
 * Numbers come from checked options, the isolation level from a closed list.
 */
export const beginSql = ({ isolation, idleTimeoutMs, statementTimeoutMs }: BeginOptions): string =>
  `BEGIN ISOLATION LEVEL ${isolation ?? 'READ COMMITTED'};` +
  `SET LOCAL idle_in_transaction_session_timeout = ${Math.trunc(idleTimeoutMs)};` +
  `SET LOCAL statement_timeout = ${Math.trunc(statementTimeoutMs)}`;

/** Names of our own, apart from TypeORM's \`typeorm_n\`. */
export const savepointSql = (ordinal: number) => ({
  set: `SAVEPOINT eo_${ordinal}`,
  release: `RELEASE SAVEPOINT eo_${ordinal}`,
  rollback: `ROLLBACK TO SAVEPOINT eo_${ordinal}; RELEASE SAVEPOINT eo_${ordinal}`,
});

/** No lock. 'in progress' while the old connection's backend still works. $1 transaction id. */
export const statusSql = 'SELECT pg_xact_status($1::xid8) AS status';

/** Resets the idle clock of a transaction; in an aborted one it fails, and resets it, too. */
export const touchSql = 'SELECT 1';
