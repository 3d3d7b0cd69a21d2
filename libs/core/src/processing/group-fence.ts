/**
 * The fence of a group's partition, moved in the group's own transaction. Steps 4 and 6 of an event's life.
 *
 * A position always goes with the fingerprint of the record before it: a wrong one would make the next owner
 * take the log for another and read it from its beginning. The claim itself moves after the commit only.
 */
import type { FenceClaim } from '../broker/broker.js';
import type { Delivery } from '../broker/delivery.js';
import { ExactlyOnceError } from '../errors/exactly-once-error.js';
import { bodyFingerprint } from '../event/event-id.js';
import type { FenceStore } from '../inbox/fence-store.js';
import type { Transaction } from '../storage/transaction.js';

type Position = Pick<FenceClaim, 'nextOffset' | 'lastFingerprint'>;

export class GroupFence {
  readonly #fences: FenceStore;
  readonly #claim: FenceClaim | null;
  readonly #deliveries: readonly Delivery[];
  /** Where the fence stands inside the transaction. */
  #position: Position;
  #anyParked = false;

  /** `claim`: `null` where the broker has no positions; nothing is then moved. */
  constructor(fences: FenceStore, claim: FenceClaim | null, deliveries: readonly Delivery[]) {
    this.#fences = fences;
    this.#claim = claim;
    this.#deliveries = deliveries;
    this.#position = claim ?? { nextOffset: 0n, lastFingerprint: null };
  }

  /** Somebody's events are parked, as the last move saw it. */
  get anyParked(): boolean {
    return this.#anyParked;
  }

  /**
   * To where the first `deliveriesDone` deliveries are done, forth or back. The first call is the first statement of
   * the transaction: a zombie changes no row, and rolls back what it may have sent behind it. Throws EO_FENCED.
   */
  async move(transaction: Transaction, deliveriesDone: number): Promise<void> {
    if (this.#claim === null) return;
    const { key, owner } = this.#claim;
    const expected = this.#position.nextOffset;
    const target = this.#after(deliveriesDone, this.#claim);
    const { nextOffset: next, lastFingerprint } = target;
    const onParked = () => {
      this.#anyParked = true;
    };
    const move = { key, owner, expected, next, lastFingerprint, onParked };
    if (!(await this.#fences.advance(transaction, move))) throw fenced(this.#claim, expected);
    this.#position = target;
  }

  /**
   * No other transaction follows: who waits for this one to claim the partition is to find it left in order. A release
   * of its own would come too late.
   */
  async leave(transaction: Transaction): Promise<void> {
    if (this.#claim === null) return;
    await this.#fences.leave?.(transaction, this.#claim.key, this.#claim.owner);
  }

  /** To be called once the transaction has committed. */
  committed(): void {
    if (this.#claim !== null) Object.assign(this.#claim, this.#position);
  }

  /** Deliveries before the claim's position were done by an earlier transaction: they move nothing. */
  #after(deliveriesDone: number, { nextOffset, lastFingerprint }: FenceClaim): Position {
    const last = this.#deliveries[deliveriesDone - 1];
    if (last === undefined || last.offset < nextOffset) return { nextOffset, lastFingerprint };
    return { nextOffset: last.offset + 1n, lastFingerprint: bodyFingerprint(last.body) };
  }
}

function fenced({ key, owner }: FenceClaim, expected: bigint): ExactlyOnceError {
  const { topic, partition } = key;
  return new ExactlyOnceError('EO_FENCED', `${topic}/${partition} is not at ${expected} for ${owner}`, {
    details: { topic, partition, expected: String(expected), owner },
  });
}
