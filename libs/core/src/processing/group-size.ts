/**
 * How many events of a handler share the next transaction: as many as fit into the time that one may stay open, and
 * fewer where they collide with others.
 *
 * Doubles while groups end early. After a collision it halves at once and from then on grows slowly: a deadlock costs
 * far more than a commit.
 */
export interface GroupOutcome {
  readonly size: number;
  readonly done: number;
  /** Milliseconds that the handlers took, without the begin and the commit. */
  readonly handledMs: number;
}

const first = 64;

export class GroupSize {
  #current: number;
  #collided = false;

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
    this.#collided = true;
    this.#current = Math.max(1, Math.ceil(Math.min(size, this.#current) / 2));
  }

  /** Learns from a group that committed. A group that was small because little had come teaches nothing. */
  committed({ size, done, handledMs }: GroupOutcome): void {
    if (done < size) this.#current = Math.max(1, done);
    else if (size >= this.#current && handledMs < this.maxOpenMs / 2)
      this.#current = Math.min(this.most, this.#collided ? size + Math.ceil(size / 8) : size * 2);
  }
}
