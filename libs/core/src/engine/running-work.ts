/**
 * Counts what others have begun inside the engine, so that a shutdown can wait for it.
 *
 * Once it stops it takes nothing new; what still runs gets its grace time, then is told to roll back, and is
 * waited for.
 */
import type { Clock } from '../clock.js';
import { ExactlyOnceError } from '../errors/exactly-once-error.js';

export class RunningWork {
  readonly #clock: Clock;
  readonly #running = new Set<Promise<unknown>>();
  readonly #draining = new AbortController();
  readonly #aborted = new AbortController();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Aborts when nothing new is taken any more. */
  get draining(): AbortSignal {
    return this.#draining.signal;
  }

  /** Aborts when the grace time is over: what runs must end and roll back. */
  get aborted(): AbortSignal {
    return this.#aborted.signal;
  }

  /** Throws EO_SHUTTING_DOWN, and does not begin, once `stop` was called. */
  async run<T>(what: string, work: () => Promise<T>): Promise<T> {
    if (this.#draining.signal.aborted) {
      throw new ExactlyOnceError('EO_SHUTTING_DOWN', `${what} was not begun any more`);
    }
    const running = work();
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  async stop(graceMs: number): Promise<void> {
    this.#draining.abort();
    if (this.#running.size > 0) {
      const over = new AbortController();
      const done = Promise.allSettled(this.#running).then(() => over.abort());
      await this.#clock.sleep(graceMs, over.signal);
      this.#aborted.abort();
      await done;
    }
    this.#aborted.abort();
  }
}
