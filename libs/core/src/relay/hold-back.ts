/**
 * Which of the rows that a claim found may be sent: none that a transaction still open may yet write rows before.
 * Step 2 of an event's life.
 *
 * It takes two looks: a row may go that was to be seen in a look whose writers, those who had written to the outbox and
 * were not to be seen, have all ended since. A writer that does not end is waited for `mostMs`, once; then rows pass it by.
 */
import type { OutboxClaim, OutboxRow } from '../outbox/outbox-store.js';

/** A look at the outbox, and whom it could not see. */
interface Look {
  readonly snapshot: string;
  readonly writers: readonly string[];
}

export class HoldBack {
  readonly #mostMs: number;
  #last: Look | null = null;
  /** When each open writer was seen first. */
  #since = new Map<string, number>();
  readonly #passed = new Set<string>();

  constructor(mostMs: number) {
    this.#mostMs = mostMs;
  }

  /** With it the next claim tells which rows were to be seen then; `null` before the first. */
  get snapshot(): string | null {
    return this.#last?.snapshot ?? null;
  }

  /** Whom the last look could not see. */
  get writers(): readonly string[] {
    return this.#last?.writers ?? [];
  }

  /** False: the next look frees what the last one has seen. */
  get waits(): boolean {
    return this.writers.length > 0;
  }

  /** Rows pass by a writer that is open: what it wrote stands before them. */
  get passesBy(): boolean {
    return this.#passed.size > 0;
  }

  /** Milliseconds for which the longest open writer has held rows back; 0 where nothing is held back. */
  heldMs(nowMs: number): number {
    const since = this.#last?.writers.flatMap((writer) => this.#since.get(writer) ?? []) ?? [];
    return since.length === 0 ? 0 : nowMs - Math.min(...since);
  }

  /** How many of the rows, from the first, may be sent; and the writers that are waited for no longer. */
  free({ rows, snapshot, writers }: OutboxClaim, nowMs: number): { count: number; overdue: string[] } {
    const overdue = this.#note(writers, nowMs);
    const open = writers.filter((writer) => !this.#passed.has(writer));
    const last = this.#last;
    const ended = last !== null && !last.writers.some((writer) => open.includes(writer));
    // A look whose writers have ended serves as long as it knows all that is found.
    if (last === null || (ended && !rows.every(({ known }) => known)))
      this.#last = { snapshot, writers: open };
    return { count: ended ? upToLastKnown(rows) : 0, overdue };
  }

  #note(writers: readonly string[], nowMs: number): string[] {
    this.#since = new Map(writers.map((writer) => [writer, this.#since.get(writer) ?? nowMs]));
    for (const writer of this.#passed) if (!this.#since.has(writer)) this.#passed.delete(writer);
    const overdue = writers.filter(
      (writer) => !this.#passed.has(writer) && nowMs - this.#since.get(writer)! >= this.#mostMs,
    );
    for (const writer of overdue) this.#passed.add(writer);
    return overdue;
  }
}

function upToLastKnown(rows: readonly OutboxRow[]): number {
  return rows.findLastIndex(({ known }) => known) + 1;
}
