/**
 * What waits in the tables, counted for people.
 *
 * No statement here locks anything; each reads what is committed.
 */
import type { Tables } from './tables.js';

export const parkedCountsSql = (t: Tables): string => `
SELECT coalesce(handler.name, '') AS handler, count(DISTINCT (waiting.topic, waiting.key_hash))::integer AS keys,
  count(*)::integer AS events
FROM ${t.parkedEvent} AS waiting LEFT JOIN ${t.handler} AS handler ON handler.id = waiting.handler_id
GROUP BY handler.name ORDER BY coalesce(handler.name, '') COLLATE "C"`;

export const deadLetterCountsSql = (t: Tables): string => `
SELECT handler, code, count(*)::integer AS letters FROM ${t.deadLetter} WHERE state = 'dead'
GROUP BY handler, code ORDER BY handler COLLATE "C" NULLS FIRST, code COLLATE "C"`;

export const positionsSql = (t: Tables): string => `
SELECT group_name, topic, partition, next_offset, owner, clean FROM ${t.fence}
ORDER BY group_name COLLATE "C", topic COLLATE "C", partition`;
