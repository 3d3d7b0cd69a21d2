/**
 * Topics that could not be written to. For a while they are not asked for again, since others would wait for the answer;
 * then, until one of their events has passed, they are asked for by themselves. Step 2 of an event's life.
 */
import type { Clock } from '@exactly-once/core';

const pauseMs = 2_000;

interface Pause {
  readonly reason: string;
  readonly untilMs: number;
}

export class TopicPauses {
  readonly #clock: Clock;
  readonly #pauses = new Map<string, Pause>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  begin(topic: string, reason: string): void {
    this.#pauses.set(topic, { reason, untilMs: this.#clock.now() + pauseMs });
  }

  /** It may be asked for at once, by itself. */
  doubt(topic: string, reason: string): void {
    this.#pauses.set(topic, { reason, untilMs: Number.NEGATIVE_INFINITY });
  }

  /** Something of it has passed. */
  end(topic: string): void {
    this.#pauses.delete(topic);
  }

  /** It failed, and nothing of it has passed since. */
  isDoubtful(topic: string): boolean {
    return this.#pauses.has(topic);
  }

  /** Why it is not asked for; `null` where it is. */
  reason(topic: string): string | null {
    const pause = this.#pauses.get(topic);
    return pause !== undefined && this.#clock.now() < pause.untilMs ? pause.reason : null;
  }
}
