/** The sessions of a run's workers, as an operator sees and ends them. */
import { observer } from '../../services/postgres.js';

/** Oldest first, without those of the runner; `busy`: within a transaction; `worker`: whose they are, empty for producers. */
export const sessionsSql = `
SELECT pid, xact_start IS NOT NULL AS busy, application_name AS worker FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND application_name <> '${observer}'
ORDER BY backend_start, pid`;

/** $1 pids. */
export const endSessionsSql =
  'SELECT count(*)::integer AS count FROM unnest($1::integer[]) AS pid WHERE pg_terminate_backend(pid)';
