/**
 * Watches whether processing moves, for health: work that stands still is reported, not ended.
 */
import type { Clock } from '../clock.js';
import type { BatchPlan } from './batch-plan.js';
import { defaultTimeoutMs } from './registered-handler.js';

export interface Stretch {
  moved(): void;
  end(): void;
}

interface Running {
  readonly where: string;
  readonly patienceMs: number;
  movedAtMs: number;
}

export class Progress {
  readonly #clock: Clock;
  readonly #running = new Set<Running>();
  #trouble: string | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  begin(plan: BatchPlan): Stretch {
    const first = plan.deliveries[0];
    const timeouts = plan.units.map((unit) => unit.handler?.timeoutMs ?? defaultTimeoutMs);
    const running: Running = {
      where: first === undefined ? 'nothing' : `${first.topic}/${first.partition}`,
      patienceMs: 2 * Math.max(defaultTimeoutMs / 2, ...timeouts),
      movedAtMs: this.#clock.now(),
    };
    this.#running.add(running);
    return {
      moved: () => {
        running.movedAtMs = this.#clock.now();
        this.#trouble = null;
      },
      end: () => {
        this.#running.delete(running);
      },
    };
  }

  /** Something outside of the events failed, for example the database; forgotten at the next commit. */
  trouble(reason: string): void {
    this.#trouble = reason;
  }

  /** Down: no commit for twice the handler's time, or trouble that lasts. */
  stuck(): string | null {
    if (this.#trouble !== null && this.#running.size > 0) return this.#trouble;
    for (const { where, movedAtMs, patienceMs } of this.#running) {
      const stillMs = this.#clock.now() - movedAtMs;
      if (stillMs > patienceMs) return `no progress on ${where} for ${stillMs} ms`;
    }
    return null;
  }
}
