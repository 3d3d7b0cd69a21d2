/**
 * Rows of a shard that were claimed and are not done, and from where on the next claim has to look. Step 2 of an event's
 * life.
 *
 * The beginning only saves the database the way over what is done: no row that could be sent stands before it.
 */
import type { OutboxRow } from '../outbox/outbox-store.js';

export class UnderWay {
  readonly #positions = new Set<bigint>();
  /** All before it that could be sent were claimed. */
  #reach = 0n;
  #firstDead: bigint | null = null;

  get positions(): bigint[] {
    return [...this.#positions];
  }

  get from(): bigint {
    let from = this.#reach;
    if (this.#firstDead !== null && this.#firstDead < from) from = this.#firstDead;
    for (const position of this.#positions) if (position < from) from = position;
    return from;
  }

  /** `complete`: nothing that is pending stands before these rows, but for what is under way and what a dead row holds. */
  claimed(rows: readonly OutboxRow[], firstDead: bigint | null, complete: boolean): void {
    const before = this.#firstDead;
    this.#firstDead = firstDead;
    // Somebody has decided: what stood behind it is claimed again, and maybe not all of it by this claim.
    if (before !== null && (firstDead === null || firstDead > before) && before < this.#reach)
      this.#reach = before;
    for (const { position } of rows) this.#positions.add(position);
    const last = rows.at(-1);
    if (complete && last !== undefined && last.position >= this.#reach) this.#reach = last.position + 1n;
  }

  /** Gone from the outbox. */
  settled(positions: readonly bigint[]): void {
    for (const position of positions) this.#positions.delete(position);
  }

  /** Still in the outbox, and to be looked at again. */
  dropped(positions: readonly bigint[]): void {
    for (const position of positions) {
      this.#positions.delete(position);
      if (position < this.#reach) this.#reach = position;
    }
  }

  /** Nothing is known any more. */
  forget(): void {
    this.#positions.clear();
    this.#reach = 0n;
  }
}
