/**
 * Topics that the broker cannot take just now: they are left for a while, so that others are published meanwhile.
 * Step 2 of an event's life.
 */
import type { SendOutcome } from '../broker/publisher.js';
import type { Clock } from '../clock.js';
import type { OutboxRow } from '../outbox/outbox-store.js';

export class TopicWaits {
  readonly #clock: Clock;
  readonly #waitMs: number;
  readonly #waiting = new Map<string, { readonly reason: string; readonly untilMs: number }>();

  #said: string | null = null;

  constructor(clock: Clock, waitMs: number) {
    this.#clock = clock;
    this.#waitMs = waitMs;
  }

  /** Why the first of them waits; `null` where none does. */
  get reason(): string | null {
    const [first] = this.#waiting.values();
    return first?.reason ?? null;
  }

  /** The reason, where it is another one than at the last call; `null` where there is nothing new to say. */
  news(): string | null {
    const { reason } = this;
    if (reason === this.#said) return null;
    this.#said = reason;
    return reason;
  }

  /** Not to be claimed now. */
  topics(): string[] {
    const nowMs = this.#clock.now();
    return [...this.#waiting].flatMap(([topic, { untilMs }]) => (nowMs < untilMs ? [topic] : []));
  }

  /** What has waited long enough is asked again by these rows, or there is nothing left of it. */
  claimed(rows: readonly OutboxRow[]): void {
    const topics = new Set(rows.map(({ event }) => event.topic));
    const still = new Set(this.topics());
    for (const topic of this.#waiting.keys()) {
      if (!still.has(topic) && !topics.has(topic)) this.#waiting.delete(topic);
    }
  }

  answered(rows: readonly OutboxRow[], outcomes: readonly SendOutcome[]): void {
    for (const { event } of rows) this.#waiting.delete(event.topic);
    for (const [index, outcome] of outcomes.entries()) {
      const row = rows[index];
      if (outcome.status !== 'later' || row === undefined) continue;
      const untilMs = this.#clock.now() + this.#waitMs;
      this.#waiting.set(row.event.topic, { reason: outcome.reason, untilMs });
    }
  }
}
