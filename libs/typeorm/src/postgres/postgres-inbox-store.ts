/**
 * The inbox on PostgreSQL. Step 4 of an event's life.
 *
 * The database alone says what is fresh; nothing is answered from memory.
 */
import {
  type Admission,
  ExactlyOnceError,
  type InboxRecord,
  type InboxStore,
  type Transaction,
} from '@exactly-once/core';
import { admitSql, forgetSql, recordedSql, withdrawSql } from './inbox.sql.js';
import type { PostgresPool } from './postgres-pool.js';
import type { PostgresTransaction } from './postgres-transaction.js';

export class PostgresInboxStore implements InboxStore {
  constructor(readonly pool: PostgresPool) {}

  async admit(transaction: Transaction, records: readonly InboxRecord[]): Promise<Admission[]> {
    const { tables } = this.pool;
    const keys = records.map(({ key }) => bytes(key));
    const handlers = records.map(({ handlerId }) => handlerId);
    const prints = records.map(({ fingerprint }) => bytes(fingerprint));
    const { rows } = await own(transaction).query(admitSql(tables), [keys, handlers, prints]);
    const fresh = new Set(rows.map((row) => slot(row.key)));
    const others = keys.filter((key) => !fresh.has(slot(key)));
    const recorded = others.length === 0 ? new Map() : await this.#recorded(transaction, others);
    return keys.map((key) => {
      if (fresh.has(slot(key))) return { verdict: 'fresh' };
      const fingerprint = recorded.get(slot(key));
      if (fingerprint !== undefined) return { verdict: 'duplicate', fingerprint };
      throw new ExactlyOnceError(
        'EO_SERIALIZATION_FAILURE',
        'an inbox record was forgotten while it was looked up',
      );
    });
  }

  async withdraw(transaction: Transaction, keys: readonly Uint8Array[]): Promise<void> {
    await own(transaction).query(withdrawSql(this.pool.tables), [keys.map(bytes)]);
  }

  async deleteOlderThan(olderThanMs: number, limit: number): Promise<number> {
    const { rowCount } = await this.pool.query(forgetSql(this.pool.tables), [olderThanMs, limit]);
    return rowCount ?? 0;
  }

  async #recorded(transaction: Transaction, keys: readonly Buffer[]): Promise<Map<string, Uint8Array>> {
    const { rows } = await own(transaction).query(recordedSql(this.pool.tables), [keys]);
    return new Map(rows.map((row) => [slot(row.key), row.fingerprint]));
  }
}

function own(transaction: Transaction): PostgresTransaction {
  return transaction as PostgresTransaction;
}

function bytes(value: Uint8Array): Buffer {
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

function slot(key: Buffer): string {
  return key.toString('latin1');
}
