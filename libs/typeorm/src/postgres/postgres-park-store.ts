/**
 * Parked events on PostgreSQL. Step 8 of an event's life.
 *
 * Whatever an event contains can be parked. A key's row is never left without an event, nor an event without its row.
 */
import type {
  ParkedEntry,
  ParkedEvent,
  ParkedScope,
  ParkScope,
  ParkStore,
  Transaction,
} from '@exactly-once/core';
import {
  countParkedSql,
  deleteEmptyKeySql,
  deleteParkedEventSql,
  firstParkedSql,
  holdParkedKeySql,
  insertParkedEventSql,
  isParkedSql,
  makeParkedKeySql,
  parkedKeysSql,
  parkedScopesSql,
  shareParkedKeySql,
} from './parked.sql.js';
import type { PostgresPool } from './postgres-pool.js';
import type { PostgresTransaction } from './postgres-transaction.js';

export class PostgresParkStore implements ParkStore {
  constructor(readonly pool: PostgresPool) {}

  async parked(transaction: Transaction, scopes: readonly ParkScope[]): Promise<boolean[]> {
    const { rows } = await own(transaction).query(parkedKeysSql(this.pool.tables), [
      scopes.map(({ handlerId }) => handlerId),
      scopes.map(({ topic }) => topic),
      scopes.map(({ keyHash }) => Buffer.from(keyHash)),
    ]);
    const parked = new Set(rows.map((row) => slot(row.handler_id, row.topic, row.key_hash)));
    return scopes.map(({ handlerId, topic, keyHash }) => parked.has(slot(handlerId, topic, keyHash)));
  }

  async park(transaction: Transaction, event: ParkedEvent): Promise<void> {
    const { tables } = this.pool;
    const scope = parameters(event);
    for (let shared = false; !shared; ) {
      await own(transaction).query(makeParkedKeySql(tables), scope);
      const { rows } = await own(transaction).query(shareParkedKeySql(tables), scope);
      shared = rows.length > 0;
    }
    await own(transaction).query(insertParkedEventSql(tables), [
      ...scope,
      event.partition,
      String(event.offset),
      bytes(event.key),
      writtenHeaders(event.headers),
      bytes(event.body),
      Math.trunc(event.timestampMs),
      bytes(event.inboxKey),
      event.code,
      event.errorChain.map((line) => line.replaceAll('\u0000', '\\u0000')),
      event.attempts,
      event.deaths,
      Math.trunc(event.firstAttemptAtMs),
    ]);
  }

  async take(transaction: Transaction, scope: ParkScope): Promise<ParkedEntry | 'busy' | null> {
    const { tables } = this.pool;
    const held = await own(transaction).query(holdParkedKeySql(tables), parameters(scope));
    if (held.rows.length === 0) {
      const { rows } = await own(transaction).query(isParkedSql(tables), parameters(scope));
      return rows.length === 0 ? null : 'busy';
    }
    const { rows } = await own(transaction).query(firstParkedSql(tables), parameters(scope));
    return rows.length === 0 ? null : parkedEntry(rows[0]);
  }

  async settle(transaction: Transaction, entry: ParkedEntry): Promise<void> {
    const { tables } = this.pool;
    await own(transaction).query(deleteParkedEventSql(tables), [String(entry.position)]);
    await own(transaction).query(deleteEmptyKeySql(tables), parameters(entry));
  }

  async scopes(limit: number): Promise<ParkedScope[]> {
    const { rows } = await this.pool.query(parkedScopesSql(this.pool.tables), [limit]);
    return rows.map(({ handler_id: handlerId, topic, key_hash: keyHash, key, handler, events, code }) => {
      return { handlerId, topic, keyHash, key, handler, events, code };
    });
  }

  async count(): Promise<number> {
    const { rows } = await this.pool.query(countParkedSql(this.pool.tables));
    return rows[0].count;
  }
}

function own(transaction: Transaction): PostgresTransaction {
  return transaction as PostgresTransaction;
}

function parameters({ handlerId, topic, keyHash }: ParkScope): unknown[] {
  return [handlerId, topic, Buffer.from(keyHash)];
}

function slot(handlerId: number, topic: string, keyHash: Uint8Array): string {
  return `${handlerId} ${Buffer.from(keyHash).toString('hex')} ${topic}`;
}

function bytes(value: Uint8Array | null): Buffer | null {
  return value === null ? null : Buffer.from(value);
}

/** JSON: a list of [name, base64]. */
export function writtenHeaders(headers: ParkedEvent['headers']): Buffer {
  const pairs = Object.entries(headers).map(([name, value]) => [name, Buffer.from(value).toString('base64')]);
  return Buffer.from(JSON.stringify(pairs));
}

/** Without a prototype, so that a header may be named like one of its members. */
function headersOf(json: Buffer): Record<string, Uint8Array> {
  const headers: Record<string, Uint8Array> = Object.create(null);
  for (const [name, value] of JSON.parse(json.toString('utf8')) as [string, string][]) {
    headers[name] = Buffer.from(value, 'base64');
  }
  return headers;
}

function parkedEntry(row: Record<string, unknown>): ParkedEntry {
  return {
    position: BigInt(row['position'] as string),
    handlerId: row['handler_id'] as number,
    topic: row['topic'] as string,
    keyHash: row['key_hash'] as Buffer,
    partition: row['partition'] as number,
    offset: BigInt(row['offset'] as string),
    key: row['key'] as Buffer | null,
    headers: headersOf(row['headers'] as Buffer),
    body: row['body'] as Buffer | null,
    timestampMs: Number(row['timestamp_ms']),
    inboxKey: row['inbox_key'] as Buffer,
    code: row['code'] as string,
    errorChain: row['error_chain'] as string[],
    attempts: row['attempts'] as number,
    deaths: row['deaths'] as number,
    firstAttemptAtMs: Number(row['first_attempt_ms']),
  };
}
