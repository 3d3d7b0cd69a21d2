/**
 * Dead letters on PostgreSQL, and what people decide about them. Step 8 of an event's life.
 *
 * A letter is written in the transaction that acknowledges the event; a decision moves one that is dead and no other. A
 * replayed event is parked in the transaction that marks its letter: whoever asks twice finds it decided.
 */
import {
  type DeadLetter,
  type DeadLetterFilter,
  type DeadLetterHead,
  type DeadLetterStore,
  type DiscardDecision,
  type ReplayAnswer,
  receivedHeaders,
  replayOutcome,
  type StoredDeadLetter,
  type Transaction,
} from '@exactly-once/core';
import {
  countDeadLettersSql,
  discardDeadLettersSql,
  editDeadLetterSql,
  findDeadLetterSql,
  forgetDecidedSql,
  insertDeadLetterSql,
  lastDeadLetterSql,
  listDeadLettersSql,
} from './dead-letter.sql.js';
import {
  holdLettersSql,
  makeParkedKeysSql,
  markReplayedSql,
  parkLettersSql,
} from './dead-letter-replay.sql.js';
import {
  filterParameters,
  headersOf,
  letterHead,
  letterParameters,
  storedLetter,
} from './dead-letter-rows.js';
import { storableText } from './outbox-rows.js';
import { parkedKeysSql } from './parked.sql.js';
import { writtenHeaders } from './postgres-park-store.js';
import type { PostgresPool, Statements } from './postgres-pool.js';
import type { PostgresTransaction } from './postgres-transaction.js';
import type { Tables } from './tables.js';

/** Milliseconds that a replay waits for the handler that has one of its keys. */
const replayPatienceMs = 60_000;

export class PostgresDeadLetterStore implements DeadLetterStore {
  constructor(readonly pool: PostgresPool) {}

  async insert(transaction: Transaction, letter: DeadLetter): Promise<void> {
    const { tables } = this.pool;
    await (transaction as PostgresTransaction).query(insertDeadLetterSql(tables), letterParameters(letter));
  }

  async count(filter: DeadLetterFilter = { state: 'dead' }): Promise<number> {
    const { words, values } = filterParameters(filter);
    const { rows } = await this.pool.query(countDeadLettersSql(this.pool.tables, words), values);
    return rows[0].count;
  }

  async lastId(): Promise<bigint> {
    const { rows } = await this.pool.query(lastDeadLetterSql(this.pool.tables));
    return BigInt(rows[0].id);
  }

  async list(filter: DeadLetterFilter, limit: number, after = 0n): Promise<DeadLetterHead[]> {
    const { words, values } = filterParameters(filter);
    const sql = listDeadLettersSql(this.pool.tables, words);
    const { rows } = await this.pool.query(sql, [limit, String(after), ...values]);
    return rows.map(letterHead);
  }

  async find(id: bigint): Promise<StoredDeadLetter | null> {
    const { rows } = await this.pool.query(findDeadLetterSql(this.pool.tables), [String(id)]);
    return rows.length === 0 ? null : storedLetter(rows[0]);
  }

  async replay(ids: readonly bigint[], by: string): Promise<ReplayAnswer[]> {
    const { tables } = this.pool;
    const wanted = [...new Set(ids)].sort((one, other) => (one < other ? -1 : 1));
    return this.pool.transaction(async (query) => {
      const { rows } = await query(holdLettersSql(tables), [wanted.map(String)]);
      const held = new Map((rows as HeldLetter[]).map((row) => [BigInt(row.id), row]));
      const answers = wanted.map((id) => ({ id, outcome: replayOutcome(asReplayable(held.get(id))) }));
      const replayed = answers.filter(({ outcome }) => outcome === 'replayed');
      if (replayed.length > 0) {
        const letters = replayed.map(({ id }) => held.get(id)!);
        await shareKeys(query, tables, letters);
        await parkLetters(query, tables, letters);
        await query(markReplayedSql(tables), [letters.map(({ id }) => id), storableText(by)]);
      }
      return answers;
    }, replayPatienceMs);
  }

  async discard(ids: readonly bigint[], { by, why }: DiscardDecision): Promise<bigint[]> {
    const values = [ids.map(String), storableText(by), storableText(why)];
    const { rows } = await this.pool.query(discardDeadLettersSql(this.pool.tables), values);
    return rows.map(({ id }) => BigInt(id)).sort((one, other) => (one < other ? -1 : 1));
  }

  async edit(id: bigint, body: Uint8Array, by: string): Promise<boolean> {
    const values = [String(id), Buffer.from(body), storableText(by)];
    const { rowCount } = await this.pool.query(editDeadLetterSql(this.pool.tables), values);
    return rowCount === 1;
  }

  async deleteDecided(olderThanMs: number, limit: number): Promise<number> {
    const { rowCount } = await this.pool.query(forgetDecidedSql(this.pool.tables), [olderThanMs, limit]);
    return rowCount ?? 0;
  }
}

/** A row of `holdLettersSql`. */
interface HeldLetter {
  readonly id: string;
  readonly state: StoredDeadLetter['state'];
  readonly code: string;
  readonly redacted: boolean;
  readonly edit_count: number;
  readonly handler_id: number;
  readonly topic: string;
  readonly key_hash: Buffer;
  readonly headers: Buffer;
  readonly handled: boolean;
}

function asReplayable(row: HeldLetter | undefined) {
  return row && { ...row, editCount: row.edit_count };
}

/** None of the keys' rows is taken away until the transaction ends. */
async function shareKeys(query: Statements, tables: Tables, letters: readonly HeldLetter[]): Promise<void> {
  const keys = new Map(letters.map((one) => [JSON.stringify([one.handler_id, one.topic, hex(one)]), one]));
  const distinct = [...keys.values()];
  const values = [
    distinct.map((one) => one.handler_id),
    distinct.map((one) => one.topic),
    distinct.map((one) => one.key_hash),
  ];
  for (let shared = 0; shared < distinct.length; ) {
    await query(makeParkedKeysSql(tables), values);
    shared = (await query(parkedKeysSql(tables), values)).rows.length;
  }
}

function hex({ key_hash: keyHash }: HeldLetter): string {
  return keyHash.toString('hex');
}

async function parkLetters(query: Statements, tables: Tables, letters: readonly HeldLetter[]): Promise<void> {
  const headers = letters.map((one) => writtenHeaders(receivedHeaders(headersOf(one.headers))));
  await query(parkLettersSql(tables), [letters.map(({ id }) => id), headers]);
}
