/**
 * Statements on the outbox. Steps 1 and 2 of an event's life.
 *
 * Each that changes a row names the state it leaves and the lease that allows it.
 */
import { settledRows } from './outbox-archive.sql.js';
import type { Tables } from './tables.js';

const columns = `key_hash, topic, key, type, version, source, id, time_ms, headers, content_type, body, traceparent,
  tracestate, deliver_at`;

/** $1…$14 columns as arrays, positions in the order given. `condition` may leave all rows out. */
const append = (t: Tables, condition = 'true') => `
INSERT INTO ${t.outbox} (${columns})
SELECT key_hash, topic, key, type, version, source, id, time_ms, headers, content_type, body,
  traceparent, tracestate, to_timestamp(deliver_at_ms / 1000.0)
FROM unnest($1::integer[], $2::text[], $3::bytea[], $4::text[], $5::integer[], $6::text[], $7::bytea[],
  $8::bigint[], $9::bytea[], $10::text[], $11::bytea[], $12::text[], $13::text[], $14::bigint[])
  WITH ORDINALITY AS given (key_hash, topic, key, type, version, source, id, time_ms, headers, content_type, body,
  traceparent, tracestate, deliver_at_ms, ordinal)
WHERE ${condition}
ORDER BY ordinal`;

/** One row for each event; and the proof that the transaction is alive. No lock that another transaction waits for. */
export const appendSql = (t: Tables): string => `
WITH appended AS (${append(t)}
)
SELECT pg_current_xact_id()::text AS txid`;

/** As `appendSql`, of one event: most transactions publish one, and arrays cost the database more than the row. */
export const appendOneSql = (t: Tables): string => `
INSERT INTO ${t.outbox} (${columns})
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, to_timestamp($14::bigint / 1000.0))
RETURNING txid::text`;

/**
 * Marks a transaction that is not ours, until its end: a statement after its COMMIT would be a transaction by itself, and
 * its event published whatever became of the state change. $1 the mark.
 */
export const markWithinSql = "SELECT set_config('exactly_once.within', $1, true)";

/** As `appendSql`, in the transaction of that mark alone. $15 the mark. */
export const appendWithinSql = (t: Tables): string => `
WITH appended AS (${append(t, "current_setting('exactly_once.within', true) = $15::text")}
  RETURNING 1
)
SELECT count(*)::integer AS appended FROM appended`;

/** As `appendOneSql`, in the transaction of that mark alone: else no row. $15 the mark. */
export const appendOneWithinSql = (t: Tables): string => `
INSERT INTO ${t.outbox} (${columns})
SELECT $1::integer, $2, $3::bytea, $4, $5::integer, $6, $7::bytea, $8::bigint, $9::bytea, $10, $11::bytea, $12, $13,
  to_timestamp($14::bigint / 1000.0)
WHERE current_setting('exactly_once.within', true) = $15::text
RETURNING 1 AS appended`;

/** The framework statement of a transaction that publishes nothing: fails where it is aborted. */
export const aliveSql = 'SELECT pg_current_xact_id_if_assigned()::text AS txid';

/** Held is what no other relay has taken: a lease that ran out while rows were sent may still settle them. */
export const held = (t: Tables) => `FROM ${t.lease} AS lease
WHERE lease.shard = $1 AND lease.owner = $2 AND lease.epoch = $3`;

/**
 * Leaves 'pending' by deletion, under a share lock on the lease: its next owner waits. $4 positions, $5 how long they
 * are archived in milliseconds; left out where they are not.
 */
export const settleSql = (t: Tables, archived: boolean): string => `
WITH held AS MATERIALIZED (SELECT 1 ${held(t)} FOR SHARE),
${settledRows(t, {
  which: 'position = ANY($4::bigint[]) AND EXISTS (SELECT 1 FROM held)',
  archiveMs: archived ? '$5' : null,
})}
SELECT count(*)::integer AS held FROM held`;

/** Leaves 'pending' for 'dead'. As above. $4 position, $5 reason. */
export const refuseSql = (t: Tables): string => `
WITH held AS MATERIALIZED (SELECT 1 ${held(t)} FOR SHARE),
refused AS (
  UPDATE ${t.outbox} SET state = 'dead', claim = $3, reason = $5
  WHERE position = $4 AND state = 'pending' AND EXISTS (SELECT 1 FROM held)
)
SELECT count(*)::integer AS held FROM held`;

/** No lock. */
export const depthSql = (t: Tables): string => `
SELECT count(*) FILTER (WHERE state = 'pending')::integer AS pending,
  count(*) FILTER (WHERE state = 'dead')::integer AS dead,
  coalesce(extract(epoch FROM now() - min(created_at) FILTER (WHERE state = 'pending')) * 1000, 0)::bigint AS age_ms
FROM ${t.outbox}`;
