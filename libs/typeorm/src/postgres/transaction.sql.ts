/**
 * Statements that begin, divide and look up transactions. Steps 4 to 6 of an event's life.
 *
 * No setting outlives its transaction: a pooler may hand the session on.
 */
import type { BeginOptions, IsolationLevel } from '@exactly-once/core';

const isolationLevels: readonly IsolationLevel[] = ['READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE'];
const longestSettingMs = 2_147_483_647;

/**
 * One round trip. The settings end with the transaction, so a pooler in transaction mode may hand the session on.
 * An idle time-out of 0 would switch it off, so it is at least 1. The isolation level comes from a closed list.
 * `withId`: the last result has the transaction's id as `txid`; this takes the snapshot of levels above READ COMMITTED.
 */
export function beginSql(
  { isolation, idleTimeoutMs, statementTimeoutMs, lockTimeoutMs = 0 }: BeginOptions,
  withId: boolean,
): string {
  const level = isolationLevels.find((known) => known === isolation) ?? 'READ COMMITTED';
  return (
    `BEGIN ISOLATION LEVEL ${level};` +
    `SET LOCAL idle_in_transaction_session_timeout = ${setting(idleTimeoutMs, 1)}` +
    (statementTimeoutMs > 0 ? `;SET LOCAL statement_timeout = ${setting(statementTimeoutMs, 1)}` : '') +
    (lockTimeoutMs > 0 ? `;SET LOCAL lock_timeout = ${setting(lockTimeoutMs, 1)}` : '') +
    (withId ? ';SELECT pg_current_xact_id()::text AS txid' : '')
  );
}

export const commitSql = 'COMMIT';

/** For a few statements of our own: whatever the role's settings are, they end where nobody sends the next one. */
export function beginShortSql(idleTimeoutMs: number): string {
  return `BEGIN;SET LOCAL idle_in_transaction_session_timeout = ${setting(idleTimeoutMs, 1)}`;
}

function setting(ms: number, least: number): number {
  return Math.min(longestSettingMs, Math.max(least, Math.trunc(ms)));
}

/** Names of our own, apart from TypeORM's `typeorm_n`; each is used once in a transaction. */
export const savepointSql = (ordinal: number) => ({
  set: `SAVEPOINT eo_${ordinal}`,
  release: `RELEASE SAVEPOINT eo_${ordinal}`,
  rollback: `ROLLBACK TO SAVEPOINT eo_${ordinal}; RELEASE SAVEPOINT eo_${ordinal}`,
});

/** No lock. 'in progress' while the old connection's backend still works. $1 transaction id. */
export const statusSql = 'SELECT pg_xact_status($1::xid8) AS status';

/**
 * Ends the backend that still holds a transaction whose client is gone: a COMMIT that has reached it is then
 * either done or undone. Found by transaction id, which holds behind a pooler, too. $1 transaction id.
 */
export const endOwnerSql =
  'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_xid = xid($1::xid8)';

/** Resets the idle clock of a transaction; in an aborted one it fails, and resets it, too. */
export const touchSql = 'SELECT 1';
