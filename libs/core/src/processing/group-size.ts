/**
 * How many events share the next transaction: as many as fit into the time that one may stay open.
 *
 * Grows while groups end early and shrinks to what fitted, so that little is admitted and handed back unhandled.
 */
export interface GroupOutcome {
  readonly size: number;
  readonly done: number;
  readonly tookMs: number;
}

const first = 16;

export class GroupSize {
  #current: number;

  constructor(
    readonly most: number,
    readonly maxOpenMs: number,
  ) {
    this.#current = Math.min(first, most);
  }

  get current(): number {
    return this.#current;
  }

  /** A group collided with another transaction: the next ones hold fewer locks. */
  collided(size: number): void {
    this.#current = Math.max(1, Math.ceil(Math.min(size, this.#current) / 2));
  }

  /** Learns from a group that committed. */
  committed({ size, done, tookMs }: GroupOutcome): void {
    if (done < size) this.#current = Math.max(1, done);
    else if (size >= this.#current && tookMs < this.maxOpenMs / 2)
      this.#current = Math.min(this.most, size * 2);
  }
}
