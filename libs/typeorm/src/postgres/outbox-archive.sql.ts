/**
 * Statements on what leaves the outbox, and on its archive. After step 2 of an event's life.
 *
 * A row is in one of the two tables: it moves within one statement.
 */
import type { Tables } from './tables.js';

/** What an event is, in both tables. */
const eventColumns = `position, key_hash, topic, key, type, version, source, id, time_ms, headers, content_type, body,
  traceparent, tracestate, deliver_at, created_at`;

const milliseconds = (column: string) => `(extract(epoch FROM ${column}) * 1000)::bigint`;
const inMilliseconds = (parameter: string) =>
  `clock_timestamp() + ${parameter}::double precision * interval '1 millisecond'`;

/**
 * Common table expressions `settled` and, where `archiveMs` names a parameter, `archived`: pending rows leave the
 * outbox because they were sent. `which` says which, and that it is allowed. Of two callers one finds a row.
 */
export function settledRows(
  t: Tables,
  { which, archiveMs }: { readonly which: string; readonly archiveMs: string | null },
): string {
  const settled = `settled AS (
  DELETE FROM ${t.outbox} WHERE state = 'pending' AND ${which}`;
  if (archiveMs === null) return `${settled}\n)`;
  return `${settled}
  RETURNING ${eventColumns}
),
archived AS (
  INSERT INTO ${t.outboxArchive} (${eventColumns}, state, keep_until)
  SELECT ${eventColumns}, 'sent', ${inMilliseconds(archiveMs)} FROM settled
)`;
}

/** Locked in one order by everybody; who comes second finds none that the first has moved. */
const chosen = (t: Tables) => `chosen AS MATERIALIZED (
  SELECT position FROM ${t.outbox} WHERE position = ANY($1::bigint[]) AND state = 'dead'
  ORDER BY position FOR UPDATE
)`;

/** Leaves 'dead' for 'pending', in the old place. $1 positions. */
export const retryDeadSql = (t: Tables): string => `
WITH ${chosen(t)}
UPDATE ${t.outbox} SET state = 'pending', claim = NULL, reason = NULL
WHERE position IN (SELECT position FROM chosen) AND state = 'dead'
RETURNING position`;

/** Leaves 'dead' for the archive. $1 positions, $2 who, $3 why. */
export const discardDeadSql = (t: Tables): string => `
WITH ${chosen(t)},
discarded AS (
  DELETE FROM ${t.outbox} WHERE position IN (SELECT position FROM chosen) AND state = 'dead'
  RETURNING ${eventColumns}, reason
)
INSERT INTO ${t.outboxArchive} (${eventColumns}, reason, state, decided_by, decided_why)
SELECT ${eventColumns}, reason, 'discarded', $2, $3 FROM discarded
RETURNING position`;

/** No lock. Reads the outbox once to count what waits. $1 after which position, $2 limit. */
export const deadRowsSql = (t: Tables): string => `
WITH dead AS MATERIALIZED (
  SELECT position, key_hash, topic, key, type, source, id, reason, created_at FROM ${t.outbox}
  WHERE state = 'dead' AND position > $1 ORDER BY position LIMIT $2
),
waiting AS (
  SELECT dead.position, count(*)::integer AS rows
  FROM dead JOIN ${t.outbox} AS behind ON behind.state = 'pending' AND behind.key_hash = dead.key_hash
    AND behind.topic = dead.topic AND behind.key = dead.key AND behind.position > dead.position
  GROUP BY dead.position
)
SELECT dead.*, ${milliseconds('created_at')} AS created_ms, coalesce(waiting.rows, 0) AS waiting
FROM dead LEFT JOIN waiting USING (position)
ORDER BY position`;

/** No lock. $1 after which position, $2 limit. */
export const archivedRowsSql = (t: Tables): string => `
SELECT position, topic, key, type, source, id, state, reason, decided_by, decided_why,
  ${milliseconds('created_at')} AS created_ms, ${milliseconds('settled_at')} AS settled_ms,
  ${milliseconds('keep_until')} AS keep_until_ms
FROM ${t.outboxArchive} WHERE position > $1 ORDER BY position LIMIT $2`;

/** Locks at most $1 rows; those that another sweep holds are left to it. */
export const forgetArchivedSql = (t: Tables): string => `
DELETE FROM ${t.outboxArchive} WHERE position IN (
  SELECT position FROM ${t.outboxArchive} WHERE keep_until < clock_timestamp()
  ORDER BY keep_until
  LIMIT $1
  FOR UPDATE SKIP LOCKED
)`;

/**
 * Leaves 'pending' by deletion, where no relay holds a lease. Looks at the first $2 rows alone: those behind them are
 * younger. Rows that another sweep holds are left to it. $1 age in milliseconds.
 */
export const forgetUnrelayedSql = (t: Tables): string => `
WITH old AS MATERIALIZED (
  SELECT position FROM (
    SELECT position, created_at FROM ${t.outbox} WHERE state = 'pending' ORDER BY position LIMIT $2
  ) AS first
  WHERE created_at < now() - $1::double precision * interval '1 millisecond'
    AND NOT EXISTS (SELECT 1 FROM ${t.lease} WHERE until > clock_timestamp())
)
DELETE FROM ${t.outbox} WHERE state = 'pending' AND position IN (
  SELECT position FROM ${t.outbox} WHERE position IN (SELECT position FROM old)
  ORDER BY position FOR UPDATE SKIP LOCKED
)`;
