/**
 * Reports what is parked, for health and telemetry: whose events wait, and why. Step 8 of an event's life.
 *
 * Reads only, and takes no service out of traffic: an event that waits holds up its own key alone.
 */
import type { Clock } from '../clock.js';
import { errorChain } from '../errors/exactly-once-error.js';
import type { Logger } from '../telemetry/logger.js';
import type { Telemetry } from '../telemetry/telemetry.js';
import type { ParkStore } from './park-store.js';

export interface ParkWatchParts {
  readonly parked: ParkStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
}

const intervalMs = 10_000;

export class ParkWatch {
  readonly #parts: ParkWatchParts;
  #note: string | null = null;

  constructor(parts: ParkWatchParts) {
    this.#parts = parts;
  }

  /** What somebody should look at; `null` where nothing is parked. */
  note(): string | null {
    return this.#note;
  }

  /** Looks every ten seconds until `signal` aborts. Rejects never. */
  async run(signal: AbortSignal): Promise<void> {
    const { parked, clock, logger, telemetry } = this.#parts;
    while (!signal.aborted) {
      try {
        const events = await parked.count();
        telemetry.gauge('exactly_once.parked_events', events);
        this.#note = events === 0 ? null : await this.#parkedNote(events);
      } catch (error) {
        this.#note = errorChain(error).join(' <- ');
        logger.warn(`parked events are not known: ${this.#note}`);
      }
      await clock.sleep(intervalMs, signal);
    }
  }

  async #parkedNote(events: number): Promise<string> {
    const [first] = await this.#parts.parked.scopes(1);
    if (first === undefined) return `${events} parked`;
    const { handler, topic, key, code } = first;
    const whose =
      key === null ? 'an event without key' : `key ${JSON.stringify(Buffer.from(key).toString())}`;
    return `${events} parked, first ${whose} of ${topic} for ${handler} (${code})`;
  }
}
