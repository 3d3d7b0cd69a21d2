/**
 * Lets a replayed event wait for the batches that run. Step 8 of an event's life.
 *
 * A batch that began before the replay does not know that the key is parked, and may handle an event of it; those that
 * begin later know. Never lets a replayed event run beside one of its key.
 */
import { hasCode } from '../errors/exactly-once-error.js';
import type { ParkedEntry } from '../failure/park-store.js';
import { inPatience, type ParkedKey, type ParkRetryParts } from './park-attempt.js';

export interface ReplayWaitParts extends ParkRetryParts {
  /** Whose partitions the events come from. */
  readonly consumerGroup: string;
}

/** Of one stretch of work on a key, during which the key stays parked: waited for once. */
export class ReplayWait {
  readonly #parts: ReplayWaitParts;
  readonly #key: ParkedKey;
  #over = false;

  constructor(parts: ReplayWaitParts, key: ParkedKey) {
    this.#parts = parts;
    this.#key = key;
  }

  isDue({ position }: ParkedEntry): boolean {
    return position < 0n && !this.#over;
  }

  /** `false`: they take long. */
  async batchesEnd({ partition }: ParkedEntry): Promise<boolean> {
    const { group, consumerGroup } = this.#parts;
    const { fences } = group.storage;
    const { handler, scope } = this.#key;
    const fence = { group: consumerGroup, topic: scope.topic, partition };
    try {
      await inPatience(this.#parts, handler, async (transaction) => fences.settled?.(transaction, fence));
      this.#over = true;
      return true;
    } catch (error) {
      if (hasCode(error, 'EO_SERIALIZATION_FAILURE')) return false;
      throw error;
    }
  }
}
