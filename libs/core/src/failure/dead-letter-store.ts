/**
 * Events that were given up, with everything that a person needs to decide about them.
 *
 * Written in the transaction that acknowledges the event, so that it is either here or processed, never both.
 */
import type { Transaction } from '../storage/transaction.js';

export interface DeadLetter {
  /** The handler's name; `null` where the event never got as far as a handler. */
  readonly handler: string | null;
  readonly topic: string;
  readonly partition: number | null;
  readonly offset: bigint | null;
  readonly key: Uint8Array | null;
  /** CloudEvents attributes as far as they could be read. */
  readonly eventId: string | null;
  readonly source: string | null;
  readonly type: string | null;
  /** All headers as received; values in base64 where they are not UTF-8, then prefixed `base64:`. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | null;
  readonly code: string;
  /** Messages of the error and its causes, outermost first. */
  readonly errorChain: readonly string[];
  readonly attempts: number;
  readonly firstAttemptAtMs: number;
  readonly serviceVersion: string | null;
}

export interface DeadLetterStore {
  insert(transaction: Transaction, letter: DeadLetter): Promise<void>;
  count(): Promise<number>;
}
