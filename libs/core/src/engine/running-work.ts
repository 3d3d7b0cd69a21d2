/**
 * Counts what others have begun inside the engine, so that a shutdown can wait for it.
 *
 * Once it stops it takes nothing new; what still runs gets its grace time, then is told to roll back, and is
 * waited for.
 */
import type { Clock } from '../clock.js';
import { ExactlyOnceError } from '../errors/exactly-once-error.js';

/** What a shutdown tells a work. They are its own: signals that all shared would gather listeners by the hundred. */
export interface WorkSignals {
  /** Nothing new is taken any more. */
  readonly draining: AbortSignal;
  /** The grace time is over: it must end and roll back. */
  readonly aborted: AbortSignal;
}

interface Running {
  readonly draining: AbortController;
  readonly aborted: AbortController;
  ended: Promise<unknown>;
}

export class RunningWork {
  readonly #clock: Clock;
  readonly #running = new Set<Running>();
  #stopped = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Throws EO_SHUTTING_DOWN, and does not begin, once `stop` was called. */
  async run<T>(what: string, work: (signals: WorkSignals) => Promise<T>): Promise<T> {
    if (this.#stopped) {
      throw new ExactlyOnceError('EO_SHUTTING_DOWN', `${what} was not begun any more`);
    }
    const [draining, aborted] = [new AbortController(), new AbortController()];
    const running: Running = { draining, aborted, ended: Promise.resolve() };
    this.#running.add(running);
    try {
      const working = work({ draining: draining.signal, aborted: aborted.signal });
      running.ended = working;
      return await working;
    } finally {
      this.#running.delete(running);
    }
  }

  async stop(graceMs: number): Promise<void> {
    this.#stopped = true;
    const running = [...this.#running];
    for (const { draining } of running) draining.abort();
    if (running.length === 0) return;
    const over = new AbortController();
    const done = Promise.allSettled(running.map(({ ended }) => ended)).then(() => over.abort());
    await this.#clock.sleep(graceMs, over.signal);
    for (const { aborted } of running) aborted.abort();
    await done;
  }
}
