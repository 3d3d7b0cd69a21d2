/**
 * Statements on the handlers' names and on the schema's version. Run at start only.
 *
 * None deletes: a name that is forgotten would run every event again.
 */
import type { Tables } from './tables.js';

const columns = 'id, service, name, renamed_from, identity, generation';

/** Concurrent starts follow each other until commit; readers are not held up. */
export const lockHandlersSql = (t: Tables): string => `LOCK TABLE ${t.handler} IN SHARE ROW EXCLUSIVE MODE`;

/** No lock. $1 service, $2 names that may belong to another service. */
export const knownHandlersSql = (t: Tables): string => `
SELECT ${columns} FROM ${t.handler}
WHERE retired_at IS NULL AND (service = $1 OR name = ANY($2::text[]) OR renamed_from = ANY($2::text[]))
ORDER BY id`;

/** No lock. $1 handler ids. */
export const inboxFilledSql = (t: Tables): string => `
SELECT EXISTS (SELECT 1 FROM ${t.inbox} WHERE handler_id = ANY($1::integer[])) AS filled`;

/**
 * $1 service, $2 name. A name that was retired comes back as itself. A new handler that goes by the first name of
 * another, renamed one gets an identity of its own: they must not swallow each other's events.
 */
export const insertHandlerSql = (t: Tables): string => `
INSERT INTO ${t.handler} (service, name, identity)
SELECT $1::text, $2::text, CASE WHEN EXISTS (SELECT 1 FROM ${t.handler} WHERE identity = $2::text AND name <> $2::text)
  THEN $2::text || '#' || (SELECT max(id) + 1 FROM ${t.handler}) ELSE $2::text END
ON CONFLICT (name) DO UPDATE SET retired_at = NULL
RETURNING ${columns}`;

/** $1 id, $2 new name, $3 former name. */
export const renameHandlerSql = (t: Tables): string => `
UPDATE ${t.handler} SET name = $2, renamed_from = $3 WHERE id = $1 AND name = $3 RETURNING ${columns}`;

/**
 * What handlers read, as this start says it; NULL where another transport calls them. How long their service keeps inbox
 * records; NULL leaves what stands there. $1 ids, $2 groups, $3 topics, $4 ways to know what comes again, $5 days.
 */
export const recordIntakesSql = (t: Tables): string => `
UPDATE ${t.handler} AS handler SET group_name = given.group_name, topic = given.topic, dedup = given.dedup,
  window_days = coalesce(given.window_days, handler.window_days)
FROM unnest($1::integer[], $2::text[], $3::text[], $4::text[], $5::double precision[])
  AS given (id, group_name, topic, dedup, window_days)
WHERE handler.id = given.id AND (handler.group_name, handler.topic, handler.dedup, handler.window_days)
  IS DISTINCT FROM (given.group_name, given.topic, given.dedup, coalesce(given.window_days, handler.window_days))`;

/** No lock. */
export const shortestWindowSql = (t: Tables): string => `
SELECT min(window_days) AS days FROM ${t.handler} WHERE retired_at IS NULL`;

/** No lock. $1 group. */
export const handlersOfGroupSql = (t: Tables): string => `
SELECT id, name, generation, topic, dedup FROM ${t.handler}
WHERE group_name = $1 AND retired_at IS NULL ORDER BY name COLLATE "C"`;

/** $1 ids. */
export const retireHandlersSql = (t: Tables): string => `
UPDATE ${t.handler} SET retired_at = now() WHERE id = ANY($1::integer[]) AND retired_at IS NULL`;

/** No lock. */
export const schemaVersionSql = (t: Tables): string => `SELECT schema_version FROM ${t.meta}`;
