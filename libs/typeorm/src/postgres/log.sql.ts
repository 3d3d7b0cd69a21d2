/**
 * Statements on the log that makes this database a broker. Steps 2, 3 and 9 of an event's life.
 *
 * The row of a partition is the lock on its end: whoever appends holds it until commit.
 */
import type { Tables } from './tables.js';

const age = (parameter: string) => `${parameter}::double precision * interval '1 millisecond'`;

/** No lock. $1 topics. */
export const partitionCountsSql = (t: Tables): string => `
SELECT topic, count(*)::integer AS partitions FROM ${t.partition} WHERE topic = ANY($1::text[]) GROUP BY topic`;

/** Those who make topics follow each other until commit, so that no two differ about a topic's partitions. */
export const topicLockSql = (t: Tables): string => `SELECT 1 FROM ${t.meta} FOR UPDATE`;

/** Under the lock above. $1 topics that do not exist, $2 partitions. */
export const createTopicsSql = (t: Tables): string => `
INSERT INTO ${t.partition} (topic, partition)
SELECT topic, partition FROM unnest($1::text[]) AS topic, generate_series(0, $2::integer - 1) AS partition
WHERE NOT EXISTS (SELECT 1 FROM ${t.partition} AS present WHERE present.topic = topic.topic)`;

/**
 * Row locks on the partitions, in one order for everybody, until its own commit: offsets are given in the order of
 * commits, so a reader sees no gap. A partition that does not exist violates NOT NULL, and nothing is appended.
 * $1…$6 columns as arrays; $3 counts from 0 within each partition.
 */
export const appendLogSql = (t: Tables): string => `
WITH given AS (
  SELECT * FROM unnest($1::text[], $2::integer[], $3::integer[], $4::bytea[], $5::bytea[], $6::bytea[])
    AS given (topic, partition, rank, key, headers, body)
), locked AS MATERIALIZED (
  SELECT present.topic, present.partition, wanted.records
  FROM ${t.partition} AS present
  JOIN (SELECT topic, partition, count(*) AS records FROM given GROUP BY topic, partition) AS wanted
    ON wanted.topic = present.topic AND wanted.partition = present.partition
  ORDER BY present.topic, present.partition
  FOR UPDATE OF present
), moved AS (
  UPDATE ${t.partition} AS moving SET next_offset = moving.next_offset + locked.records
  FROM locked WHERE moving.topic = locked.topic AND moving.partition = locked.partition
  RETURNING moving.topic, moving.partition, moving.next_offset - locked.records AS base
), appended AS (
  INSERT INTO ${t.log} (topic, partition, "offset", key, headers, body)
  SELECT given.topic, given.partition, moved.base + given.rank, given.key, given.headers, given.body
  FROM given LEFT JOIN moved ON moved.topic = given.topic AND moved.partition = given.partition
)
SELECT topic, partition, base FROM moved`;

/**
 * No lock. The first record however large it is, then as many as fit. $1 topic, $2 partition, $3 offset, $4 records,
 * $5 bytes.
 */
export const readLogSql = (t: Tables): string => `
SELECT "offset", key, headers, body, (extract(epoch FROM appended_at) * 1000)::bigint AS at_ms
FROM (
  SELECT *, sum(size) OVER (ORDER BY "offset") - size AS bytes_before
  FROM (
    SELECT *, coalesce(length(body), 0) + length(headers) AS size FROM ${t.log}
    WHERE topic = $1 AND partition = $2 AND "offset" >= $3 ORDER BY "offset" LIMIT $4
  ) AS next
) AS sized
WHERE bytes_before < $5
ORDER BY "offset"`;

/** No lock. $1 topics. */
export const endsSql = (t: Tables): string => `
SELECT topic, partition, first_offset, next_offset FROM ${t.partition}
WHERE topic = ANY($1::text[]) ORDER BY topic, partition`;

/**
 * Row lock on the member's own row; of the dead those that another member does not hold. Time is the database's.
 * $1 group, $2 name, $3 topics, $4 milliseconds.
 */
