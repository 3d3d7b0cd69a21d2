/**
 * Who may speak to the one session of an embedded database: one stream at a time, the others in the order they came.
 *
 * Held from the first byte of a request until the session is idle again, so for the whole of a transaction. Never
 * passes to one that has withdrawn.
 */
import { ExactlyOnceError } from '@exactly-once/core';

interface Waiting {
  readonly who: object;
  readonly enter: () => void;
  readonly refuse: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

export class SessionGate {
  #holder: object | null = null;
  readonly #queue: Waiting[] = [];

  isHeldBy(who: object): boolean {
    return this.#holder === who;
  }

  /** Resolves when `who` holds the gate. Throws EO_DATABASE_BUSY after `patienceMs` milliseconds. */
  async enter(who: object, patienceMs: number): Promise<void> {
    if (this.#holder === who) return;
    if (this.#holder === null) {
      this.#holder = who;
      return;
    }
    await new Promise<void>((enter, refuse) => {
      const timer = setTimeout(() => this.#withdraw(who, busy(patienceMs)), patienceMs);
      this.#queue.push({ who, enter, refuse, timer });
    });
  }

  /** Passes the gate on where `who` holds it; where it still waits, its waiting ends with an error. */
  leave(who: object): void {
    if (this.#holder === who) this.#pass();
    else this.#withdraw(who, new Error('the stream has left'));
  }

  #pass(): void {
    const next = this.#queue.shift();
    this.#holder = next?.who ?? null;
    clearTimeout(next?.timer);
    next?.enter();
  }

  #withdraw(who: object, reason: Error): void {
    const index = this.#queue.findIndex((waiting) => waiting.who === who);
    if (index === -1) return;
    const [waiting] = this.#queue.splice(index, 1);
    clearTimeout(waiting?.timer);
    waiting?.refuse(reason);
  }
}

function busy(patienceMs: number): ExactlyOnceError {
  const what = `a statement waited ${patienceMs} ms for the embedded database while another transaction was open`;
  return new ExactlyOnceError('EO_DATABASE_BUSY', what, { details: { patienceMs } });
}
