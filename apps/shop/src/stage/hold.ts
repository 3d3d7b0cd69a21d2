/**
 * Holds the process within an open transaction when it was asked to: it says so, and goes no further. The kill that
 * follows lands there by construction, not by luck.
 *
 * Holds once; before the order to do so it costs a comparison.
 */
import type { EventMark, HoldPlace } from './messages.js';
import type { Tell } from './report-pipe.js';

export class Hold {
  #wanted: HoldPlace | null = null;

  constructor(readonly tell: Tell) {}

  ask(where: HoldPlace): void {
    this.#wanted = where;
  }

  /** Called where a transaction is open and the events in `written` have written. Never resolves where it holds. */
  async reached(where: HoldPlace, written: readonly EventMark[]): Promise<void> {
    if (this.#wanted !== where) return;
    this.#wanted = null;
    this.tell({ kind: 'held', where, written });
    await new Promise(() => {});
  }
}
