/** `pg_terminate_backend` on some of the sessions of a run's workers. */
import { endSessionsSql, sessionsSql } from './sessions.sql.js';
import type { Stage } from './stage.js';

interface EndedSessions {
  readonly ended: number;
  /** Of these, how many were within a transaction. */
  readonly busy: number;
  /** Of the busy ones, how many were of consumers. */
  readonly consuming: number;
}

/** Each with that chance, and with twice of it those within a transaction. */
export async function endSessions(
  stage: Stage,
  chance: number,
  random = stage.random,
): Promise<EndedSessions> {
  const sessions = await stage.database.query(sessionsSql);
  const hit = sessions.filter(({ busy }) => random.chance(busy ? 2 * chance : chance));
  const [row] = await stage.database.query(endSessionsSql, [hit.map(({ pid }) => pid)]);
  const busy = hit.filter((one) => one.busy);
  const consuming = busy.filter(({ worker }) => worker.startsWith('consume'));
  return { ended: row.count, busy: busy.length, consuming: consuming.length };
}
