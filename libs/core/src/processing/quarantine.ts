/**
 * Lets the groups of an engine run beside each other, and one that is under suspicion by itself. Between steps 3 and 4
 * of an event's life.
 *
 * Who dies alone has died of what it ran: without this the events that other partitions run at that moment would be
 * accused with it. Costs nothing while nobody is under suspicion.
 */
export class Quarantine {
  #running = 0;
  #isAlone = false;
  /** How many wait to be alone: nobody else begins meanwhile. */
  #wanted = 0;
  readonly #waiting = new Set<() => void>();

  /** Resolves with what ends the stay, to be called once; `null` where `signal` aborted before its turn. */
  async enter(alone: boolean, signal: AbortSignal): Promise<(() => void) | null> {
    if (alone) this.#wanted++;
    while (this.#isAlone || (alone ? this.#running > 0 : this.#wanted > 0)) {
      if (signal.aborted) break;
      await this.#change(signal);
    }
    if (alone) this.#wanted--;
    if (this.#isAlone || (alone ? this.#running > 0 : this.#wanted > 0)) {
      this.#wake();
      return null;
    }
    this.#running++;
    this.#isAlone = alone;
    return () => {
      this.#running--;
      this.#isAlone = false;
      this.#wake();
    };
  }

  async #change(signal: AbortSignal): Promise<void> {
    let wake = () => {};
    await new Promise<void>((resolve) => {
      wake = resolve;
      this.#waiting.add(wake);
      signal.addEventListener('abort', wake, { once: true });
    });
    this.#waiting.delete(wake);
    signal.removeEventListener('abort', wake);
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
  }
}
