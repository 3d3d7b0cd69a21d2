/**
 * Statements on the outbox. Steps 1 and 2 of an event's life.
 *
 * Each that changes a row names the state it leaves and the lease that allows it.
 */
import type { Tables } from './tables.js';

/**
 * One row for each event, positions in the order given; and the proof that the transaction is alive. No lock
 * that another transaction waits for. $1…$14 columns as arrays.
 */
export const appendSql = (t: Tables): string => `
WITH appended AS (
  INSERT INTO ${t.outbox} (key_hash, topic, key, type, version, source, id, time_ms, headers, content_type, body,
    traceparent, tracestate, deliver_at)
  SELECT key_hash, topic, key, type, version, source, id, time_ms, headers, content_type, body,
    traceparent, tracestate, to_timestamp(deliver_at_ms / 1000.0)
  FROM unnest($1::integer[], $2::text[], $3::bytea[], $4::text[], $5::integer[], $6::text[], $7::bytea[],
    $8::bigint[], $9::bytea[], $10::text[], $11::bytea[], $12::text[], $13::text[], $14::bigint[])
    WITH ORDINALITY AS given (key_hash, topic, key, type, version, source, id, time_ms, headers, content_type, body,
    traceparent, tracestate, deliver_at_ms, ordinal)
  ORDER BY ordinal
)
SELECT pg_current_xact_id()::text AS txid`;

/** The framework statement of a transaction that publishes nothing: fails where it is aborted. */
export const aliveSql = 'SELECT pg_current_xact_id_if_assigned()::text AS txid';

/** Held is what no other relay has taken: a lease that ran out while rows were sent may still settle them. */
const held = (t: Tables) => `FROM ${t.lease} AS lease
WHERE lease.shard = $1 AND lease.owner = $2 AND lease.epoch = $3`;

const shardOf = 'mod(key_hash::bigint + 2147483648, meta.shard_count)';

/** As core's `rowBytes`; never 0, since an id is not empty. Reads no body that is stored apart. */
const rowBytes =
  'coalesce(octet_length(body), 0) + octet_length(headers) + coalesce(octet_length(key), 0) + octet_length(id)';

/**
 * Claimed is what the holder of the lease's epoch reads: no row is marked, no lock taken, and the next epoch reads
 * the same rows again. By state, not by position: a slow transaction's rows are not passed by.
 * One row with a NULL position where the lease is held and nothing is due; no row where it is not held.
 * $1 shard, $2 owner, $3 epoch, $4 limit, $5 bytes (NULL is no bound): rows are cut off where their sum passes it, but
 * for the first. $6 topics that are left.
 */
export const claimSql = (t: Tables): string => `
SELECT due.* FROM ${t.lease} AS lease
LEFT JOIN LATERAL (
  SELECT * FROM (
    SELECT first.*, sum(bytes) OVER (ORDER BY position) AS bytes_so_far
    FROM (
      SELECT outbox.*, ${rowBytes} AS bytes FROM ${t.outbox} AS outbox, ${t.meta} AS meta
      WHERE state = 'pending' AND (deliver_at IS NULL OR deliver_at <= clock_timestamp())
        AND (meta.shard_count = 1 OR ${shardOf} = lease.shard)
        AND topic <> ALL ($6::text[])
      ORDER BY position
      LIMIT $4
    ) AS first
  ) AS measured
  WHERE $5::bigint IS NULL OR bytes_so_far <= $5 OR bytes_so_far = bytes
) AS due ON true
WHERE lease.shard = $1 AND lease.owner = $2 AND lease.epoch = $3 AND lease.until > clock_timestamp()
ORDER BY due.position`;

/** Leaves 'pending' by deletion, under a share lock on the lease: its next owner waits. $4 positions. */
export const settleSql = (t: Tables): string => `
WITH held AS MATERIALIZED (SELECT 1 ${held(t)} FOR SHARE),
settled AS (
  DELETE FROM ${t.outbox}
  WHERE position = ANY($4::bigint[]) AND state = 'pending' AND EXISTS (SELECT 1 FROM held)
)
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
