/**
 * A transaction of the in-memory storage: everything it does can be undone, to the beginning or to a savepoint.
 *
 * Its states move as core's table says, and nothing is written after its end.
 */
import {
  ExactlyOnceError,
  type OutboxEntry,
  type Transaction,
  type TransactionState,
  transactionMoves,
} from '@exactly-once/core';

export class InMemoryTransaction implements Transaction {
  readonly outgoing: OutboxEntry[] = [];
  readonly fault = null;
  state: TransactionState = 'open';
  /** Resolves when the transaction has ended, in whatever way. */
  readonly ended: Promise<void>;
  readonly #undo: (() => void)[] = [];
  readonly #store: (entries: readonly OutboxEntry[]) => () => void;
  #end: () => void = () => {};

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
    apply();
    this.#undo.push(undo);
  }

  async savepoint<T>(work: () => Promise<T>): Promise<T> {
    const [undos, outgoing] = [this.#undo.length, this.outgoing.length];
    try {
      return await work();
    } catch (error) {
      this.#undoTo(undos);
      this.outgoing.length = outgoing;
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
    this.#move('committed');
    this.#end();
  }

  async rollback(): Promise<void> {
    if (!this.open) return;
    this.#undoTo(0);
    this.state = 'rolled-back';
    this.#end();
  }

  async resolveOutcome(): Promise<'committed' | 'rolled-back' | 'unknown'> {
    return this.state === 'committed' ? 'committed' : 'rolled-back';
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
