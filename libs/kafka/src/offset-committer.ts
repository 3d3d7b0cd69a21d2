/**
 * Acknowledges to the broker what is committed in the database, one request at a time, the newest position of each
 * partition. Step 7 of an event's life. A failure only means redelivery, and is tried again while the partition is
 * ours; never sends a position of a partition that went elsewhere.
 */
import { errorChain, type Logger } from '@exactly-once/core';
import type { PartitionOffset } from './kafka-client.js';

export interface CommitterParts {
  readonly logger: Logger;
  /** One attempt, as a member of the present generation. */
  readonly send: (offsets: readonly PartitionOffset[]) => Promise<void>;
  readonly assigned: (name: string) => boolean;
}

/** Milliseconds between two requests; doubles with each failure. */
const intervalMs = { first: 100, most: 5_000 };
/** At the last positions: a rebalance that ends just then refuses one. */
const lastAttempts = { most: 3, everyMs: 50 };

export class OffsetCommitter {
  readonly #parts: CommitterParts;
  readonly #pending = new Map<string, PartitionOffset>();
  /** Partitions forgotten while a request with them is under way. */
  readonly #forgotten = new Set<string>();
  #lastSent: Promise<void> = Promise.resolve();
  #running: Promise<void> | null = null;
  #flushing = false;
  #endPause: () => void = () => {};

  constructor(parts: CommitterParts) {
    this.#parts = parts;
  }

  add(name: string, offset: PartitionOffset): void {
    this.#pending.set(name, offset);
    this.#running ??= this.#run();
  }

  /** Forgets a partition that went elsewhere: its new owner commits. */
  forget(name: string): void {
    this.#pending.delete(name);
    this.#forgotten.add(name);
  }

  /**
   * Commits this and nothing older after it. Rejects where the broker does not take it, and with what `entitled` throws:
   * it is asked once more when the requests before it are answered.
   */
  async move(name: string, offset: PartitionOffset, entitled: () => void): Promise<void> {
    entitled();
    this.forget(name);
    await this.#oneAtATime(async () => {
      entitled();
      await this.#parts.send([offset]);
    });
  }

  /** Sends what is left without waiting, in a few attempts, and resolves when the broker has answered. */
  async flushed(): Promise<void> {
    this.#flushing = true;
    this.#endPause();
    await this.#running;
  }

  /** The position that counts stands in the database: a request for each small batch would be wasted. */
  async #pause(ms: number): Promise<void> {
    if (this.#flushing) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async #run(): Promise<void> {
    let waitMs = intervalMs.first;
    let lastOnes = 0;
    while (this.#pending.size > 0) {
      await this.#pause(waitMs);
      const last = this.#flushing;
      try {
        await this.#oneAtATime(() => this.#sendPending());
        waitMs = intervalMs.first;
      } catch (error) {
        waitMs = Math.min(waitMs * 2, intervalMs.most);
        const reason = errorChain(error).join(' <- ');
        this.#parts.logger.warn(`offsets were not committed, records may come again: ${reason}`);
        if (last && ++lastOnes === lastAttempts.most) this.#pending.clear();
        else if (last) await new Promise((resolve) => setTimeout(resolve, lastAttempts.everyMs));
      }
    }
    this.#running = null;
  }

  async #sendPending(): Promise<void> {
    const offsets = [...this.#pending].filter(([name]) => this.#parts.assigned(name));
    this.#pending.clear();
    this.#forgotten.clear();
    if (offsets.length === 0) return;
    try {
      await this.#parts.send(offsets.map(([, offset]) => offset));
    } catch (error) {
      for (const [name, offset] of offsets) {
        const stale = this.#pending.has(name) || this.#forgotten.has(name) || !this.#parts.assigned(name);
        if (!stale) this.#pending.set(name, offset);
      }
      throw error;
    }
  }

  async #oneAtATime(work: () => Promise<void>): Promise<void> {
    const done = this.#lastSent.then(work);
    this.#lastSent = done.catch(() => undefined);
    await done;
  }
}
