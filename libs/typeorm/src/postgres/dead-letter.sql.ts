/**
 * Statements on the dead letters. Step 8 of an event's life.
 *
 * None deletes: what becomes of a dead letter is a person's decision.
 */
import type { Tables } from './tables.js';

/** No lock that another transaction waits for. */
export const insertDeadLetterSql = (t: Tables): string => `
INSERT INTO ${t.deadLetter} (handler, topic, partition, "offset", key, event_id, source, type, headers, body, code,
  error_chain, attempts, first_attempt_at, service_version)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, to_timestamp($14::bigint / 1000.0), $15)`;

/** No lock. */
export const countDeadLettersSql = (t: Tables): string => `
SELECT count(*)::integer AS count FROM ${t.deadLetter} WHERE state = 'dead'`;
