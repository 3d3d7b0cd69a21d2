/** Statements that look at a run from outside. They read, and lock nothing. */
export const effectsSql = (table: 'effect_one' | 'effect_two'): string =>
  `SELECT handler, source, id, message, key, sequence, position, note, worker FROM ${table} ORDER BY position`;

export const effectCountSql = 'SELECT count(*)::integer AS count FROM effect_one';

export const countersSeenSql = 'SELECT handler, key, v FROM counter';

export const deadLettersSql = 'SELECT handler, body, code, error_chain FROM eo_dead_letter ORDER BY id';

export const inboxKeysSql = "SELECT encode(key, 'hex') AS key FROM eo_inbox";

export const outboxDepthSql = "SELECT count(*)::integer AS count FROM eo_outbox WHERE state = 'pending'";

export const lateWritesSql = 'SELECT message, worker FROM late_write';

export const businessRowsSql = 'SELECT message FROM business';

/** Counted by the database itself since it was created. */
export const deadlocksSql =
  'SELECT deadlocks::integer AS count FROM pg_stat_database WHERE datname = current_database()';

/** Sessions that wait for another transaction. */
export const waitingSql =
  "SELECT count(*)::integer AS count FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";

/** Largest position of the fences. $1 topic. */
export const fenceSql =
  'SELECT partition, next_offset::integer AS next, owner FROM eo_fence WHERE topic = $1';
