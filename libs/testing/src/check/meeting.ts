/**
 * Has handlers of several processes begin at the same moment, each in its own transaction: what one reads, another is
 * about to change.
 */
import type { Faults } from '../application/test-record.js';

export class Meeting implements Faults {
  #missing = 0;
  #open: () => void = () => {};
  #opened: Promise<void> = Promise.resolve();

  /** The next calls wait until there are `count` of them, or for `end`. */
  begin(count: number): void {
    this.#missing = count;
    this.#opened = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  /** Nobody waits any more. */
  end(): void {
    this.#open();
  }

  beforeCall(): Promise<void> {
    this.#missing--;
    if (this.#missing <= 0) this.#open();
    return this.#opened;
  }
}
