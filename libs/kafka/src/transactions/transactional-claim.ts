/**
 * One process's hold on a partition, by the transactional id of (group, topic, partition). Steps 3 and 7 of an
 * event's life.
 *
 * The fence is a compare-and-set: initialising a producer shuts every other out, and then the committed offset must
 * be the one that this claim left. Where it is not, somebody went on in the meantime and the claim is over. A claim
 * never initialises a producer without looking.
 */
import { ExactlyOnceError, type FenceKey } from '@exactly-once/core';
import { type OutgoingRecord, requestsOf } from './outgoing-record.js';
import type { TransactionalProducer } from './transactional-producer.js';

export interface ClaimParts {
  readonly key: FenceKey;
  readonly owner: string;
  readonly open: () => Promise<TransactionalProducer>;
  /** What the group has committed, asked anew; `null` where it has nothing. */
  readonly committed: () => Promise<bigint | null>;
}

export class TransactionalClaim {
  readonly key: FenceKey;
  readonly owner: string;
  readonly #parts: ClaimParts;
  #producer: TransactionalProducer | null = null;
  /** What the broker has, as this claim left it. */
  #committed: bigint | null = null;
  /** What a commit that was not answered would have left. */
  #attempted: bigint | null = null;
  #next = 0n;
  #over = false;

  constructor(parts: ClaimParts) {
    this.#parts = parts;
    this.key = parts.key;
    this.owner = parts.owner;
  }

  /** Shuts the former owner out, and only then looks where he came to. */
  async begin(startOffset: bigint): Promise<void> {
    this.#producer = await this.#parts.open();
    this.#committed = await this.#parts.committed();
    this.#next = this.#committed ?? startOffset;
  }

  /** Offset of the next record to process. */
  get next(): bigint {
    return this.#next;
  }

  /** True where somebody else has the partition. */
  get over(): boolean {
    return this.#over;
  }

  /** Moves the position outside of any batch; `committed` where the broker was told, too. */
  moveTo(next: bigint, committed: boolean): void {
    this.#next = next;
    if (committed) this.#committed = next;
  }

  /** False where the claim is over or stands elsewhere. Replaces a producer of which nothing is known any more. */
  async standsAt(expected: bigint): Promise<boolean> {
    if (!this.#over && this.#producer?.usable !== true) await this.#recover();
    return !this.#over && this.#next === expected;
  }

  /** Throws what the producer throws. */
  async commit(records: readonly OutgoingRecord[], next: bigint): Promise<void> {
    const producer = this.#producer;
    if (producer === null || this.#over) throw new ExactlyOnceError('EO_FENCED', 'the claim is over');
    this.#attempted = next;
    try {
      await producer.commit(requestsOf(records), { ...this.key, next });
    } catch (error) {
      if (error instanceof ExactlyOnceError && error.code === 'EO_FENCED') await this.end();
      throw error;
    }
    this.#next = next;
    this.#committed = next;
  }

  async end(): Promise<void> {
    this.#over = true;
    const producer = this.#producer;
    this.#producer = null;
    await producer?.close();
  }

  async #recover(): Promise<void> {
    await this.#producer?.close();
    const producer = await this.#parts.open();
    try {
      const committed = await this.#parts.committed();
      if (committed !== this.#committed) {
        if (committed === null || committed !== this.#attempted) {
          this.#over = true;
          return;
        }
        this.#next = committed; // the commit that was not answered had succeeded
        this.#committed = committed;
      }
      this.#producer = producer;
    } finally {
      if (this.#producer !== producer) await producer.close();
    }
  }
}
