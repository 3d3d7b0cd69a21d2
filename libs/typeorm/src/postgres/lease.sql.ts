/**
 * Statements on the leases: which relay publishes a shard.
 *
 * Time is the database's; a relay's own clock never decides.
 */
import type { Tables } from './tables.js';

const until = (parameter: string) =>
  `clock_timestamp() + ${parameter}::double precision * interval '1 millisecond'`;

/** No lock. */
export const shardCountSql = (t: Tables): string => `SELECT shard_count FROM ${t.meta}`;

/** Row lock; of two that want it one gets no row. Each change of hands adds one to the epoch. $1 shard, $2 owner, $3 ms. */
export const acquireLeaseSql = (t: Tables): string => `
INSERT INTO ${t.lease} AS lease (shard, owner, epoch, until) VALUES ($1, $2, 1, ${until('$3')})
ON CONFLICT (shard) DO UPDATE SET owner = excluded.owner, epoch = lease.epoch + 1, until = excluded.until
WHERE lease.until <= clock_timestamp() OR lease.owner = excluded.owner
RETURNING epoch`;

/** Row lock; no row where another epoch has begun. $1 shard, $2 owner, $3 epoch, $4 ms. */
export const renewLeaseSql = (t: Tables): string => `
UPDATE ${t.lease} SET until = ${until('$4')} WHERE shard = $1 AND owner = $2 AND epoch = $3`;

/** Row lock; ends the lease now, and nobody holds it. $1 shard, $2 owner, $3 epoch. */
export const releaseLeaseSql = (t: Tables): string => `
UPDATE ${t.lease} SET until = clock_timestamp(), owner = '' WHERE shard = $1 AND owner = $2 AND epoch = $3`;
