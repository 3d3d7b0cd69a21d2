/**
 * What a transaction has written so far, as PostgreSQL's own statistics of it say. Beside step 5 of an event's life.
 *
 * Reads only; the framework's own tables are left out.
 */

/** No lock. $1 names of tables that are left out. `counted` is false where the server counts nothing. */
export const writtenRowsSql = `
SELECT current_setting('track_counts')::boolean AS counted,
  coalesce(json_agg(json_build_object('table', written.relid::regclass::text, 'inserted', written.n_tup_ins,
    'updated', written.n_tup_upd, 'deleted', written.n_tup_del) ORDER BY written.relid::regclass::text)
    FILTER (WHERE written.relid IS NOT NULL), '[]') AS rows
FROM pg_stat_xact_user_tables AS written
WHERE written.n_tup_ins + written.n_tup_upd + written.n_tup_del > 0
  AND NOT EXISTS (SELECT 1 FROM unnest($1::text[]) AS own (name) WHERE to_regclass(own.name) = written.relid)`;

/** Fails where a deferred constraint would fail at COMMIT. */
export const checkDeferredSql = 'SET CONSTRAINTS ALL IMMEDIATE';
