/**
 * Bytes that may wait in memory over all partitions of a consumer. All stop fetching at the bound and go on at half
 * of it: a partition whose own queue is empty waits for the others.
 */
export class MemoryBudget {
  readonly #bytes: number;
  readonly #listeners = new Set<() => void>();
  #used = 0;
  #full = false;

  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  get full(): boolean {
    return this.#full;
  }

  /** Adds, or gives back what is negative. */
  add(bytes: number): void {
    this.#used += bytes;
    const full = this.#used >= this.#bytes || (this.#full && this.#used > this.#bytes / 2);
    if (full === this.#full) return;
    this.#full = full;
    for (const listener of [...this.#listeners]) listener();
  }

  /** Calls `listener` after each change of `full`, until the returned function is called. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
