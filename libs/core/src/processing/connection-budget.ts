/**
 * How many groups may have a transaction at the same time: fewer than the pool has connections, so that the relay and
 * the application's own requests keep some. First come, first served.
 */

/** Of the pool's connections a quarter is left to others, and at least two; one group can always work. */
export function groupsAtOnce(connections: number | null): number {
  if (connections === null) return Number.POSITIVE_INFINITY;
  return Math.max(1, connections - Math.max(2, Math.ceil(connections / 4)));
}

/** Parked keys that are retried at the same time: at most half of the groups, so that the partitions go on. */
export function keysAtOnce(connections: number | null): number {
  return Math.max(1, Math.min(8, Math.floor(groupsAtOnce(connections ?? 12) / 2)));
}

export class ConnectionBudget {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(most: number) {
    this.#free = most;
  }

  /** Resolves when the caller may begin a transaction, or `signal` aborts, with what gives the place back. */
  async take(signal: AbortSignal): Promise<() => void> {
    if (this.#free > 0) this.#free--;
    else if (!(await this.#next(signal))) return () => {};
    return () => {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    };
  }

  /** False where `signal` aborted before. */
  #next(signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const go = () => {
        signal.removeEventListener('abort', giveUp);
        resolve(true);
      };
      const giveUp = () => {
        this.#waiting.splice(this.#waiting.indexOf(go), 1);
        resolve(false);
      };
      this.#waiting.push(go);
      signal.addEventListener('abort', giveUp, { once: true });
      if (signal.aborted) giveUp();
    });
  }
}
