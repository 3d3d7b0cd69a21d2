/**
 * The statements of a replay, in their order: letters, keys, parked events, letters. Step 8 of an event's life.
 *
 * Who holds the letters decides about them; nothing is parked of one that another has decided about. Locks are taken in
 * one order by everybody: letters by id, then the rows of keys as `parked.sql.ts` does.
 */
import type { Tables } from './tables.js';

/** Holds the letters alone until commit, in the order of their ids; shows them as they are then. $1 ids. */
export const holdLettersSql = (t: Tables): string => `
SELECT letter.id, letter.state, letter.code, letter.redacted, cardinality(letter.edited_by) AS edit_count,
  letter.handler_id, letter.topic, letter.key_hash, letter.headers, handler.id IS NOT NULL AS handled
FROM ${t.deadLetter} AS letter
LEFT JOIN ${t.handler} AS handler ON handler.id = letter.handler_id AND handler.retired_at IS NULL
WHERE letter.id = ANY($1::bigint[])
ORDER BY letter.id
FOR UPDATE OF letter`;

/**
 * Makes the rows of keys that are not there; waits for who holds one of the others alone, and leaves it. To be shared
 * by `parkedKeysSql` after it: fewer rows are found where one was taken away meanwhile. $1 handler ids, $2 topics, $3 key
 * hashes.
 */
export const makeParkedKeysSql = (t: Tables): string => `
INSERT INTO ${t.parkedKey} (handler_id, topic, key_hash)
SELECT * FROM unnest($1::integer[], $2::text[], $3::bytea[]) AS wanted (handler_id, topic, key_hash)
ORDER BY handler_id, topic, key_hash
ON CONFLICT (handler_id, topic, key_hash) DO NOTHING`;

/**
 * Under the letters and a share of their keys' rows. 2^62 before the id of its event's first letter, one stands before all
 * that was parked as it came. Only the first of a key is due; and a process killer, which nothing that is handled before
 * it makes due, and which runs with nothing beside it. $1 ids, $2 headers as parked events have them.
 */
export const parkLettersSql = (t: Tables): string => `
INSERT INTO ${t.parkedEvent} (position, handler_id, topic, key_hash, partition, "offset", key, headers, body,
  timestamp_ms, inbox_key, code, error_chain, attempts, deaths, first_attempt_at, next_attempt_at)
OVERRIDING SYSTEM VALUE
SELECT coalesce(letter.replay_of, letter.id) - 4611686018427387904, letter.handler_id, letter.topic, letter.key_hash, letter.partition,
  letter."offset", letter.key, given.headers, coalesce(letter.edited_bodies[cardinality(letter.edited_bodies)], letter.body),
  letter.timestamp_ms, letter.inbox_key, letter.code, letter.error_chain, 0,
  CASE letter.code WHEN 'EO_PROCESS_KILLED' THEN 1 ELSE 0 END, letter.first_attempt_at,
  CASE WHEN letter.code = 'EO_PROCESS_KILLED' OR row_number() OVER (
    PARTITION BY letter.handler_id, letter.topic, letter.key_hash ORDER BY coalesce(letter.replay_of, letter.id)
  ) = 1 THEN clock_timestamp() END
FROM unnest($1::bigint[], $2::bytea[]) AS given (id, headers)
JOIN ${t.deadLetter} AS letter ON letter.id = given.id`;

/** Under the letters. $1 ids, $2 by whom. */
export const markReplayedSql = (t: Tables): string => `
UPDATE ${t.deadLetter} SET state = 'replayed', decided_by = $2, decided_at = clock_timestamp()
WHERE id = ANY($1::bigint[]) AND state = 'dead'`;
