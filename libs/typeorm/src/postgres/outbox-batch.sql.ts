/**
 * Statements on the batches that the broker is about to commit. Step 2 of an event's life, exactly once.
 *
 * A row for each shard at most. It comes and goes with each batch, and is not a column of the lease: while a long
 * transaction elsewhere keeps dead versions, only what is sought by its own token stays cheap.
 */
import { held } from './outbox.sql.js';
import { settledRows } from './outbox-archive.sql.js';
import type { Tables } from './tables.js';

/** No lock. */
export const outboxIdSql = (t: Tables): string => `SELECT outbox_id FROM ${t.meta}`;

const settled = (t: Tables, positions: string, archiveMs: string | null) =>
  settledRows(t, {
    which: `position = ANY(${positions}::bigint[]) AND EXISTS (SELECT 1 FROM held)`,
    archiveMs,
  });

const forgotten = (t: Tables, token: string) => `forgotten AS (
  DELETE FROM ${t.outboxBatch} WHERE shard = $1 AND token = ${token}::bigint AND EXISTS (SELECT 1 FROM held)
)`;

/**
 * Under a share lock on the lease, which must not have run out: its next owner waits, and then finds the batch.
 * $1 shard, $2 owner, $3 epoch, $4 token, $5 positions, $6 token before, $7 positions before, $8 how long
 * these are archived in milliseconds; left out where they are not.
 */
export const prepareBatchSql = (t: Tables, archived: boolean): string => `
WITH held AS MATERIALIZED (SELECT 1 ${held(t)} AND lease.until > clock_timestamp() FOR SHARE),
${settled(t, '$7', archived ? '$8' : null)},
${forgotten(t, '$6')},
recorded AS (
  INSERT INTO ${t.outboxBatch} (shard, token, positions) SELECT $1, $4::bigint, $5::bigint[] FROM held
  ON CONFLICT (shard, token) DO UPDATE SET positions = excluded.positions
)
SELECT count(*)::integer AS held FROM held`;

/**
 * No lock: nobody but the holder of the lease changes what it reads. One row with a NULL token where nothing is in doubt;
 * no row where the lease is not held. $1 shard, $2 owner, $3 epoch.
 */
export const batchInDoubtSql = (t: Tables): string => `
SELECT batch.token, batch.positions::text[] AS positions
FROM ${t.lease} AS lease LEFT JOIN ${t.outboxBatch} AS batch ON batch.shard = lease.shard
WHERE lease.shard = $1 AND lease.owner = $2 AND lease.epoch = $3`;

/**
 * Under a share lock on the lease: its next owner waits. $1 shard, $2 owner, $3 epoch, $4 token, $5 positions, $6 how
 * long they are archived in milliseconds; left out where they are not.
 */
export const concludeBatchSql = (t: Tables, archived: boolean): string => `
WITH held AS MATERIALIZED (SELECT 1 ${held(t)} FOR SHARE),
${settled(t, '$5', archived ? '$6' : null)},
${forgotten(t, '$4')}
SELECT count(*)::integer AS held FROM held`;
