/**
 * The savepoints of one transaction: a stack, whoever sets them.
 *
 * Rolling back to one takes along the events that were published behind it. Two that overlap without being nested
 * cannot both be kept: the one that ends out of turn is refused.
 */
import { ExactlyOnceError, type OutboxEntry } from '@exactly-once/core';
import { savepointSql } from './transaction.sql.js';

export interface Savepoint {
  readonly sql: ReturnType<typeof savepointSql>;
  /** Length of the outbox buffer when it was set. */
  readonly published: number;
  /** Whose it is, where others publish meanwhile; `null`: everything behind it belongs to it. */
  readonly scope: object | null;
}

interface Owner {
  readonly outgoing: OutboxEntry[];
  query(text: string): Promise<unknown>;
  /** What aborted the transaction is undone. */
  recovered(): void;
}

export class Savepoints {
  readonly #owner: Owner;
  readonly #open: Savepoint[] = [];
  #count = 0;

  constructor(owner: Owner) {
    this.#owner = owner;
  }

  async set(scope: object | null): Promise<Savepoint> {
    const published = this.#owner.outgoing.length;
    const savepoint = { sql: savepointSql(++this.#count), published, scope };
    await this.#owner.query(savepoint.sql.set);
    this.#open.push(savepoint);
    return savepoint;
  }

  /** Keeps what was done behind it. Throws EO_TRANSACTION_OWNED where another one is still open behind it. */
  async release(savepoint: Savepoint): Promise<void> {
    this.assertInnermost(savepoint);
    await this.#owner.query(savepoint.sql.release);
    this.#open.pop();
  }

  /** Undoes what was done behind it, and behind those set later. Throws EO_TRANSACTION_OWNED where it is gone. */
  async rollBackTo(savepoint: Savepoint): Promise<void> {
    const index = this.#open.indexOf(savepoint);
    if (index === -1) throw overlap();
    this.#open.length = index;
    this.#takeBack(savepoint);
    await this.#owner.query(savepoint.sql.rollback);
    this.#owner.recovered();
  }

  #takeBack({ published, scope }: Savepoint): void {
    const behind = this.#owner.outgoing.splice(published);
    if (scope === null) return;
    this.#owner.outgoing.push(
      ...behind.filter((entry) => entry.scope !== undefined && entry.scope !== scope),
    );
  }

  assertInnermost(savepoint: Savepoint): void {
    if (this.#open.at(-1) !== savepoint) throw overlap();
  }
}

function overlap(): ExactlyOnceError {
  const what = 'two nested transactions of one event overlapped; run them one after another';
  return new ExactlyOnceError('EO_TRANSACTION_OWNED', what);
}
