/**
 * Has the transactions of one handler take turns within the process, for a while after they collided: hot rows are
 * then written by one after the other, in groups, instead of in a deadlock.
 *
 * A matter of speed alone: whoever waited too long goes ahead, so that a slow partition never holds up the others.
 */
import type { Clock } from '../clock.js';

/** Milliseconds of taking turns after a collision; twice as long where the next one comes soon afterwards. */
const firstHoldMs = 5_000;
const longestHoldMs = 30_000;
/** Milliseconds that a turn is waited for. */
const patienceMs = 1_000;

export class Turns {
  readonly #clock: Clock;
  #holdMs = 0;
  #untilMs = 0;
  #last: Promise<void> = Promise.resolve();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  collided(): void {
    const now = this.#clock.now();
    if (now < this.#untilMs) return; // began before the turns did, or collided with another process
    const again = now < this.#untilMs + this.#holdMs;
    this.#holdMs = again ? Math.min(longestHoldMs, this.#holdMs * 2) : firstHoldMs;
    this.#untilMs = now + this.#holdMs;
  }

  /** Resolves when it is the caller's turn, or `signal` aborts, with what ends it. */
  async take(signal: AbortSignal): Promise<() => void> {
    if (this.#clock.now() >= this.#untilMs) return () => {};
    const before = this.#last;
    let end = () => {};
    const own = new Promise<void>((resolve) => {
      end = resolve;
    });
    this.#last = before.then(() => own);
    const over = new AbortController();
    const giveUp = () => over.abort();
    signal.addEventListener('abort', giveUp, { once: true });
    if (signal.aborted) giveUp();
    await Promise.race([before, this.#clock.sleep(patienceMs, over.signal)]);
    signal.removeEventListener('abort', giveUp);
    over.abort();
    return end;
  }
}
