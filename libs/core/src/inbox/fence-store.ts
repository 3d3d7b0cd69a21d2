/**
 * The position of each partition's consumer, moved by compare-and-set in the batch's own transaction.
 *
 * A stopped and resumed process (a zombie) moves nothing: zero rows is its answer, and it rolls back.
 */
import type { Transaction } from '../storage/transaction.js';

export interface FenceKey {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
}

/** What ran alone when an owner was last heard of, so that a process's death can be laid to it. */
export interface Suspect {
  /** Position and handler, as the processor names them. */
  readonly unit: string;
  /** Owners that ran it alone in its transaction and did not say afterwards that they live. Each of them once. */
  readonly owners: readonly string[];
}

export interface FenceRow {
  /** Offset of the next record to process. */
  readonly nextOffset: bigint;
  readonly owner: string;
  /** False while owned; true after an orderly release. As it stood before a claim, where a claim returns it. */
  readonly clean: boolean;
  /** Fingerprint of the last processed record (`nextOffset - 1`); `null` where it is not known. */
  readonly lastFingerprint: Uint8Array | null;
  /** Counts how often the topic's log was found to have been replaced or truncated. From 1. */
  readonly logGeneration: number;
  /** Forgotten by every `advance` that commits; `null` where there is none. */
  readonly suspect: Suspect | null;
}

export interface FenceMove {
  readonly key: FenceKey;
  readonly owner: string;
  readonly expected: bigint;
  readonly next: bigint;
  /** Fingerprint of the record at `next - 1`, recorded as given: `null` where it is not known. */
  readonly lastFingerprint: Uint8Array | null;
  /** Called where any event is parked in this storage, whoever's it is: the caller then asks which keys are. */
  readonly onParked?: () => void;
}

export interface FenceStore {
  read(key: FenceKey): Promise<FenceRow | null>;
  /**
   * Makes `owner` the owner, in a short transaction of its own, and returns the row with the `clean` flag as
   * it was before. Creates the row at `startOffset` where there is none.
   */
  claim(key: FenceKey, owner: string, startOffset: bigint): Promise<FenceRow>;
  /**
   * Sets the position of a row that `owner` holds, outside of any batch: after a broker's reset
   * (`newLog: false`) or a replaced log (`newLog: true` adds one to the log generation and forgets the
   * fingerprint). False where `owner` no longer holds it.
   */
  reposition(key: FenceKey, owner: string, nextOffset: bigint, newLog: boolean): Promise<boolean>;
  /**
   * `UPDATE … WHERE owner = me AND next_offset = expected`, in the batch's transaction. False means fenced:
   * the caller rolls back. May be called twice in a transaction (`expected` is then the first call's `next`).
   * Forgets the suspect.
   */
  advance(transaction: Transaction, move: FenceMove): Promise<boolean>;
  /**
   * Waits until a transaction that has moved the position, and has not ended, ends. Left out where nothing is parked.
   */
  settled?(transaction: Transaction, key: FenceKey): Promise<void>;
  /** Marks the row clean where `owner` still holds it. */
  release(key: FenceKey, owner: string): Promise<void>;
  /**
   * Marks the row clean as the batch's transaction commits, where `owner` still holds it: to be called behind the last
   * `advance`, and only where no other batch follows. Whoever waits to claim the row then finds it left in order. Left
   * out together with `accuse`.
   */
  leave?(transaction: Transaction, key: FenceKey, owner: string): Promise<void>;
  /**
   * Says, in a short transaction of its own, that `owner` is about to run `unit` alone, and answers who did so before and
   * was not heard of again. Where the row's suspect is another unit, those are `before`. `null`: another owns the row.
   * Left out where a position keeps no such mark: nothing is run singly there, and nothing is parked for it.
   */
  accuse?(
    key: FenceKey,
    owner: string,
    unit: string,
    before: readonly string[],
  ): Promise<readonly string[] | null>;
  /** Takes `owner` off the suspect's list, whoever owns the row by now: it lives. */
  acquit?(key: FenceKey, owner: string): Promise<void>;
}
