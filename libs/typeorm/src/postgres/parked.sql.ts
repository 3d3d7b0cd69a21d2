/**
 * Statements on parked keys and their events. Step 8 of an event's life.
 *
 * The row of a key is the lock: shared by who appends, held alone by who takes out, and gone only with its last event.
 */
import type { Tables } from './tables.js';

const scoped = 'handler_id = $1 AND topic = $2 AND key_hash = $3';
const columns = `position, handler_id, topic, key_hash, partition, "offset", key, headers, body, timestamp_ms, inbox_key,
  code, error_chain, attempts, deaths, (extract(epoch FROM first_attempt_at) * 1000)::bigint AS first_attempt_ms`;

/**
 * Shares the rows of the keys until commit, in one order for everybody; waits for who holds one alone, and does not see
 * a row that is gone then. $1 handler ids, $2 topics, $3 key hashes.
 */
export const parkedKeysSql = (t: Tables): string => `
SELECT handler_id, topic, key_hash FROM ${t.parkedKey}
WHERE (handler_id, topic, key_hash) IN (SELECT * FROM unnest($1::integer[], $2::text[], $3::bytea[]))
ORDER BY handler_id, topic, key_hash
FOR SHARE`;

/**
 * Makes the row of a key, or shares it where it is there. Waits for who holds it alone; where that takes the row away,
 * no row comes back and it is made again. $1 handler id, $2 topic, $3 key hash.
 */
export const makeParkedKeySql = (t: Tables): string => `
INSERT INTO ${t.parkedKey} (handler_id, topic, key_hash) VALUES ($1, $2, $3)
ON CONFLICT (handler_id, topic, key_hash) DO NOTHING`;

/** Shares the row until commit; no row where it is gone. $1 handler id, $2 topic, $3 key hash. */
export const shareParkedKeySql = (t: Tables): string => `
SELECT 1 FROM ${t.parkedKey} WHERE ${scoped} FOR SHARE`;

/** Under a share of its key's row. $1…$15 columns. */
export const insertParkedEventSql = (t: Tables): string => `
INSERT INTO ${t.parkedEvent} (handler_id, topic, key_hash, partition, "offset", key, headers, body, timestamp_ms,
  inbox_key, code, error_chain, attempts, deaths, first_attempt_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, to_timestamp($15::bigint / 1000.0))`;

/** Holds the row of a key alone until commit; no row where it is not there, or where others share or hold it. */
export const holdParkedKeySql = (t: Tables): string => `
SELECT 1 FROM ${t.parkedKey} WHERE ${scoped} FOR UPDATE SKIP LOCKED`;

/** No lock. $1 handler id, $2 topic, $3 key hash. */
export const isParkedSql = (t: Tables): string => `SELECT 1 FROM ${t.parkedKey} WHERE ${scoped}`;

/** Under the key's row, in a later snapshot than the lock: what was appended before it is seen. */
export const firstParkedSql = (t: Tables): string => `
SELECT ${columns} FROM ${t.parkedEvent} WHERE ${scoped} ORDER BY position LIMIT 1`;

/** Under the key's row. $1 position. */
export const deleteParkedEventSql = (t: Tables): string => `DELETE FROM ${t.parkedEvent} WHERE position = $1`;

/** Under the key's row: nobody can append meanwhile. $1 handler id, $2 topic, $3 key hash. */
export const deleteEmptyKeySql = (t: Tables): string => `
DELETE FROM ${t.parkedKey} AS parked WHERE ${scoped} AND NOT EXISTS (
  SELECT 1 FROM ${t.parkedEvent} AS waiting
  WHERE waiting.handler_id = parked.handler_id AND waiting.topic = parked.topic AND waiting.key_hash = parked.key_hash
)`;

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

/** No lock. */
export const countParkedSql = (t: Tables): string =>
  `SELECT count(*)::integer AS count FROM ${t.parkedEvent}`;
