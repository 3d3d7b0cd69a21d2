/**
 * Ends calls before they have ended by themselves: one by its time, all of a group where its work must stop. Step 5
 * of an event's life.
 *
 * Nothing is made for a call that needs nothing: a signal only where its handler asks for one.
 */
import type { ExactlyOnceError } from '../errors/exactly-once-error.js';

/** Ends all calls that run in a group, and those that begin afterwards. */
export class GroupInterrupt {
  readonly #running = new Set<() => void>();
  #interrupted = false;

  /** Calls `end` when the group is interrupted: at once where it is already. */
  add(end: () => void): void {
    this.#running.add(end);
    if (this.#interrupted) end();
  }

  remove(end: () => void): void {
    this.#running.delete(end);
  }

  /** Is interrupted when `signal` aborts, as long as `work` takes. */
  async during<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    signal.addEventListener('abort', this.interrupt, { once: true });
    if (signal.aborted) this.interrupt();
    try {
      return await work();
    } finally {
      signal.removeEventListener('abort', this.interrupt);
    }
  }

  readonly interrupt = (): void => {
    this.#interrupted = true;
    for (const end of this.#running) end();
  };
}

/** Whether, and why, one call was ended from outside. */
export class CallEnd {
  #reason: ExactlyOnceError | null = null;
  #controller: AbortController | null = null;

  get reason(): ExactlyOnceError | null {
    return this.#reason;
  }

  /** The first reason stays. */
  end(reason: ExactlyOnceError): void {
    this.#reason ??= reason;
    this.#controller?.abort(this.#reason);
  }

  /** Aborts with the reason. */
  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.#reason !== null) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }
}
