/**
 * A transaction of the in-memory storage: everything it does can be undone, to the beginning or to a savepoint.
 *
 * Its states move as core's table says, and nothing is written after its end. A test can let a statement fail, which
 * aborts it as PostgreSQL would, and leave its COMMIT without an answer.
 */
import {
  ExactlyOnceError,
  hasCode,
  type OutboxEntry,
  type Transaction,
  type TransactionState,
  transactionMoves,
} from '@exactly-once/core';

let transactions = 0;

type Outcome = 'committed' | 'rolled-back';

export class InMemoryTransaction implements Transaction {
  /** As no other one. */
  readonly name = String(++transactions);
  readonly outgoing: OutboxEntry[] = [];
  fault: ExactlyOnceError | null = null;
  aborted: ExactlyOnceError | null = null;
  state: TransactionState = 'open';
  /** Resolves when the transaction has ended, in whatever way. */
  readonly ended: Promise<void>;
  readonly #undo: (() => void)[] = [];
  readonly #store: (entries: readonly OutboxEntry[]) => () => void;
  #end: () => void = () => {};
  #unanswered: { readonly really: Outcome; readonly known: boolean } | null = null;

  /** `store` writes outbox entries and returns what takes them back. */
  constructor(store: (entries: readonly OutboxEntry[]) => () => void) {
    this.#store = store;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  get open(): boolean {
    return this.state === 'open' || this.state === 'sealed';
  }

  /** Does something that `undo` takes back. Throws where the transaction has ended. */
  change(apply: () => void, undo: () => void): void {
    if (!this.open) throw new ExactlyOnceError('EO_TRANSACTION_ENDED', `the transaction is ${this.state}`);
    if (this.aborted !== null) throw this.aborted;
    apply();
    this.#undo.push(undo);
  }

  /** A statement that fails with `error`: nothing can be written until a savepoint is rolled back to. */
  fail(error: Error): never {
    if (this.aborted !== null) throw this.aborted;
    const what = 'a statement met a transaction that an earlier error had aborted';
    this.aborted = new ExactlyOnceError('EO_TRANSACTION_ABORTED', what, { cause: error });
    if (isFault(error)) this.fault ??= error;
    throw error;
  }

  /** COMMIT will not be answered; `known`: whether `resolveOutcome` finds out what really became of it. */
  loseAnswer(really: Outcome, known = true): void {
    this.#unanswered = { really, known };
  }

  async savepoint<T>(work: () => Promise<T>): Promise<T> {
    const [undos, outgoing] = [this.#undo.length, this.outgoing.length];
    try {
      const result = await work();
      if (this.aborted !== null) throw this.aborted;
      return result;
    } catch (error) {
      this.#undoTo(undos);
      this.outgoing.length = outgoing;
      this.#recovered();
      throw error;
    }
  }

  async seal(): Promise<void> {
    this.#move('sealed');
    let takeBack = () => {};
    this.change(
      () => {
        takeBack = this.#store(this.outgoing);
      },
      () => takeBack(),
    );
  }

  async commit(): Promise<void> {
    if (this.#unanswered === null) {
      this.#move('committed');
      this.#end();
      return;
    }
    this.#move('unknown');
    if (this.#unanswered.really === 'rolled-back') this.#undoTo(0);
    this.#end();
    throw new ExactlyOnceError('EO_COMMIT_UNKNOWN', 'COMMIT was not answered');
  }

  async rollback(): Promise<void> {
    if (!this.open) return;
    this.#undoTo(0);
    this.state = 'rolled-back';
    this.#end();
  }

  async resolveOutcome(): Promise<'committed' | 'rolled-back' | 'unknown'> {
    if (this.state !== 'unknown') return this.state === 'committed' ? 'committed' : 'rolled-back';
    if (!this.#unanswered?.known) return 'unknown';
    this.#move(this.#unanswered.really);
    return this.#unanswered.really;
  }

  /** A connection that is gone does not come back with a savepoint. */
  #recovered(): void {
    if (hasCode(this.fault, 'EO_STORAGE_UNAVAILABLE')) return;
    this.fault = null;
    this.aborted = null;
  }

  #undoTo(length: number): void {
    while (this.#undo.length > length) this.#undo.pop()!();
  }

  #move(to: TransactionState): void {
    if (!transactionMoves[this.state].includes(to)) {
      throw new ExactlyOnceError('EO_INTERNAL', `a transaction cannot go from ${this.state} to ${to}`);
    }
    this.state = to;
  }
}

function isFault(error: Error): error is ExactlyOnceError {
  return hasCode(error, 'EO_STORAGE_UNAVAILABLE') || hasCode(error, 'EO_SERIALIZATION_FAILURE');
}
