/**
 * Watches whether processing moves, for health: work that stands still is reported, not ended.
 *
 * Who waits for others to end stands still only where they do. Otherwise the time to the next commit counts, whatever
 * it is spent on: a handler, its retries, a lock.
 */
import type { Clock } from '../clock.js';
import type { BatchPlan } from './batch-plan.js';
import { defaultTimeoutMs } from './registered-handler.js';

export interface Stretch {
  moved(): void;
  /** Somebody else's transaction has to end before its own may begin. */
  waits<T>(turn: Promise<T>): Promise<T>;
  end(): void;
}

interface Running {
  readonly where: string;
  readonly patienceMs: number;
  movedAtMs: number;
  /** `null`: it does not wait for others. */
  waitsSinceMs: number | null;
}

export class Progress {
  readonly #clock: Clock;
  readonly #running = new Set<Running>();
  #trouble: string | null = null;
  /** When any of them last moved. */
  #movedAtMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#movedAtMs = clock.now();
  }

  begin({ deliveries: [first], units }: BatchPlan): Stretch {
    const timeouts = units.map(({ handler }) => handler?.timeoutMs ?? defaultTimeoutMs);
    const running: Running = {
      where: first === undefined ? 'nothing' : `${first.topic}/${first.partition}`,
      patienceMs:
        2 * timeouts.reduce((most, one) => Math.max(most, one), units.length === 0 ? defaultTimeoutMs : 1),
      movedAtMs: this.#clock.now(),
      waitsSinceMs: null,
    };
    this.#running.add(running);
    return {
      moved: () => {
        this.#movedAtMs = this.#clock.now();
        running.movedAtMs = this.#movedAtMs;
        this.#trouble = null;
      },
      waits: (turn) => this.#waits(running, turn),
      end: () => {
        this.#running.delete(running);
      },
    };
  }

  /** Something outside of the events failed, for example the database; forgotten at the next commit. */
  trouble(reason: string): void {
    this.#trouble = reason;
  }

  /**
   * Down: no commit for twice the `timeoutMs` of the slowest handler among the events at hand, or trouble since the last
   * commit. Who waits for others is counted only from their last commit on, and has the patience of the slowest of them.
   */
  stuck(): string | null {
    if (this.#trouble !== null && this.#running.size > 0) return this.#trouble;
    const nowMs = this.#clock.now();
    let longestMs = 0;
    for (const { patienceMs } of this.#running) longestMs = Math.max(longestMs, patienceMs);
    for (const { where, movedAtMs, patienceMs, waitsSinceMs } of this.#running) {
      const otherMs = waitsSinceMs === null ? 0 : Math.max(0, this.#movedAtMs - waitsSinceMs);
      const stillMs = nowMs - movedAtMs - otherMs;
      if (stillMs > (waitsSinceMs === null ? patienceMs : longestMs))
        return `no progress on ${where} for ${stillMs} ms`;
    }
    return null;
  }

  /** The turn came: so the others had not stood still, and none of that time was its own. */
  async #waits<T>(running: Running, turn: Promise<T>): Promise<T> {
    running.waitsSinceMs = this.#clock.now();
    try {
      return await turn;
    } finally {
      running.movedAtMs += this.#clock.now() - running.waitsSinceMs;
      running.waitsSinceMs = null;
    }
  }
}
