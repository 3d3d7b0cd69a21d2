/** Statements on the handlers' names and on the schema's version. */
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

/** $1 service, $2 name. A name that was retired comes back as itself. */
export const insertHandlerSql = (t: Tables): string => `
INSERT INTO ${t.handler} (service, name, identity) VALUES ($1, $2, $2)
ON CONFLICT (name) DO UPDATE SET retired_at = NULL
RETURNING ${columns}`;

/** $1 id, $2 new name, $3 former name. */
export const renameHandlerSql = (t: Tables): string => `
UPDATE ${t.handler} SET name = $2, renamed_from = $3 WHERE id = $1 AND name = $3 RETURNING ${columns}`;

/** $1 ids. */
export const retireHandlersSql = (t: Tables): string => `
UPDATE ${t.handler} SET retired_at = now() WHERE id = ANY($1::integer[]) AND retired_at IS NULL`;

/** No lock. */
export const schemaVersionSql = (t: Tables): string => `SELECT schema_version FROM ${t.meta}`;
