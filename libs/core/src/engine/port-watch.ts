/**
 * Asks a database or a broker now and then whether it is there, so that health knows it without any traffic.
 *
 * One question at a time: one that is not answered counts as a no, and no other follows it.
 */
import type { Clock } from '../clock.js';
import { errorChain } from '../errors/exactly-once-error.js';
import type { Logger } from '../telemetry/logger.js';

export interface PortWatchParts {
  /** For messages, for example `storage`. */
  readonly what: string;
  readonly ping: () => Promise<void>;
  readonly clock: Clock;
  readonly logger: Logger;
}

const intervalMs = 5_000;
const patienceMs = 10_000;

export class PortWatch {
  readonly #parts: PortWatchParts;
  #trouble: string | null = null;

  constructor(parts: PortWatchParts) {
    this.#parts = parts;
  }

  /** Why it is not there; `null` where it is. */
  trouble(): string | null {
    return this.#trouble;
  }

  /** Asks every five seconds until `signal` aborts. Rejects never. */
  async run(signal: AbortSignal): Promise<void> {
    const over = new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    while (!signal.aborted) {
      await Promise.race([this.#ask(), over]);
      await this.#parts.clock.sleep(intervalMs, signal);
    }
  }

  async #ask(): Promise<void> {
    const { ping, clock } = this.#parts;
    const stopTimer = clock.timer(patienceMs, () => this.#failed(`no answer for ${patienceMs} ms`));
    try {
      await ping();
      this.#trouble = null;
    } catch (error) {
      this.#failed(errorChain(error).join(' <- '));
    } finally {
      stopTimer();
    }
  }

  #failed(why: string): void {
    if (this.#trouble === null) this.#parts.logger.warn(`${this.#parts.what} does not answer: ${why}`);
    this.#trouble = why;
  }
}
