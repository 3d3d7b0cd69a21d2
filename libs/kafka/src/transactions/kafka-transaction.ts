/**
 * One batch's Kafka transaction as core sees it: events, dead letters and the position gather here and are sent
 * together at its commit. Steps 4 to 6 of an event's life.
 *
 * Nothing is sent before the handlers are done, so a batch that fails leaves nothing behind and no reader waits.
 */
import {
  type DeadLetter,
  ExactlyOnceError,
  type OutboxEntry,
  type Transaction,
  type TransactionState,
  transactionMoves,
  writtenEntries,
} from '@exactly-once/core';
import { toMessage } from '../kafka-message.js';
import type { OutgoingRecord } from './outgoing-record.js';
import type { TransactionalClaim } from './transactional-claim.js';

export class KafkaTransaction implements Transaction {
  readonly outgoing: OutboxEntry[] = [];
  readonly fault = null;
  readonly aborted = null;
  readonly noDatabase = new ExactlyOnceError(
    'EO_NO_DATABASE',
    "a handler with transaction: 'kafka' used a database transaction: it has none",
  );
  readonly #letters: OutgoingRecord[] = [];
  readonly #letterOf: (letter: DeadLetter) => OutgoingRecord;
  #state: TransactionState = 'open';
  #claim: TransactionalClaim | null = null;
  #next: bigint | null = null;

  constructor(letterOf: (letter: DeadLetter) => OutgoingRecord) {
    this.#letterOf = letterOf;
  }

  get state(): TransactionState {
    return this.#state;
  }

  /** Where it leaves the partition; `null` before the fence was asked. */
  get next(): bigint | null {
    return this.#next;
  }

  moveTo(claim: TransactionalClaim, next: bigint): void {
    this.#claim = claim;
    this.#next = next;
  }

  bury(letter: DeadLetter): void {
    this.#letters.push(this.#letterOf(letter));
  }

  /** Nothing is sent yet: what `work` published is taken back where it throws. */
  async savepoint<T>(work: () => Promise<T>): Promise<T> {
    const before = this.outgoing.length;
    try {
      return await work();
    } catch (error) {
      this.outgoing.length = before;
      throw error;
    }
  }

  async seal(): Promise<void> {
    this.#move('sealed');
    if (this.outgoing.every(({ deliverAtMs }) => deliverAtMs === null)) return;
    const what = '`deliverAt` needs a database: Kafka cannot hold an event back';
    throw new ExactlyOnceError('EO_OPTION_INVALID', what);
  }

  async commit(): Promise<void> {
    const [claim, next] = [this.#claim, this.#next];
    if (claim === null || next === null) {
      throw new ExactlyOnceError('EO_INTERNAL', 'a Kafka transaction was committed without a position');
    }
    const events = writtenEntries(this.outgoing).map(({ event }) => ({
      topic: event.topic,
      message: toMessage(event),
    }));
    try {
      await claim.commit([...events, ...this.#letters], next);
    } catch (error) {
      const unknown = error instanceof ExactlyOnceError && error.code === 'EO_COMMIT_UNKNOWN';
      this.#move(unknown ? 'unknown' : 'rolled-back');
      throw error;
    }
    this.#move('committed');
  }

  async rollback(): Promise<void> {
    if (this.#state === 'open' || this.#state === 'sealed') this.#move('rolled-back');
  }

  /** The next batch's fence finds it out: it reads the committed offset behind a new producer. */
  async resolveOutcome(): Promise<'unknown'> {
    return 'unknown';
  }

  #move(to: TransactionState): void {
    if (!transactionMoves[this.#state].includes(to)) {
      throw new ExactlyOnceError('EO_INTERNAL', `a Kafka transaction went from ${this.#state} to ${to}`);
    }
    this.#state = to;
  }
}
