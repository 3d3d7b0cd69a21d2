/** Statements that look at a run from outside. They read, and lock nothing. */
export const effectsSql = (table: 'effect_one' | 'effect_two'): string =>
  `SELECT handler, source, id, message, key, sequence, position, note, worker FROM ${table} ORDER BY position`;

/** $1 source. */
export const sliceEffectsSql = (table: 'effect_one' | 'effect_two'): string =>
  `SELECT handler, source, id, message, key, sequence, position FROM ${table} WHERE source = $1 ORDER BY position`;

/** $1 what the keys begin with, before a colon. */
export const sliceCountersSql = "SELECT handler, key, v FROM counter WHERE split_part(key, ':', 1) = $1";

export const effectCountSql = 'SELECT count(*)::integer AS count FROM effect_one';

export const countersSeenSql = 'SELECT handler, key, v FROM counter';

/** One that was replayed is its event again. */
export const deadLettersSql =
  "SELECT handler, headers, body, code, error_chain FROM eo_dead_letter WHERE state <> 'replayed' ORDER BY id";

export const letterStatesSql =
  'SELECT state, count(*)::integer AS count FROM eo_dead_letter GROUP BY state ORDER BY state';

/** Of the keys that had nothing but dead letters. */
export const replayedEffectsSql =
  "SELECT count(*)::integer AS count FROM effect_one WHERE key LIKE 'broken-%'";

/** Ends the sessions of the tool, as a network that is gone does. */
export const cutReplaySql =
  "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'exactly-once' AND datname = current_database()";

/** Holds what a replay needs at a step of it, until the session's transaction ends. */
export const replayStepSql = {
  /** A letter of its second step. */
  letters: 'SELECT 1 FROM eo_dead_letter ORDER BY id OFFSET 250 LIMIT 1 FOR UPDATE',
  /** Behind the letters: the rows of their keys. */
  keys: 'LOCK TABLE eo_parked_key IN SHARE MODE',
  /** Behind the keys: the events. */
  events: 'LOCK TABLE eo_parked_event IN SHARE MODE',
} as const;

/** Who writes a letter waits for the end of the session's transaction; who reads does not. */
export const holdLettersSql = 'LOCK TABLE eo_dead_letter IN SHARE MODE';

/** Sessions that wait to write a letter. */
export const lettersWaitSql =
  "SELECT count(*)::integer AS count FROM pg_locks WHERE relation = 'eo_dead_letter'::regclass AND NOT granted";

/** Given up as well, until somebody decides otherwise. */
export const parkedSql =
  'SELECT handler.name AS handler, parked.body, parked.code FROM eo_parked_event AS parked JOIN eo_handler AS handler ON handler.id = parked.handler_id ORDER BY parked.position';

export const parkedCountSql = 'SELECT count(*)::integer AS count FROM eo_parked_event';

/** Keys that go on by themselves: all but those whose first event waits for a person. */
export const retriedKeysSql = `SELECT count(*)::integer AS count FROM eo_parked_key AS parked
LEFT JOIN LATERAL (
  SELECT deaths FROM eo_parked_event AS waiting WHERE waiting.handler_id = parked.handler_id
    AND waiting.topic = parked.topic AND waiting.key_hash = parked.key_hash ORDER BY position LIMIT 1
) AS first ON true
WHERE coalesce(first.deaths, 0) = 0`;

/** Of those that are asked for. $1 keys in hexadecimal. */
export const inboxKeysSql = `SELECT encode(key, 'hex') AS key FROM eo_inbox
WHERE key IN (SELECT decode(wanted, 'hex') FROM unnest($1::text[]) AS wanted)`;

/** $1 minutes that each record of the inbox is old from now on. */
export const ageInboxSql = "UPDATE eo_inbox SET recorded_at = now() - $1::integer * interval '1 minute'";

/** $1 records of nobody's events, in the midst of the others' keys; $2 minutes that they are old. */
export const fillInboxSql = `INSERT INTO eo_inbox (key, handler_id, recorded_at, fingerprint)
SELECT decode(md5(n::text) || left(md5(n || ' too'), 16), 'hex'), 1, now() - $2::integer * interval '1 minute', decode(md5(n::text), 'hex')
FROM generate_series(1, $1::integer) AS n`;

export const pastWindowSql = (days: number): string =>
  `SELECT count(*)::integer AS count FROM eo_inbox WHERE recorded_at < now() - interval '${days} days'`;

export const outboxDepthSql = "SELECT count(*)::integer AS count FROM eo_outbox WHERE state = 'pending'";

/** What the broker will never take, with its reason. */
export const refusedSql =
  "SELECT topic, reason, octet_length(body)::integer AS bytes FROM eo_outbox WHERE state = 'dead' ORDER BY position";

export const lateWritesSql = 'SELECT message, worker FROM late_write';

export const businessRowsSql = 'SELECT message FROM business';

/** For sessions that begin from now on: a deadlock is found before a group gives way to a lock by itself. */
export const findDeadlocksSoonSql = `DO $$ BEGIN
  EXECUTE format('ALTER DATABASE %I SET deadlock_timeout = ''100ms''', current_database());
END $$`;

/** Counted by the database itself since it was created. */
export const deadlocksSql =
  'SELECT deadlocks::integer AS count FROM pg_stat_database WHERE datname = current_database()';

/** Sessions that wait for another transaction. */
export const waitingSql =
  "SELECT count(*)::integer AS count FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";

/** Largest position of the fences. $1 topic. */
export const fenceSql =
  'SELECT partition, next_offset::integer AS next, owner FROM eo_fence WHERE topic = $1 ORDER BY partition';

export const hotTotalSql = 'SELECT sum(v)::integer AS count FROM hot_account';

/** Held now, by whatever session. */
export const advisoryLocksSql =
  "SELECT count(*)::integer AS count FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database WHERE locktype = 'advisory' AND objid = 41 AND datname = current_database()";

/** Workers that have handled, and how many partitions each has. */
export const handledBySql = 'SELECT worker, count(*)::integer AS count FROM effect_one GROUP BY worker';
