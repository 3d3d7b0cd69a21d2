/**
 * Parked events on PostgreSQL. Step 8 of an event's life.
 *
 * Whatever an event contains can be parked, and no event is ever without the row of its key.
 */
import type {
  DiscardDecision,
  ParkedEntry,
  ParkedEvent,
  ParkedFailure,
  ParkedFilter,
  ParkedScope,
  ParkScope,
  ParkStore,
  Transaction,
  UpcomingScope,
} from '@exactly-once/core';
import {
  appendParkedEventSql,
  claimParkedKeySql,
  countParkedSql,
  deleteEmptyKeySql,
  firstParkedSql,
  giveUpParkedEventSql,
  hastenParkedEventSql,
  holdParkedKeySql,
  isParkedSql,
  makeParkedKeySql,
  markParkedKeySql,
  parkedKeysSql,
  parkedScopesSql,
  postponeParkedEventSql,
  settleParkedEventSql,
  unmarkParkedKeySql,
  upcomingScopesSql,
} from './parked.sql.js';
import type { PostgresPool } from './postgres-pool.js';
import type { PostgresTransaction } from './postgres-transaction.js';

/** The end of the year 9999: a time that PostgreSQL can hold. */
const latestMs = 253_402_300_799_000;

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
    const columns = [
      ...scope,
      event.partition,
      String(event.offset),
      bytes(event.key),
      writtenHeaders(event.headers),
      bytes(event.body),
      Math.trunc(event.timestampMs),
      bytes(event.inboxKey),
      event.code,
      writtenChain(event.errorChain),
      event.attempts,
      event.deaths,
      Math.trunc(event.firstAttemptAtMs),
      time(event.nextAttemptAtMs),
    ];
    const append = () => own(transaction).query(appendParkedEventSql(tables), columns);
    while ((await append()).rowCount === 0) await own(transaction).query(makeParkedKeySql(tables), scope);
  }

  async take(transaction: Transaction, scope: ParkScope): Promise<ParkedEntry | 'busy' | 'empty' | null> {
    const { tables } = this.pool;
    const held = await own(transaction).query(holdParkedKeySql(tables), parameters(scope));
    if (held.rows.length === 0) {
      const { rows } = await own(transaction).query(isParkedSql(tables), parameters(scope));
      return rows.length === 0 ? null : 'busy';
    }
    const { rows } = await own(transaction).query(firstParkedSql(tables), parameters(scope));
    return rows.length === 0 ? 'empty' : parkedEntry(rows[0], held.rows[0]);
  }

  async mark(transaction: Transaction, entry: ParkedEntry, owner: string, nowMs: number): Promise<void> {
    const values = [...parameters(entry), owner, time(nowMs)];
    await own(transaction).query(markParkedKeySql(this.pool.tables), values);
  }

  async unmark(transaction: Transaction, scope: ParkScope, owner: string): Promise<void> {
    await own(transaction).query(unmarkParkedKeySql(this.pool.tables), [...parameters(scope), owner]);
  }

  async postpone(transaction: Transaction, entry: ParkedEntry, failure: ParkedFailure): Promise<void> {
    const { code, errorChain, attempts, deaths, nextAttemptAtMs } = failure;
    await own(transaction).query(postponeParkedEventSql(this.pool.tables), [
      ...parameters(entry),
      String(entry.position),
      ...[code, writtenChain(errorChain), attempts, deaths, time(nextAttemptAtMs)],
    ]);
  }

  async settle(transaction: Transaction, entry: ParkedEntry, nowMs: number): Promise<void> {
    const values = [...parameters(entry), String(entry.position), time(nowMs)];
    await own(transaction).query(settleParkedEventSql(this.pool.tables), values);
  }

  async release(transaction: Transaction, scope: ParkScope): Promise<boolean> {
    const { tables } = this.pool;
    await own(transaction).query(claimParkedKeySql(tables), parameters(scope));
    await own(transaction).query(deleteEmptyKeySql(tables), parameters(scope));
    const { rows } = await own(transaction).query(isParkedSql(tables), parameters(scope));
    return rows.length === 0;
  }

  async upcoming(handlerIds: readonly number[], limit: number): Promise<UpcomingScope[]> {
    const { rows } = await this.pool.query(upcomingScopesSql(this.pool.tables), [handlerIds, limit]);
    return rows.map(({ handler_id: handlerId, topic, key_hash: keyHash, at_ms }) => {
      return { handlerId, topic, keyHash, atMs: Number(at_ms) };
    });
  }

  async hasten(scope: ParkScope): Promise<boolean> {
    const { rowCount } = await this.pool.query(hastenParkedEventSql(this.pool.tables), parameters(scope));
    return rowCount === 1;
  }

  async giveUp(scope: ParkScope, { by, why }: DiscardDecision): Promise<boolean> {
    const values = [...parameters(scope), by, why];
    const { rowCount } = await this.pool.query(giveUpParkedEventSql(this.pool.tables), values);
    return rowCount === 1;
  }

  async scopes(limit: number): Promise<ParkedScope[]> {
    const { rows } = await this.pool.query(parkedScopesSql(this.pool.tables), [limit]);
    return rows.map(({ handler_id: handlerId, topic, key_hash: keyHash, key, handler, events, code }) => {
      return { handlerId, topic, keyHash, key, handler, events, code };
    });
  }

  async count({ handlers, beforeMs }: ParkedFilter = {}): Promise<number> {
    const values = [handlers ?? null, beforeMs === undefined ? null : Math.trunc(beforeMs)];
    const { rows } = await this.pool.query(countParkedSql(this.pool.tables), values);
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

function time(ms: number | null): number | null {
  return ms === null ? null : Math.trunc(Math.min(ms, latestMs));
}

function writtenChain(chain: readonly string[]): string[] {
  return chain.map((line) => line.replaceAll('\u0000', '\\u0000'));
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

function parkedEntry(row: Record<string, unknown>, key: Record<string, unknown>): ParkedEntry {
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
    nextAttemptAtMs: row['next_attempt_ms'] === null ? null : Number(row['next_attempt_ms']),
    givenUp:
      row['given_up_by'] === null
        ? null
        : { by: row['given_up_by'] as string, why: row['given_up_why'] as string },
    begun: {
      owners: key['begun_by'] as string[],
      atMs: key['begun_ms'] === null ? null : Number(key['begun_ms']),
    },
  };
}
