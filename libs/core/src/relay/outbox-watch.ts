/**
 * Reports how much waits in the outbox, for how long, and what the broker refused for good. Reads only.
 */
import type { Clock } from '../clock.js';
import { errorChain } from '../errors/exactly-once-error.js';
import type { OutboxStore } from '../outbox/outbox-store.js';
import type { Logger } from '../telemetry/logger.js';
import type { Telemetry } from '../telemetry/telemetry.js';

export interface OutboxWatchParts {
  readonly outbox: OutboxStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
}

const intervalMs = 10_000;

export class OutboxWatch {
  readonly #parts: OutboxWatchParts;
  #note: string | null = null;

  constructor(parts: OutboxWatchParts) {
    this.#parts = parts;
  }

  /** What somebody should look at, for health; `null` where there is nothing. */
  note(): string | null {
    return this.#note;
  }

  /** Looks every ten seconds until `signal` aborts. Rejects never. */
  async run(signal: AbortSignal): Promise<void> {
    const { outbox, clock, logger, telemetry } = this.#parts;
    while (!signal.aborted) {
      try {
        const { pending, dead, oldestAgeMs } = await outbox.depth();
        telemetry.gauge('exactly_once.outbox_depth', pending);
        telemetry.gauge('exactly_once.outbox_age', oldestAgeMs);
        telemetry.gauge('exactly_once.outbox_dead', dead);
        this.#note = dead === 0 ? null : deadNote(dead);
      } catch (error) {
        this.#note = errorChain(error).join(' <- ');
        logger.warn(`outbox depth is not known: ${this.#note}`);
      }
      await clock.sleep(intervalMs, signal);
    }
  }
}

function deadNote(dead: number): string {
  const [what, wait] =
    dead === 1 ? ['1 event was', 'its key waits'] : [`${dead} events were`, 'their keys wait'];
  return `${what} refused by the broker for good; ${wait} for a decision: "npx exactly-once outbox list"`;
}
