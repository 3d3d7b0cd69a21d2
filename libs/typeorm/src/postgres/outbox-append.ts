/**
 * Which statement writes what a transaction publishes. Step 1 of an event's life.
 *
 * One statement, however many events: a single one, the usual case, in its cheapest form.
 */
import type { WrittenEntry } from '@exactly-once/core';
import { aliveSql, appendOneSql, appendOneWithinSql, appendSql, appendWithinSql } from './outbox.sql.js';
import { appendParameters, rowParameters } from './outbox-rows.js';
import type { Tables } from './tables.js';

type Statement = [text: string, values?: unknown[]];

/** Of a transaction of ours; its one row has the transaction's id as `txid`. */
export function sealing(tables: Tables, entries: readonly WrittenEntry[]): Statement {
  const [first, second] = entries;
  if (first === undefined) return [aliveSql];
  if (second === undefined) return [appendOneSql(tables), rowParameters(first)];
  return [appendSql(tables), appendParameters(entries)];
}

/** Of a user's own transaction; at least one event. Its row says how many were `appended`; or there is none. */
export function appendingWithin(tables: Tables, entries: readonly WrittenEntry[], mark: string): Statement {
  if (entries.length === 1) return [appendOneWithinSql(tables), [...rowParameters(entries[0]!), mark]];
  return [appendWithinSql(tables), [...appendParameters(entries), mark]];
}
