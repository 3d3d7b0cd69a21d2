/**
 * Work of an engine that runs on its own, by the name of the part that it belongs to.
 *
 * None of it may reject: that is a defect, and loud, and its part is down from then on.
 */
import type { Clock } from '../clock.js';
import { errorChain } from '../errors/exactly-once-error.js';
import type { Logger } from '../telemetry/logger.js';

export class Background {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #running = new Map<Promise<void>, string>();
  readonly #failures = new Map<string, string>();

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
  }

  keep(part: string, work: Promise<void>): void {
    const kept = work.catch((error: unknown) => {
      const why = errorChain(error).join(' <- ');
      this.#failures.set(part, why);
      this.#logger.error(`${part} failed in the background: ${why}`, error);
    });
    this.#running.set(kept, part);
    void kept.then(() => this.#running.delete(kept));
  }

  /** Why a part runs no more; `null` where it did not fail. */
  failure(part: string): string | null {
    return this.#failures.get(part) ?? null;
  }

  /** Waits until all of it has ended, at most `withinMs` milliseconds. Rejects never. */
  async end(withinMs: number): Promise<void> {
    if (this.#running.size === 0) return;
    const over = new AbortController();
    void Promise.all(this.#running.keys()).then(() => over.abort());
    await this.#clock.sleep(withinMs, over.signal);
    if (over.signal.aborted) return;
    const parts = [...new Set(this.#running.values())].join(', ');
    this.#logger.warn(`not waited for any longer than ${withinMs} ms: ${parts}`);
  }
}
