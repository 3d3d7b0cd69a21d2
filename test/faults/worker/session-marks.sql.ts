/**
 * Statements that leave something in a session or a transaction, and one that looks for it.
 */
import type { Mark } from '../record/message.js';

export const marksSql: Readonly<Record<Mark, string>> = {
  'set-local': "SET LOCAL ledger.tenant = 'mine'",
  'session-lock': 'SELECT pg_advisory_lock(41)',
  'transaction-lock': 'SELECT pg_advisory_xact_lock(41)',
  'set-session': "SET ledger.tenant = 'mine'",
  'config-session': "SELECT set_config('ledger.tenant', 'mine', false)",
  'temporary-left': "SELECT 'mine' AS name INTO TEMP draft",
  'temporary-table': 'CREATE TEMPORARY TABLE draft (name text) ON COMMIT DROP',
};

/** Of this session only. A setting that was once there is empty, not absent. */
export const lookSql = `
SELECT nullif(current_setting('ledger.tenant', true), '') IS NOT NULL AS setting,
       to_regclass('pg_temp.draft') IS NOT NULL AS "table",
       EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 41 AND pid = pg_backend_pid()) AS lock`;
