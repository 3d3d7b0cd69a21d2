/**
 * Statements on the dead letters. Step 8 of an event's life.
 *
 * None deletes a dead letter: what becomes of it is a person's decision, and what was decided stays readable for long. Each
 * change names the state that it leaves.
 */
import type { DeadLetterFilter } from '@exactly-once/core';
import type { Tables } from './tables.js';

const ms = (column: string) => `(extract(epoch FROM ${column}) * 1000)::bigint`;

const head = `letter.id, letter.handler, letter.topic, letter.partition, letter."offset", letter.key, letter.event_id,
  letter.source, letter.type, letter.code, letter.error_chain[1] AS error, letter.attempts,
  ${ms('letter.first_attempt_at')} AS first_attempt_ms, ${ms('letter.dead_at')} AS dead_ms, letter.redacted,
  letter.replay_of, cardinality(letter.edited_by) AS edit_count, letter.state, letter.decided_by, letter.decided_why,
  ${ms('letter.decided_at')} AS decided_ms`;

/** No lock that another transaction waits for. */
export const insertDeadLetterSql = (t: Tables): string => `
INSERT INTO ${t.deadLetter} (handler, topic, partition, "offset", key, event_id, source, type, headers, body, code,
  error_chain, attempts, first_attempt_at, service_version, handler_id, key_hash, inbox_key, timestamp_ms, redacted,
  replay_of)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, to_timestamp($14::bigint / 1000.0), $15, $16, $17, $18,
  $19, $20, $21)`;

/** How a letter fits each of a filter's words, given the number of its parameter. */
const conditions: Readonly<Record<keyof DeadLetterFilter, (t: Tables, parameter: string) => string>> = {
  ids: (_, p) => `letter.id = ANY(${p}::bigint[])`,
  handler: (t, p) => `(letter.handler = ${p}::text OR letter.handler_id IN (
    SELECT handler.id FROM ${t.handler} AS handler WHERE handler.name = ${p}::text))`,
  type: (_, p) => `letter.type = ${p}::bytea`,
  topic: (_, p) => `letter.topic = ${p}::text`,
  key: (_, p) => `letter.key = ${p}::bytea`,
  code: (_, p) => `letter.code = ${p}::text`,
  error: (_, p) =>
    `EXISTS (SELECT 1 FROM unnest(letter.error_chain) AS message WHERE strpos(message, ${p}::text) > 0)`,
  fromMs: (_, p) => `letter.dead_at >= to_timestamp(${p}::bigint / 1000.0)`,
  toMs: (_, p) => `letter.dead_at < to_timestamp(${p}::bigint / 1000.0)`,
  state: (_, p) => `letter.state = ${p}::text`,
};

const fits = (t: Tables, words: readonly (keyof DeadLetterFilter)[], from: number) =>
  words.map((word, index) => conditions[word](t, `$${index + from}`)).join(' AND ') || 'true';

/** No lock. The values of the filter's words in their order. */
export const countDeadLettersSql = (t: Tables, words: readonly (keyof DeadLetterFilter)[]): string => `
SELECT count(*)::integer AS count FROM ${t.deadLetter} AS letter WHERE ${fits(t, words, 1)}`;

/** No lock. */
export const lastDeadLetterSql = (t: Tables): string => `
SELECT coalesce(max(id), 0) AS id FROM ${t.deadLetter}`;

/** By the first letters of their events. No lock. $1 limit, $2 after which id, then the values of the filter's words. */
export const listDeadLettersSql = (t: Tables, words: readonly (keyof DeadLetterFilter)[]): string => `
SELECT ${head} FROM ${t.deadLetter} AS letter
WHERE (coalesce(letter.replay_of, letter.id), letter.id) > (coalesce((
  SELECT before.replay_of FROM ${t.deadLetter} AS before WHERE before.id = $2::bigint), $2::bigint), $2::bigint)
  AND ${fits(t, words, 3)}
ORDER BY coalesce(letter.replay_of, letter.id), letter.id LIMIT $1`;

/** No lock. $1 id. */
export const findDeadLetterSql = (t: Tables): string => `
SELECT ${head}, letter.headers, letter.body, letter.error_chain, letter.service_version, letter.handler_id,
  letter.key_hash, letter.inbox_key, letter.timestamp_ms, letter.edited_bodies, letter.edited_by,
  ARRAY(SELECT ${ms('edited.at')}::text FROM unnest(letter.edited_at) WITH ORDINALITY AS edited (at, number)
    ORDER BY edited.number) AS edited_ms
FROM ${t.deadLetter} AS letter WHERE letter.id = $1`;

/** Locks the row; of two edits at once the second comes behind the first. $1 id, $2 body, $3 by whom. */
export const editDeadLetterSql = (t: Tables): string => `
UPDATE ${t.deadLetter} SET edited_bodies = edited_bodies || ARRAY[$2::bytea], edited_by = edited_by || ARRAY[$3::text],
  edited_at = edited_at || ARRAY[clock_timestamp()]
WHERE id = $1 AND state = 'dead'`;

/** Locks the rows in the order of their ids; who comes second finds them decided. $1 ids, $2 by whom, $3 why. */
export const discardDeadLettersSql = (t: Tables): string => `
UPDATE ${t.deadLetter} SET state = 'discarded', decided_by = $2, decided_why = $3, decided_at = clock_timestamp()
WHERE state = 'dead' AND id IN (
  SELECT id FROM ${t.deadLetter} WHERE id = ANY($1::bigint[]) AND state = 'dead' ORDER BY id FOR UPDATE
) RETURNING id`;

/** Locks at most $2 letters of old decisions; those that another sweep holds are left to it. $1 age in milliseconds. */
export const forgetDecidedSql = (t: Tables): string => `
DELETE FROM ${t.deadLetter} WHERE id IN (
  SELECT id FROM ${t.deadLetter}
  WHERE state <> 'dead' AND decided_at < now() - $1::double precision * interval '1 millisecond'
  ORDER BY decided_at
  LIMIT $2
  FOR UPDATE SKIP LOCKED
)`;
