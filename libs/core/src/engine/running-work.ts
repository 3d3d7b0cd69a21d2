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
  /** The same for those who need no signal: calls the listener, at once where it is late. Returns how to forget it. */
  readonly onAbort: (listener: () => void) => () => void;
}

/** One work; its signals are made when they are asked for. */
class Running implements WorkSignals {
  ended: Promise<unknown> = Promise.resolve();
  readonly #draining = new LazySignal();
  readonly #aborted = new LazySignal();
  readonly #listeners = new Set<() => void>();

  get draining(): AbortSignal {
    return this.#draining.signal;
  }

  get aborted(): AbortSignal {
    return this.#aborted.signal;
  }

  readonly onAbort = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    if (this.#aborted.over) listener();
    return () => this.#listeners.delete(listener);
  };

  drain(): void {
    this.#draining.abort();
  }

  abort(): void {
    this.#aborted.abort();
    for (const listener of this.#listeners) listener();
  }
}

class LazySignal {
  #controller: AbortController | null = null;
  over = false;

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.over) this.#controller.abort();
    return this.#controller.signal;
  }

  abort(): void {
    this.over = true;
    this.#controller?.abort();
  }
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
    const running = new Running();
    this.#running.add(running);
    try {
      const working = work(running);
      running.ended = working;
      return await working;
    } finally {
      this.#running.delete(running);
    }
  }

  async stop(graceMs: number): Promise<void> {
    this.#stopped = true;
    const running = [...this.#running];
    for (const one of running) one.drain();
    if (running.length === 0) return;
    const over = new AbortController();
    const done = Promise.allSettled(running.map(({ ended }) => ended)).then(() => over.abort());
    await this.#clock.sleep(graceMs, over.signal);
    for (const one of running) one.abort();
    await done;
  }
}
