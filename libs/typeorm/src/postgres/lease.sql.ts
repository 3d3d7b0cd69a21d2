/**
 * Statements on the leases: which relay publishes a shard.
 *
 * Time is the database's; a relay's own clock never decides.
 */
import type { Tables } from './tables.js';

const until = (parameter: string) =>
  `clock_timestamp() + ${parameter}::double precision * interval '1 millisecond'`;

/** Row lock; of two that want it one gets no row. Each change of hands adds one to the epoch. $1 shard, $2 owner, $3 ms. */
export const acquireLeaseSql = (t: Tables): string => `
INSERT INTO ${t.lease} AS lease (shard, owner, epoch, until) VALUES ($1, $2, 1, ${until('$3')})
ON CONFLICT (shard) DO UPDATE SET owner = excluded.owner, epoch = lease.epoch + 1, until = excluded.until
WHERE lease.until <= clock_timestamp() OR lease.owner = excluded.owner
RETURNING epoch`;

/** No lock. Fails where the tables are missing. */
export const shardCountSql = (t: Tables): string => `SELECT shard_count FROM ${t.meta}`;

const rankOf = (t: Tables) => `(
    SELECT count(*)::integer FROM ${t.relay} AS older, me
    WHERE older.until > clock_timestamp() AND older.name <> $1 AND (older.since, older.name) < (me.since, $1)
  )`;

/**
 * Row locks on its own rows: it lives on, its leases go on, and it reads who else is there. Relays that have been dead
 * for a day are forgotten. $1 owner, $2 ms, $3 shards and $4 their epochs.
 */
export const beatSql = (t: Tables): string => `
WITH me AS (
  INSERT INTO ${t.relay} AS relay (name, until) VALUES ($1, ${until('$2')})
  ON CONFLICT (name) DO UPDATE SET until = excluded.until
  RETURNING since
),
renewed AS (
  UPDATE ${t.lease} AS lease SET until = ${until('$2')}
  FROM unnest($3::integer[], $4::bigint[]) AS mine (shard, epoch)
  WHERE lease.shard = mine.shard AND lease.epoch = mine.epoch AND lease.owner = $1
  RETURNING lease.shard
),
forgotten AS (
  DELETE FROM ${t.relay} WHERE until < clock_timestamp() - interval '1 day' AND name <> $1
),
others AS MATERIALIZED (
  SELECT until FROM ${t.relay} WHERE name <> $1 AND until > clock_timestamp()
)
SELECT meta.shard_count, meta.wanted_shard_count,
  1 + (SELECT count(*) FROM others)::integer AS relays,
  ${rankOf(t)} AS rank,
  ARRAY(SELECT shard FROM renewed) AS held,
  ARRAY(
    SELECT shard FROM generate_series(0, meta.shard_count - 1) AS shard
    WHERE NOT EXISTS (
      SELECT FROM ${t.lease} AS lease WHERE lease.shard = shard.shard AND lease.until > clock_timestamp()
    ) AND shard <> ALL ($3::integer[])
  ) AS free,
  (SELECT extract(epoch FROM min(until) - clock_timestamp()) * 1000 FROM others)::double precision AS next_expiry_ms
FROM ${t.meta} AS meta`;

/** Row lock. $1 owner. */
export const leaveSql = (t: Tables): string => `DELETE FROM ${t.relay} WHERE name = $1`;

/** No lock. One row for each relay that lives; one with a NULL name where there is none. */
export const overviewSql = (t: Tables): string => `
SELECT meta.shard_count, meta.wanted_shard_count, relay.name,
  (extract(epoch FROM relay.since) * 1000)::bigint AS since_ms,
  ARRAY(
    SELECT shard FROM ${t.lease} WHERE owner = relay.name AND until > clock_timestamp() ORDER BY shard
  ) AS shards
FROM ${t.meta} AS meta LEFT JOIN ${t.relay} AS relay ON relay.until > clock_timestamp()
ORDER BY relay.since, relay.name`;

/** Row lock on the one row of the table. $1 number of shards. */
export const wantShardsSql = (t: Tables): string =>
  `UPDATE ${t.meta} SET wanted_shard_count = nullif($1::integer, shard_count)`;

/**
 * Row locks on all leases, which must be the owner's and not have run out; one row where the count was changed, and
 * none while a batch is in doubt: its rows would be another shard's. A row of another number stays as it is: its epoch
 * goes on growing. $1 owner.
 */
export const reshardSql = (t: Tables): string => `
WITH mine AS MATERIALIZED (
  SELECT lease.shard FROM ${t.lease} AS lease, ${t.meta} AS meta
  WHERE lease.owner = $1 AND lease.shard < meta.shard_count AND lease.until > clock_timestamp()
  ORDER BY lease.shard FOR UPDATE OF lease
)
UPDATE ${t.meta} SET shard_count = wanted_shard_count, wanted_shard_count = NULL
WHERE wanted_shard_count IS NOT NULL AND (SELECT count(*) FROM mine) = shard_count
  AND NOT EXISTS (SELECT FROM ${t.outboxBatch})
RETURNING shard_count`;

/** Row lock; ends the lease now, and nobody holds it. $1 shard, $2 owner, $3 epoch. */
export const releaseLeaseSql = (t: Tables): string => `
UPDATE ${t.lease} SET until = clock_timestamp(), owner = '' WHERE shard = $1 AND owner = $2 AND epoch = $3`;