export const joinSql = (t: Tables): string => `
WITH dead AS (
  DELETE FROM ${t.member} WHERE (group_name, name) IN (
    SELECT group_name, name FROM ${t.member}
    WHERE group_name = $1 AND name <> $2 AND until <= clock_timestamp() FOR UPDATE SKIP LOCKED
  )
), me AS (
  INSERT INTO ${t.member} (group_name, name, topics, until)
  VALUES ($1, $2, $3::text[], clock_timestamp() + ${age('$4')})
  ON CONFLICT (group_name, name) DO UPDATE SET topics = excluded.topics, until = excluded.until
)
SELECT name, topics FROM ${t.member} WHERE group_name = $1 AND name <> $2 AND until > clock_timestamp()
UNION ALL SELECT $2, $3::text[]
ORDER BY name`;

/** No lock. Time is the database's. $1 group. */
export const membersSql = (t: Tables): string => `
SELECT name, topics FROM ${t.member} WHERE group_name = $1 AND until > clock_timestamp() ORDER BY name`;

/** No lock. Reads the partition up to what it finds. $1 topic, $2 milliseconds since the epoch. */
export const offsetsAtSql = (t: Tables): string => `
SELECT present.partition, coalesce((
  SELECT "offset" FROM ${t.log} AS log
  WHERE log.topic = present.topic AND log.partition = present.partition AND log."offset" >= present.first_offset
    AND log.appended_at >= to_timestamp($2::double precision / 1000) ORDER BY "offset" LIMIT 1
), present.next_offset) AS "offset"
FROM ${t.partition} AS present WHERE present.topic = $1 ORDER BY present.partition`;

/** $1 group, $2 name. */
export const leaveSql = (t: Tables): string => `DELETE FROM ${t.member} WHERE group_name = $1 AND name = $2`;

/**
 * Locks the partitions that hold a record of that age and that nobody appends to just now; the others are left to the
 * next sweep. Appends to those that it holds wait until its own commit. A group that makes its fence meanwhile begins
 * behind what is deleted. $1 age in milliseconds, $2 most records.
 */
export const forgetLogSql = (t: Tables): string => `
WITH held AS MATERIALIZED (
  SELECT topic, partition, first_offset, next_offset FROM ${t.partition} AS present
  WHERE (
    SELECT appended_at FROM ${t.log} AS log
    WHERE log.topic = present.topic AND log.partition = present.partition
      AND log."offset" >= present.first_offset ORDER BY log."offset" LIMIT 1
  ) < now() - ${age('$1')}
  ORDER BY topic, partition FOR UPDATE SKIP LOCKED
), old AS (
  SELECT record.topic, record.partition, record."offset"
  FROM held
  CROSS JOIN LATERAL (
    SELECT coalesce(min(fence.next_offset), held.next_offset) AS passed FROM ${t.fence} AS fence
    WHERE fence.topic = held.topic AND fence.partition = held.partition
  ) AS groups
  CROSS JOIN LATERAL (
    SELECT * FROM ${t.log} AS log
    WHERE log.topic = held.topic AND log.partition = held.partition
      AND log."offset" >= held.first_offset AND log."offset" < groups.passed
    ORDER BY log."offset" LIMIT $2
  ) AS record
  WHERE record.appended_at < now() - ${age('$1')}
  ORDER BY record.topic, record.partition, record."offset"
  LIMIT $2
), forgotten AS (
  DELETE FROM ${t.log} AS log USING old
  WHERE log.topic = old.topic AND log.partition = old.partition AND log."offset" = old."offset"
), moved AS (
  UPDATE ${t.partition} AS moving SET first_offset = past.first
  FROM (SELECT topic, partition, max("offset") + 1 AS first FROM old GROUP BY topic, partition) AS past
  WHERE moving.topic = past.topic AND moving.partition = past.partition
)
SELECT count(*)::integer AS deleted FROM old`;
