/**
 * Statements on the inbox. Step 4 of an event's life, and step 9.
 *
 * Rows are locked in the order of their keys, always: overlapping batches must not deadlock.
 */
import type { Tables } from './tables.js';

export const keyBytes = 24;
export const fingerprintBytes = 16;
const recordBytes = keyBytes + fingerprintBytes;

/**
 * Takes the unique index entry of each key, in byte order of the keys: two overlapping batches wait for each
 * other and never deadlock. A key held by an open transaction is waited for; it is fresh if that rolls back.
 * $1 each key and its fingerprint, one after another in one value, $2 handler ids in the same order. Gives the fresh
 * keys, one after another: a row or an element for each costs both sides more than the insert.
 */
export const admitSql = (t: Tables): string => `
WITH fresh AS (
  INSERT INTO ${t.inbox} (key, handler_id, fingerprint)
  SELECT substring($1::bytea FROM ${recordBytes} * n::integer - ${recordBytes - 1} FOR ${keyBytes}) AS key,
    handler_id,
    substring($1::bytea FROM ${recordBytes} * n::integer - ${fingerprintBytes - 1} FOR ${fingerprintBytes})
  FROM unnest($2::integer[]) WITH ORDINALITY AS given (handler_id, n)
  ORDER BY key
  ON CONFLICT (key) DO NOTHING
  RETURNING key
)
SELECT string_agg(key, ''::bytea) AS keys FROM fresh`;

/** No lock. Runs after \`admitSql\` in a later snapshot, so it sees what that waited for. $1 keys. */
export const recordedSql = (t: Tables): string => `
SELECT key, fingerprint FROM ${t.inbox} WHERE key = ANY($1::bytea[])`;

/** Row locks on records that only this partition's owner asks for, whom its fence has let in. $1 keys. */
export const withdrawSql = (t: Tables): string => `
DELETE FROM ${t.inbox} WHERE key = ANY($1::bytea[])`;

/**
 * Locks at most $2 old rows; those that another sweep holds are left to it. What is parked or dead can still be handled,
 * and is remembered until then; a letter of another event under its id cannot. $1 age in milliseconds.
 */
export const forgetSql = (t: Tables): string => `
DELETE FROM ${t.inbox} WHERE key IN (
  SELECT key FROM ${t.inbox} AS old
  WHERE recorded_at < now() - $1::double precision * interval '1 millisecond'
    AND NOT EXISTS (SELECT 1 FROM ${t.parkedEvent} AS parked WHERE parked.inbox_key = old.key)
    AND NOT EXISTS (SELECT 1 FROM ${t.deadLetter} AS letter
      WHERE letter.inbox_key = old.key AND letter.state = 'dead' AND letter.code <> 'EO_ID_REUSED')
  ORDER BY recorded_at
  LIMIT $2
  FOR UPDATE OF old SKIP LOCKED
)`;
