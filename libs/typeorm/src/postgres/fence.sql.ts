/**
 * Statements on the fences: which record a partition's consumer takes next.
 *
 * Each that moves a row names its owner; zero rows is the answer to a zombie.
 */
import type { Tables } from './tables.js';

const others = 'last_fingerprint, log_generation, suspect_unit, suspect_owners';
const columns = `next_offset, owner, clean, ${others}`;
/** For the statement's own transaction alone. */
const unhurried = "set_config('synchronous_commit', 'off', true)";
const keyed = 'group_name = $1 AND topic = $2 AND partition = $3';

/** No lock. $1 group, $2 topic, $3 partition. */
export const readFenceSql = (t: Tables): string => `SELECT ${columns} FROM ${t.fence} WHERE ${keyed}`;

/**
 * Row lock until its own commit; waits for a batch that holds it, then sees what that left. Two claims follow each
 * other, the later one owns. Answers `clean` as it was before; no row where there is none yet. $4 owner.
 */
export const claimFenceSql = (t: Tables): string => `
UPDATE ${t.fence} AS fence SET owner = $4, clean = false
FROM (SELECT clean FROM ${t.fence} WHERE ${keyed} FOR UPDATE) AS before
WHERE ${keyed}
RETURNING fence.next_offset, fence.owner, before.clean, ${others}`;

/** Of two that create the row one gets no row back: it claims again. $4 owner, $5 start offset. */
export const createFenceSql = (t: Tables): string => `
INSERT INTO ${t.fence} (group_name, topic, partition, next_offset, owner, clean)
VALUES ($1, $2, $3, $5, $4, false)
ON CONFLICT (group_name, topic, partition) DO NOTHING
RETURNING next_offset, owner, true AS clean, ${others}`;

/** Row lock; no row where another owns it. $4 owner, $5 next offset, $6 new log. */
export const repositionFenceSql = (t: Tables): string => `
UPDATE ${t.fence} SET next_offset = $5, last_fingerprint = NULL,
  log_generation = log_generation + CASE WHEN $6::boolean THEN 1 ELSE 0 END,
  suspect_unit = CASE WHEN $6::boolean THEN NULL ELSE suspect_unit END
WHERE ${keyed} AND owner = $4`;

/**
 * Compare and set, row lock until the batch commits. A zombie waits for the owner's batch, then changes no row.
 * Answers whether anything is parked as well, which spares its own round trip: what this owner has parked is committed
 * before, and what a former one has parked moved the position. $4 owner, $5 expected, $6 next, $7 fingerprint, NULL
 * where it is not known.
 */
export const advanceFenceSql = (t: Tables): string => `
UPDATE ${t.fence} SET next_offset = $6, last_fingerprint = $7::bytea, suspect_unit = NULL, suspect_owners = NULL
WHERE ${keyed} AND owner = $4 AND next_offset = $5
RETURNING EXISTS (SELECT 1 FROM ${t.parkedKey}) AS parked`;

/** Waits for a batch that holds the row; others that wait in this way are no hindrance. */
export const shareFenceSql = (t: Tables): string => `SELECT 1 FROM ${t.fence} WHERE ${keyed} FOR SHARE`;

/**
 * Leaves the owned state for the clean one; no row where another owns it. In a batch's transaction the row is locked
 * already; a claim that waits for it sees what this says. $4 owner.
 */
export const releaseFenceSql = (t: Tables): string => `
UPDATE ${t.fence} SET clean = true WHERE ${keyed} AND owner = $4 AND NOT clean`;

/**
 * Row lock until its own commit; waits for a batch that holds it. Keeps who is on the list of the same unit already.
 * Does not wait for the disk: a mark has to outlive its process, not the server. $4 owner, $5 unit, $6 owners before,
 * where the unit is another.
 */
export const accuseSql = (t: Tables): string => `
UPDATE ${t.fence} SET suspect_unit = $5, suspect_owners = array_append(array_remove(
  CASE WHEN suspect_unit = $5 THEN suspect_owners ELSE $6::text[] END, $4::text), $4::text)
WHERE ${keyed} AND owner = $4::text
RETURNING array_remove(suspect_owners, $4::text) AS others, ${unhurried}`;

/** Row lock until its own commit; no row where there is nothing to take back. $4 owner, of whichever time. */
export const acquitSql = (t: Tables): string => `
UPDATE ${t.fence} SET suspect_owners = array_remove(suspect_owners, $4::text)
WHERE ${keyed} AND suspect_unit IS NOT NULL AND $4::text = ANY(suspect_owners)`;
