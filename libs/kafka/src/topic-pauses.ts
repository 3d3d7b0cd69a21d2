/**
 * Topics that could not be written to. For a while they are not asked for again, since others would wait for the answer;
 * then, until one of their events has passed, they are asked for by themselves. Step 2 of an event's life.
 */
import type { Clock } from '@exactly-once/core';

/** At least; a topic whose answer takes long pauses for several times as long, so that others have most of the time. */
const pauseMs = { least: 2_000, times: 4, most: 30_000 };

interface Pause {
  readonly reason: string;
  readonly untilMs: number;
}

export class TopicPauses {
  readonly #clock: Clock;
  readonly #pauses = new Map<string, Pause>();
  #askedAtMs = Number.POSITIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Before each request: what fails next has taken as long as since then. */
  asking(): void {
    this.#askedAtMs = this.#clock.now();
  }

  begin(topic: string, reason: string): void {
    const { least, times, most } = pauseMs;
    const nowMs = this.#clock.now();
    const waitMs = Math.min(Math.max(least, times * (nowMs - this.#askedAtMs)), most);
    this.#pauses.set(topic, { reason, untilMs: nowMs + waitMs });
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
