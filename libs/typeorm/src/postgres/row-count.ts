/**
 * Counts the rows that a transaction writes of the user's tables, for a dry run. Beside step 5 of an event's life.
 *
 * A session's statistics may still hold those of the transaction before: what stood there at first is taken off.
 */
import type { RowCount, WrittenRows } from '@exactly-once/core';
import type { PostgresTransaction } from './postgres-transaction.js';
import type { Tables } from './tables.js';
import { checkDeferredSql, writtenRowsSql } from './written-rows.sql.js';

export async function countRows(transaction: PostgresTransaction, tables: Tables): Promise<RowCount> {
  const before = new Map((await written(transaction, tables)).rows.map((one) => [one.table, one]));
  return async () => {
    await transaction.query(checkDeferredSql);
    const { counted, rows } = await written(transaction, tables);
    return counted ? rows.map((one) => since(one, before.get(one.table))).filter(any) : null;
  };
}

async function written(transaction: PostgresTransaction, tables: Tables) {
  const { rows } = await transaction.query(writtenRowsSql, [Object.values(tables)]);
  return rows[0] as { readonly counted: boolean; readonly rows: readonly WrittenRows[] };
}

function since(
  { table, inserted, updated, deleted }: WrittenRows,
  before: WrittenRows | undefined,
): WrittenRows {
  return {
    table,
    inserted: inserted - (before?.inserted ?? 0),
    updated: updated - (before?.updated ?? 0),
    deleted: deleted - (before?.deleted ?? 0),
  };
}

function any({ inserted, updated, deleted }: WrittenRows): boolean {
  return inserted + updated + deleted > 0;
}
