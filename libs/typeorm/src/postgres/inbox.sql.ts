/**
 * Statements on the inbox. Step 4 of an event's life, and step 9.
 *
 * Rows are locked in the order of their keys, always: overlapping batches must not deadlock.
 */
import type { Tables } from './tables.js';

/**
 * Takes the unique index entry of each key, in byte order of the keys: two overlapping batches wait for each
 * other and never deadlock. A key held by an open transaction is waited for; it is fresh if that rolls back.
 * $1 keys, $2 handler ids, $3 fingerprints.
 */
export const admitSql = (t: Tables): string => `
INSERT INTO ${t.inbox} (key, handler_id, fingerprint)
SELECT key, handler_id, fingerprint
FROM unnest($1::bytea[], $2::integer[], $3::bytea[]) AS given (key, handler_id, fingerprint)
ORDER BY key
ON CONFLICT (key) DO NOTHING
RETURNING key`;

/** No lock. Runs after \`admitSql\` in a later snapshot, so it sees what that waited for. $1 keys. */
export const recordedSql = (t: Tables): string => `
SELECT key, fingerprint FROM ${t.inbox} WHERE key = ANY($1::bytea[])`;

/** Row locks on records that only this partition's owner asks for, whom its fence has let in. $1 keys. */
export const withdrawSql = (t: Tables): string => `
DELETE FROM ${t.inbox} WHERE key = ANY($1::bytea[])`;

/** Locks at most $2 old rows; those that another sweep holds are left to it. $1 age in milliseconds. */
export const forgetSql = (t: Tables): string => `
DELETE FROM ${t.inbox} WHERE key IN (
  SELECT key FROM ${t.inbox}
  WHERE recorded_at < now() - $1::double precision * interval '1 millisecond'
  ORDER BY recorded_at
  LIMIT $2
  FOR UPDATE SKIP LOCKED
)`;
