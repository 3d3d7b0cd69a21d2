/**
 * A clock that a test holds: time passes only by `advance`.
 *
 * Never looks at the machine's time.
 */
import type { Clock } from '@exactly-once/core';

interface Timer {
  readonly atMs: number;
  readonly action: () => void;
}

export class ManualClock implements Clock {
  #nowMs: number;
  readonly #timers = new Set<Timer>();

  readonly #settled: () => Promise<void>;

  /**
   * Begins at `startMs`, milliseconds since the epoch; default 2026-01-01. `settled` resolves when what a timer has caused
   * is done; default: after a few turns of the event loop.
   */
  constructor(startMs = Date.UTC(2026, 0, 1), settled = someTurns) {
    this.#nowMs = startMs;
    this.#settled = settled;
  }

  now(): number {
    return this.#nowMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (ms <= 0 || signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const end = () => {
        stop();
        signal?.removeEventListener('abort', end);
        resolve();
      };
      const stop = this.timer(ms, end);
      signal?.addEventListener('abort', end);
    });
  }

  timer(ms: number, action: () => void): () => void {
    const timer = { atMs: this.#nowMs + ms, action };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Lets `ms` milliseconds pass: timers that are due run in order, and what they cause runs, too. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      await this.#settled();
      const due = [...this.#timers].filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.#nowMs = Math.max(this.#nowMs, due.atMs);
      due.action();
    }
    this.#nowMs = untilMs;
    await this.#settled();
  }
}

/** A few turns of the event loop, so that what was waiting has gone on. */
async function someTurns(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}
