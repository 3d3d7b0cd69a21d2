/**
 * Records which (handler, source, id) were processed. Step 4 of an event's life.
 *
 * The database alone answers what is fresh. A store never answers from memory.
 */
import type { Transaction } from '../storage/transaction.js';

export interface InboxRecord {
  /** 24 bytes, made by `inboxKey` of `event-id.ts`. */
  readonly key: Uint8Array;
  /** `eo_handler.id` of the handler. */
  readonly handlerId: number;
  /** First 16 bytes of SHA-256 over the body. */
  readonly fingerprint: Uint8Array;
}

export type Admission =
  | { readonly verdict: 'fresh' }
  | { readonly verdict: 'duplicate'; readonly fingerprint: Uint8Array };

export interface InboxStore {
  /**
   * Records the whole batch in one statement, in the byte order of the keys (two batches that overlap wait
   * for each other, never deadlock), and answers in the order given. A key that another open transaction
   * holds is waited for: fresh if that rolls back, duplicate if it commits. The keys are distinct.
   */
  admit(transaction: Transaction, records: readonly InboxRecord[]): Promise<Admission[]>;
  /**
   * Takes back records that this very transaction admitted and did not handle, and those that only this partition's
   * owner knows. A key without a record is passed by.
   */
  withdraw(transaction: Transaction, keys: readonly Uint8Array[]): Promise<void>;
  /**
   * Deletes at most `limit` records older than `olderThanMs` milliseconds and returns how many. Those of events that are
   * parked or dead stay: such an event can still be handled, and must not be taken for a new one then.
   */
  deleteOlderThan(olderThanMs: number, limit: number): Promise<number>;
}
