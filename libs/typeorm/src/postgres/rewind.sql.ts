/**
 * Statements of a rewind, in their order: the handler, its letters, its parked events, the fences. One transaction.
 *
 * Letters are held before anybody looks what is parked: a replay that came first is seen then, a later one finds them
 * decided. Starts of services wait, or are waited for, by the lock on the handlers' table.
 */
import type { Tables } from './tables.js';

const targets = (partitions: string, offsets: string) =>
  `unnest(${partitions}::integer[], ${offsets}::bigint[]) AS target (partition, next_offset)`;

/** Row lock until commit. $1 id. */
export const nextGenerationSql = (t: Tables): string => `
UPDATE ${t.handler} SET generation = generation + 1 WHERE id = $1 AND retired_at IS NULL RETURNING generation`;

/**
 * Locks the rows in the order of their ids; who comes second finds them decided. $1 handler id, $2 topic, $3
 * partitions, $4 offsets, $5 by whom, $6 why.
 */
export const discardRewoundSql = (t: Tables): string => `
WITH held AS MATERIALIZED (
  SELECT letter.id FROM ${t.deadLetter} AS letter
  JOIN ${targets('$3', '$4')} ON target.partition = letter.partition AND letter."offset" >= target.next_offset
  WHERE letter.handler_id = $1 AND letter.topic = $2 AND letter.state = 'dead'
  ORDER BY letter.id FOR UPDATE OF letter
)
UPDATE ${t.deadLetter} AS letter
SET state = 'discarded', decided_by = $5, decided_why = $6, decided_at = clock_timestamp()
FROM held WHERE letter.id = held.id AND letter.state = 'dead'`;

/** No lock. $1 handler id. */
export const parkedOfHandlerSql = (t: Tables): string => `
SELECT count(*)::integer AS count FROM ${t.parkedEvent} WHERE handler_id = $1`;

/**
 * Row locks in the order of partitions until commit; waits for a batch that holds one, and moves only what stands behind
 * its target then. Whoever owns a fence is refused by where it stands now. $1 group, $2 topic, $3 partitions, $4 offsets.
 */
export const rewindFencesSql = (t: Tables): string => `
WITH held AS MATERIALIZED (
  SELECT fence.partition, target.next_offset FROM ${t.fence} AS fence
  JOIN ${targets('$3', '$4')} ON target.partition = fence.partition
  WHERE fence.group_name = $1 AND fence.topic = $2 AND fence.next_offset > target.next_offset
  ORDER BY fence.partition FOR UPDATE OF fence
)
UPDATE ${t.fence} AS fence SET next_offset = held.next_offset, last_fingerprint = NULL, clean = true,
  suspect_unit = NULL, suspect_owners = NULL
FROM held WHERE fence.group_name = $1 AND fence.topic = $2 AND fence.partition = held.partition`;
