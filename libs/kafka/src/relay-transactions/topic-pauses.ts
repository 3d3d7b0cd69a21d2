/**
 * Topics that were missing or closed: for a while they are not asked for again, since others would wait for the answer.
 * Step 2 of an event's life.
 */
import type { Clock } from '@exactly-once/core';

const pauseMs = 2_000;

export class TopicPauses {
  readonly #clock: Clock;
  readonly #pauses = new Map<string, { readonly reason: string; readonly untilMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  begin(topic: string, reason: string): void {
    this.#pauses.set(topic, { reason, untilMs: this.#clock.now() + pauseMs });
  }

  /** Why it is not asked for; `null` where it is. */
  reason(topic: string): string | null {
    const pause = this.#pauses.get(topic);
    if (pause === undefined) return null;
    if (this.#clock.now() < pause.untilMs) return pause.reason;
    this.#pauses.delete(topic);
    return null;
  }
}
