/**
 * Ends a wait early: something happened that is worth a look. A hint that comes while nobody waits is kept for the
 * next wait, so none is lost; several are one.
 */
import type { Clock } from './clock.js';

export class Hint {
  #given = false;
  #waiting: AbortController | null = null;

  give(): void {
    this.#given = true;
    this.#waiting?.abort();
  }

  /** Resolves after `ms` milliseconds, at a hint since the last wait, or when `signal` aborts; never rejects. */
  async wait(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
    if (!this.#given && !signal.aborted) {
      const waiting = new AbortController();
      const onAbort = () => waiting.abort();
      this.#waiting = waiting;
      signal.addEventListener('abort', onAbort, { once: true });
      await clock.sleep(ms, waiting.signal);
      signal.removeEventListener('abort', onAbort);
      this.#waiting = null;
    }
    this.#given = false;
  }
}
