/** `pg_terminate_backend` on some of the sessions of a run's workers. */
import { endSessionsSql, sessionsSql } from './sessions.sql.js';
import type { Stage } from './stage.js';

/** Each with that chance, and with twice of it those within a transaction. Answers how many there were, and of these how many were busy. */
export async function endSessions(stage: Stage, chance: number): Promise<{ ended: number; busy: number }> {
  const sessions = await stage.database.query(sessionsSql);
  const hit = sessions.filter(({ busy }) => stage.random.chance(busy ? 2 * chance : chance));
  const [row] = await stage.database.query(endSessionsSql, [hit.map(({ pid }) => pid)]);
  return { ended: row.count, busy: hit.filter(({ busy }) => busy).length };
}
