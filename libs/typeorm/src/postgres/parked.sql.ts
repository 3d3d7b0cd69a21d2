/**
 * Statements on parked keys and their events. Step 8 of an event's life.
 *
 * The row of a key is the lock, in three strengths: who appends has FOR KEY SHARE, who takes out has FOR NO KEY UPDATE,
 * which lets others append and nobody else take out, and who removes it has FOR UPDATE, alone.
 */
import type { Tables } from './tables.js';

const scoped = 'handler_id = $1 AND topic = $2 AND key_hash = $3';
const columns = `position, handler_id, topic, key_hash, partition, "offset", key, headers, body, timestamp_ms, inbox_key,
  code, error_chain, attempts, deaths, (extract(epoch FROM first_attempt_at) * 1000)::bigint AS first_attempt_ms,
  (extract(epoch FROM next_attempt_at) * 1000)::bigint AS next_attempt_ms, given_up_by, given_up_why`;

/**
 * Shares the rows of the keys until commit, in one order for everybody; waits for who removes one, and does not see it
 * then. $1 handler ids, $2 topics, $3 key hashes.
 */
export const parkedKeysSql = (t: Tables): string => `
SELECT handler_id, topic, key_hash FROM ${t.parkedKey}
WHERE (handler_id, topic, key_hash) IN (SELECT * FROM unnest($1::integer[], $2::text[], $3::bytea[]))
ORDER BY handler_id, topic, key_hash
FOR KEY SHARE`;

/**
 * Makes the row of a key where it is not there. Waits for who makes or removes it, and locks nothing where it was there.
 * $1 handler id, $2 topic, $3 key hash.
 */
export const makeParkedKeySql = (t: Tables): string => `
INSERT INTO ${t.parkedKey} (handler_id, topic, key_hash) VALUES ($1, $2, $3)
ON CONFLICT (handler_id, topic, key_hash) DO NOTHING`;

/**
 * Shares the key's row until commit and parks the event; waits for who removes the row, and inserts nothing where there
 * is none. $1…$16 columns.
 */
export const appendParkedEventSql = (t: Tables): string => `
WITH shared AS MATERIALIZED (SELECT 1 FROM ${t.parkedKey} WHERE ${scoped} FOR KEY SHARE)
INSERT INTO ${t.parkedEvent} (handler_id, topic, key_hash, partition, "offset", key, headers, body, timestamp_ms,
  inbox_key, code, error_chain, attempts, deaths, first_attempt_at, next_attempt_at)
SELECT $1, $2, $3, $4::integer, $5::bigint, $6::bytea, $7::bytea, $8::bytea, $9::bigint, $10::bytea, $11, $12::text[],
  $13::integer, $14::integer, to_timestamp($15::bigint / 1000.0), to_timestamp($16::bigint / 1000.0) FROM shared`;

/**
 * Holds the row of a key until commit against all but those who append; no row where it is not there, or where another
 * holds it.
 */
export const holdParkedKeySql = (t: Tables): string => `
SELECT begun_by, (extract(epoch FROM begun_at) * 1000)::bigint AS begun_ms FROM ${t.parkedKey} WHERE ${scoped} FOR NO KEY UPDATE SKIP LOCKED`;

/** No lock. $1 handler id, $2 topic, $3 key hash. */
export const isParkedSql = (t: Tables): string => `SELECT 1 FROM ${t.parkedKey} WHERE ${scoped}`;

/** Under the key's row, in a later snapshot than the lock: who took out before is done. */
export const firstParkedSql = (t: Tables): string => `
SELECT ${columns} FROM ${t.parkedEvent} WHERE ${scoped} ORDER BY position LIMIT 1`;

/** Under the key's row. $4 owner, $5 time in milliseconds. */
export const markParkedKeySql = (t: Tables): string => `
UPDATE ${t.parkedKey} SET begun_by = array_append(array_remove(begun_by, $4::text), $4::text),
  begun_at = to_timestamp($5::bigint / 1000.0)
WHERE ${scoped}`;

/** Row lock until commit where there is something to take back; waits for who takes out or removes. $4 owner. */
export const unmarkParkedKeySql = (t: Tables): string => `
UPDATE ${t.parkedKey} SET begun_by = array_remove(begun_by, $4::text)
WHERE ${scoped} AND $4::text = ANY (begun_by)`;

/** Under the key's row. $4 position, $5…$9 columns. */
export const postponeParkedEventSql = (t: Tables): string => `
WITH unmarked AS (UPDATE ${t.parkedKey} SET begun_by = '{}', begun_at = NULL, next_attempt_at = NULL WHERE ${scoped})
UPDATE ${t.parkedEvent} SET code = $5, error_chain = $6, attempts = $7, deaths = $8,
  next_attempt_at = to_timestamp($9::bigint / 1000.0)
WHERE position = $4`;

/**
 * Under the key's row: takes an event away and makes the next one due. Where none is seen the key is: what others have
 * appended meanwhile is found by that. $4 position, $5 time in milliseconds.
 */
