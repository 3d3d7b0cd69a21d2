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
import { admitSql, fingerprintBytes, forgetSql, keyBytes, recordedSql, withdrawSql } from './inbox.sql.js';
import type { PostgresPool } from './postgres-pool.js';
import type { PostgresTransaction } from './postgres-transaction.js';

const fresh: Admission = { verdict: 'fresh' };

export class PostgresInboxStore implements InboxStore {
  constructor(readonly pool: PostgresPool) {}

  async admit(transaction: Transaction, records: readonly InboxRecord[]): Promise<Admission[]> {
    const handlers = records.map(({ handlerId }) => handlerId);
    const given = [packed(records), handlers];
    const { rows } = await own(transaction).query(admitSql(this.pool.tables), given);
    const freshKeys = rows[0].keys as Buffer | null;
    if (freshKeys?.length === keyBytes * records.length) return records.map(() => fresh);
    const isFresh = slots(freshKeys);
    const others = records.map(({ key }) => bytes(key)).filter((key) => !isFresh.has(slot(key)));
    const recorded = await this.#recorded(transaction, others);
    return records.map(({ key }) => {
      const name = slot(bytes(key));
      if (isFresh.has(name)) return fresh;
      const fingerprint = recorded.get(name);
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

/** Each key and its fingerprint, one after another. */
function packed(records: readonly InboxRecord[]): Buffer {
  const all = Buffer.allocUnsafe(records.length * (keyBytes + fingerprintBytes));
  let at = 0;
  for (const { key, fingerprint } of records) {
    if (key.length !== keyBytes || fingerprint.length !== fingerprintBytes) {
      const what = `an inbox record of ${key.length} and ${fingerprint.length} bytes`;
      throw new ExactlyOnceError('EO_INTERNAL', what);
    }
    all.set(key, at);
    all.set(fingerprint, at + keyBytes);
    at += keyBytes + fingerprintBytes;
  }
  return all;
}

function slots(keys: Buffer | null): Set<string> {
  const all = new Set<string>();
  for (let at = 0; at < (keys?.length ?? 0); at += keyBytes) all.add(slot(keys!.subarray(at, at + keyBytes)));
  return all;
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
