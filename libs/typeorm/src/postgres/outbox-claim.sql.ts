/**
 * Statements by which a relay finds what it has to send. Step 2 of an event's life.
 *
 * They read only: no row is marked, no lock is taken, and the next holder of a lease reads the same rows again.
 */
import { attributeBytes } from '@exactly-once/core';
import type { Tables } from './tables.js';

/** A table's name as text. */
const literal = (name: string) => `'${name.replaceAll("'", "''")}'`;

const shardOf = 'mod(key_hash::bigint + 2147483648, meta.shard_count)';

/** As core's `rowBytes`, and so never 0. Reads no body that is stored apart. */
const rowBytes = `coalesce(octet_length(body), 0) + octet_length(headers) + coalesce(octet_length(key), 0)
  + octet_length(id) + ${attributeBytes}`;

/** All 64 bits of a running transaction's id, of which the locks show 32. */
const wholeId = (id: string) => `(
  SELECT (base + CASE WHEN ahead < 2147483648 THEN ahead ELSE ahead - 4294967296 END)::text::xid8
  FROM (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS base) AS now,
    LATERAL (SELECT (${id}::text::bigint - base) & 4294967295 AS ahead) AS distance
)`;

/**
 * Transactions whose rows may stand before those that are to be seen: who holds the lock of `nextval`, as everybody does
 * from his first row in the outbox to his end; who was running in the snapshot and has ended since; and of those that
 * an earlier claim named ($10), who has not ended in the snapshot. A row's transaction id is taken before its position,
 * so that whoever has a position has an id. The snapshot alone does not list them: it ends at the last that completed.
 *
 * The locks are looked at once: of two looks the second may miss the one lock of a transaction whose other the first saw,
 * and that ended between them. Within one look PostgreSQL reads locks of relations first.
 */
const writers = (t: Tables) => `
WITH locks AS MATERIALIZED (
  SELECT locktype, transactionid, virtualtransaction FROM pg_locks
  WHERE (locktype = 'transactionid' AND granted) OR (locktype = 'relation' AND mode = 'RowExclusiveLock'
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND relation = pg_get_serial_sequence(${literal(t.outbox)}, 'position')::regclass)
)
SELECT ${wholeId('own.transactionid')}::text
FROM locks AS own JOIN locks AS sequence USING (virtualtransaction)
WHERE own.locktype = 'transactionid' AND sequence.locktype = 'relation'
UNION
SELECT running.id::text FROM pg_snapshot_xip(pg_current_snapshot()) AS running (id)
WHERE NOT EXISTS (
  SELECT FROM locks AS own WHERE own.locktype = 'transactionid' AND own.transactionid = running.id::xid
)
UNION
SELECT named.id FROM unnest($10::text[]) AS named (id)
WHERE NOT pg_visible_in_snapshot(named.id::xid8, pg_current_snapshot())`;

/** Behind a dead row of its topic and key. */
const heldByDead = (t: Tables) => `EXISTS (
      SELECT FROM ${t.outbox} AS dead
      WHERE dead.state = 'dead' AND dead.key_hash = outbox.key_hash AND dead.topic = outbox.topic
        AND dead.key = outbox.key AND dead.position < outbox.position
    )`;

/**
 * A planner takes CASE for as likely as not, and an equation with what it cannot know for rare: it would then reckon with
 * the whole outbox for each claim, and above 100,000 of cost compile the statement every time, for a second.
 */
const ofShard = `CASE WHEN meta.shard_count = 1 THEN true ELSE ${shardOf} = lease.shard END`;

const claimable = (t: Tables) => `outbox.state = 'pending' AND ${ofShard}
      AND topic <> ALL ($6::text[]) AND position NOT IN (SELECT unnest($7::bigint[]))
      AND (first_dead IS NULL OR NOT ${heldByDead(t)})`;

