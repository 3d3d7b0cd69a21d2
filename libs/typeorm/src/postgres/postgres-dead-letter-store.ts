/**
 * Dead letters on PostgreSQL. Step 8 of an event's life.
 *
 * Written in the transaction that acknowledges the event. Must not fail for what an event contains.
 */
import type { DeadLetter, DeadLetterStore, Transaction } from '@exactly-once/core';
import { countDeadLettersSql, insertDeadLetterSql } from './dead-letter.sql.js';
import type { PostgresPool } from './postgres-pool.js';
import type { PostgresTransaction } from './postgres-transaction.js';

export class PostgresDeadLetterStore implements DeadLetterStore {
  constructor(readonly pool: PostgresPool) {}

  async insert(transaction: Transaction, letter: DeadLetter): Promise<void> {
    await (transaction as PostgresTransaction).query(insertDeadLetterSql(this.pool.tables), [
      letter.handler,
      withoutNul(letter.topic),
      letter.partition,
      letter.offset === null ? null : String(letter.offset),
      bytes(letter.key),
      text(letter.eventId),
      text(letter.source),
      text(letter.type),
      Buffer.from(JSON.stringify(Object.entries(letter.headers))),
      bytes(letter.body),
      letter.code,
      letter.errorChain.map(withoutNul),
      letter.attempts,
      Math.trunc(letter.firstAttemptAtMs),
      letter.serviceVersion,
    ]);
  }

  async count(): Promise<number> {
    const { rows } = await this.pool.query(countDeadLettersSql(this.pool.tables));
    return rows[0].count;
  }
}

/** PostgreSQL's text refuses NUL; a dead letter must not fail for it. */
function withoutNul(text: string): string {
  return text.replaceAll('\u0000', '\\u0000');
}

function bytes(value: Uint8Array | null): Buffer | null {
  return value === null ? null : Buffer.from(value);
}

function text(value: string | null): Buffer | null {
  return value === null ? null : Buffer.from(value);
}