export const settleParkedEventSql = (t: Tables): string => `
WITH next AS (
  SELECT position, deaths FROM ${t.parkedEvent} WHERE ${scoped} AND position <> $4 ORDER BY position LIMIT 1
), gone AS (
  DELETE FROM ${t.parkedEvent} WHERE position = $4
), due AS (
  UPDATE ${t.parkedEvent} AS waiting
  SET next_attempt_at = coalesce(waiting.next_attempt_at, to_timestamp($5::bigint / 1000.0))
  FROM next WHERE waiting.position = next.position AND next.deaths = 0
)
UPDATE ${t.parkedKey} SET begun_by = begun_by[cardinality(begun_by):], begun_at = to_timestamp($5::bigint / 1000.0),
  next_attempt_at = CASE WHEN EXISTS (SELECT 1 FROM next) THEN NULL ELSE to_timestamp($5::bigint / 1000.0) END
WHERE ${scoped}`;

/** Holds the row of a key alone; waits for who appends or takes out. $1 handler id, $2 topic, $3 key hash. */
export const claimParkedKeySql = (t: Tables): string => `
SELECT 1 FROM ${t.parkedKey} WHERE ${scoped} FOR UPDATE`;

/**
 * Under the key's row, held alone, in a later snapshot than the lock: all that was appended is seen, and nobody can
 * append meanwhile. $1 handler id, $2 topic, $3 key hash.
 */
export const deleteEmptyKeySql = (t: Tables): string => `
DELETE FROM ${t.parkedKey} AS parked WHERE ${scoped} AND NOT EXISTS (
  SELECT 1 FROM ${t.parkedEvent} AS waiting
  WHERE waiting.handler_id = parked.handler_id AND waiting.topic = parked.topic AND waiting.key_hash = parked.key_hash
)`;

/** Locks the first event of a key for itself. $1 handler id, $2 topic, $3 key hash. */
export const hastenParkedEventSql = (t: Tables): string => `
UPDATE ${t.parkedEvent} SET next_attempt_at = clock_timestamp()
WHERE position = (SELECT position FROM ${t.parkedEvent} WHERE ${scoped} ORDER BY position LIMIT 1)`;

/** Locks the first event of a key for itself. $1 handler id, $2 topic, $3 key hash, $4 by whom, $5 why. */
export const giveUpParkedEventSql = (t: Tables): string => `
UPDATE ${t.parkedEvent} SET next_attempt_at = clock_timestamp(), given_up_by = $4, given_up_why = $5
WHERE position = (SELECT position FROM ${t.parkedEvent} WHERE ${scoped} ORDER BY position LIMIT 1)`;

/**
 * No lock. Only the first event of a key counts. Handler by handler in the order of the index, however many keys others
 * have. $1 handler ids, $2 limit.
 */
export const upcomingScopesSql = (t: Tables): string => `
SELECT handler_id, topic, key_hash, (extract(epoch FROM next_attempt_at) * 1000)::bigint AS at_ms
FROM unnest($1::integer[]) AS own (id) CROSS JOIN LATERAL (
  (SELECT handler_id, topic, key_hash, next_attempt_at FROM ${t.parkedEvent} AS waiting
    WHERE next_attempt_at IS NOT NULL AND handler_id = own.id AND NOT EXISTS (
      SELECT 1 FROM ${t.parkedEvent} AS earlier WHERE earlier.handler_id = waiting.handler_id
        AND earlier.topic = waiting.topic AND earlier.key_hash = waiting.key_hash AND earlier.position < waiting.position
    ) ORDER BY next_attempt_at LIMIT $2)
  UNION ALL
  (SELECT handler_id, topic, key_hash, next_attempt_at FROM ${t.parkedKey}
    WHERE next_attempt_at IS NOT NULL AND handler_id = own.id ORDER BY next_attempt_at LIMIT $2)
) AS upcoming ORDER BY next_attempt_at LIMIT $2`;

/** No lock. $1 limit. */
export const parkedScopesSql = (t: Tables): string => `
SELECT parked.handler_id, parked.topic, parked.key_hash, coalesce(handler.name, '') AS handler, first.key, first.code,
  (SELECT count(*)::integer FROM ${t.parkedEvent} AS waiting WHERE waiting.handler_id = parked.handler_id
    AND waiting.topic = parked.topic AND waiting.key_hash = parked.key_hash) AS events
FROM ${t.parkedKey} AS parked
LEFT JOIN ${t.handler} AS handler ON handler.id = parked.handler_id
CROSS JOIN LATERAL (
  SELECT waiting.key, waiting.code FROM ${t.parkedEvent} AS waiting WHERE waiting.handler_id = parked.handler_id
    AND waiting.topic = parked.topic AND waiting.key_hash = parked.key_hash ORDER BY waiting.position LIMIT 1
) AS first
ORDER BY parked.parked_at, parked.handler_id, parked.topic, parked.key_hash
LIMIT $1`;

/** No lock. $1 names of handlers, or NULL for all, $2 milliseconds before which they began, or NULL. */
export const countParkedSql = (t: Tables): string => `
SELECT count(*)::integer AS count FROM ${t.parkedEvent}
WHERE ($1::text[] IS NULL OR handler_id IN (SELECT id FROM ${t.handler} WHERE name = ANY ($1::text[])))
  AND ($2::bigint IS NULL OR first_attempt_at < to_timestamp($2::bigint / 1000.0))`;