/** What a relay reads of a row: all that the event is. */
const columns = `position, id, source, type, version, topic, key, time_ms, content_type, headers, traceparent, tracestate,
  body`;

/**
 * By state, not by position: a slow transaction's rows are not passed by. One row at least, with a NULL position where
 * nothing is due; no row where the lease is not held. What is seen is as of one snapshot.
 * $1 shard, $2 owner, $3 epoch, $4 limit, $5 bytes (NULL is no bound): rows are cut off where their sum passes it, but
 * for the first. $6 topics and $7 positions that are left (hashed: the planner would weigh
 * an array's thousand one by one), $8 where rows that are due at once can begin, $9 an earlier snapshot or NULL: whether
 * a row was to be seen in it, $10 who was named with it. `snapshot` and `writers` stand in the first row alone.
 */
export const claimSql = (t: Tables): string => `
SELECT ${columns}, known, first_dead, dead_version, CASE WHEN rank = 1 OR rank IS NULL THEN snapshot END AS snapshot,
  CASE WHEN rank = 1 OR rank IS NULL THEN writers END AS writers
FROM ${t.lease} AS lease CROSS JOIN ${t.meta} AS meta
CROSS JOIN LATERAL (
  SELECT pg_current_snapshot()::text AS snapshot, ARRAY(${writers(t)}) AS writers
) AS seen
CROSS JOIN LATERAL (
  SELECT min(position) AS first_dead, 
    concat_ws(',', count(*), sum(position), sum(position::numeric * position)) AS dead_version
  FROM ${t.outbox} AS outbox WHERE state = 'dead' AND ${ofShard}
) AS decided
LEFT JOIN LATERAL (
  SELECT * FROM (
    SELECT first.*, sum(bytes) OVER rows_before AS bytes_so_far, row_number() OVER rows_before AS rank
    FROM (
      SELECT ${columns}, ${rowBytes} AS bytes,
        $9::text IS NOT NULL AND (
          pg_visible_in_snapshot(txid, $9::text::pg_snapshot) OR txid >= pg_snapshot_xmax(pg_current_snapshot())
        ) AS known
      FROM (
        (
          SELECT outbox.* FROM ${t.outbox} AS outbox
          WHERE position >= $8 AND deliver_at IS NULL AND ${claimable(t)}
          ORDER BY position LIMIT $4
        ) UNION ALL (
          SELECT outbox.* FROM ${t.outbox} AS outbox
          WHERE deliver_at IS NOT NULL AND deliver_at <= statement_timestamp() AND ${claimable(t)}
          ORDER BY deliver_at, position LIMIT $4
        )
      ) AS either
      ORDER BY position
      LIMIT $4
    ) AS first
    WINDOW rows_before AS (ORDER BY position ROWS UNBOUNDED PRECEDING)
  ) AS measured
  WHERE $5::bigint IS NULL OR bytes_so_far <= $5 OR bytes_so_far = bytes
) AS due ON true
WHERE lease.shard = $1 AND lease.owner = $2 AND lease.epoch = $3 AND lease.until > clock_timestamp()
ORDER BY due.position`;

/**
 * Shards in which a row is pending and due, held back by a dead one or not. $1 shards, $2 where rows that are due at
 * once can begin in each.
 */
export const dueSql = (t: Tables): string => `
SELECT asked.shard FROM unnest($1::integer[], $2::bigint[]) AS asked (shard, first_position)
CROSS JOIN ${t.meta} AS meta
WHERE (
  SELECT position FROM ${t.outbox} AS outbox
  WHERE position >= asked.first_position AND deliver_at IS NULL AND state = 'pending' AND ${shardOf} = asked.shard
  ORDER BY position LIMIT 1
) IS NOT NULL OR EXISTS (
  SELECT FROM ${t.outbox} AS outbox
  WHERE deliver_at IS NOT NULL AND deliver_at <= statement_timestamp() AND state = 'pending' AND ${shardOf} = asked.shard
)`;
