/**
 * Forgets what is past its time, in bounded steps: inbox records, records of the database's own log, and what has left
 * the outbox. Step 9 of an event's life.
 *
 * Never holds a long lock: each step is one short statement, and it pauses between full ones.
 */
import type { Clock } from '../clock.js';
import { errorChain } from '../errors/exactly-once-error.js';
import type { Logger } from '../telemetry/logger.js';

/** Something of which old records can be deleted: at most `limit` older than `olderThanMs` milliseconds; how many were. */
export interface Forgetful {
  deleteOlderThan(olderThanMs: number, limit: number): Promise<number>;
}

export interface RetentionParts {
  readonly forgetful: readonly Forgetful[];
  readonly clock: Clock;
  readonly logger: Logger;
  readonly windowMs: number;
  readonly batchSize: number;
  readonly intervalMs: number;
}

const pauseMs = 50;

export class Retention {
  #trouble: string | null = null;

  constructor(readonly parts: RetentionParts) {}

  /** Why the last sweep forgot less than it should have, for health; `null` where it did not. */
  trouble(): string | null {
    return this.#trouble;
  }

  /** Sweeps until `signal` aborts. Rejects never: a failed sweep is logged and comes again. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, logger, intervalMs } = this.parts;
    while (!signal.aborted) {
      const deleted = await this.sweep(signal);
      if (deleted > 0) logger.debug(`retention: ${deleted} records forgotten`);
      if (this.#trouble !== null) logger.warn(`retention: again in ${intervalMs} ms: ${this.#trouble}`);
      await clock.sleep(intervalMs, signal);
    }
  }

  /** Deletes what is past the window, step by step; how many records. One that fails keeps no other from it. */
  async sweep(signal: AbortSignal): Promise<number> {
    const troubles: string[] = [];
    let total = 0;
    for (const one of this.parts.forgetful) {
      try {
        total += await this.#sweep(one, signal);
      } catch (error) {
        troubles.push(errorChain(error).join(' <- '));
      }
    }
    this.#trouble = troubles.length === 0 ? null : troubles.join('; ');
    return total;
  }

  async #sweep(one: Forgetful, signal: AbortSignal): Promise<number> {
    const { clock, windowMs, batchSize } = this.parts;
    let total = 0;
    while (!signal.aborted) {
      const deleted = await one.deleteOlderThan(windowMs, batchSize);
      total += deleted;
      if (deleted < batchSize) break;
      await clock.sleep(pauseMs, signal);
    }
    return total;
  }
}
