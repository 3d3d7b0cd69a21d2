/**
 * Hands parked events to their handlers when their time has come. Step 8 of an event's life.
 *
 * Looks at an idle database at most every two seconds, and at once at a hint of this process. What it finds is only a
 * list: the key's row decides who retries, so that any number of processes share the work. Holds up no partition.
 */
import type { Clock } from '../clock.js';
import { errorChain, hasCode } from '../errors/exactly-once-error.js';
import { Hint } from '../hint.js';
import type { DueRetryEnd } from '../processing/due-retry.js';
import type { Logger } from '../telemetry/logger.js';
import { backoffMs, defaultRetryPolicy } from './failure-policy.js';
import type { ParkScope, ParkStore, UpcomingScope } from './park-store.js';

export interface RetrierParts {
  readonly parked: ParkStore;
  /** Of this process. */
  readonly handlerIds: readonly number[];
  /** Keys at a time. */
  readonly atOnce: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
  /** Retries a key until nothing of it is due; `uncounted`: failures in a row that did not count. */
  readonly retry: (scope: ParkScope, uncounted: number) => Promise<DueRetryEnd>;
}

const leastPollMs = 50;
const mostPollMs = 2_000;
/** Milliseconds for which a key is left to the other process that has it. */
const busyMs = 200;
/** Keys beside those that this process cannot take now, which must not hide others. */
const listed = 100;

/** What this process knows of a key that it cannot go on with now. */
interface Known {
  /** Not to be looked at before. */
  readonly untilMs: number;
  readonly uncounted: number;
  readonly trouble: string | null;
}

export class Retrier {
  readonly #parts: RetrierParts;
  readonly #news = new Hint();
  readonly #running = new Map<string, Promise<void>>();
  readonly #known = new Map<string, Known>();
  #queue: UpcomingScope[] = [];
  #pollMs = leastPollMs;
  #lookAtMs = 0;
  #failures = 0;
  #trouble: string | null = null;

  constructor(parts: RetrierParts) {
    this.#parts = parts;
  }

  /** Something is due at `atMs`. */
  hint(atMs: number): void {
    if (atMs >= this.#lookAtMs) return;
    this.#lookAtMs = atMs;
    this.#news.give();
  }

  /** Why nothing is retried, for health; `null` where that is not so. */
  stuck(): string | null {
    return this.#trouble;
  }

  /** Of a key that waits because of something that is not its event's fault; `null` where none does. */
  note(): string | null {
    for (const { trouble } of this.#known.values()) if (trouble !== null) return trouble;
    return null;
  }

  /** Retries until `signal` aborts, and waits for what it has begun. Rejects never: failures are retried and logged. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, handlerIds } = this.#parts;
    while (!signal.aborted && handlerIds.length > 0) {
      if (this.#isRoom() && clock.now() >= this.#lookAtMs) await this.#look();
      this.#begin();
      const waitMs = this.#isRoom() ? Math.max(0, this.#lookAtMs - clock.now()) : mostPollMs;
      if (waitMs > 0) await this.#news.wait(clock, Math.min(waitMs, mostPollMs), signal);
    }
    await Promise.all(this.#running.values());
  }

  #isRoom(): boolean {
    return this.#running.size < this.#parts.atOnce && this.#queue.length === 0;
  }

  async #look(): Promise<void> {
    const { parked, handlerIds, clock, logger, random } = this.#parts;
    const nowMs = clock.now();
    this.#lookAtMs = nowMs + mostPollMs; // a hint that comes from now on is earlier
    try {
      const passedBy = this.#known.size + this.#running.size;
      const upcoming = await parked.upcoming(handlerIds, listed + passedBy);
      this.#forget(nowMs);
      const due = upcoming.filter((scope) => this.#atMs(scope) <= nowMs);
      this.#queue = due.filter((scope) => !this.#running.has(slotOf(scope)));
      const later = upcoming.map((scope) => this.#atMs(scope)).filter((atMs) => atMs > nowMs);
      this.#pollMs = this.#queue.length > 0 ? leastPollMs : Math.min(2 * this.#pollMs, mostPollMs);
      this.#lookAtMs = Math.min(this.#lookAtMs, nowMs + this.#pollMs, ...later);
      this.#failures = 0;
      this.#trouble = null;
    } catch (error) {
      this.#trouble = errorChain(error).join(' <- ');
      logger.warn(`what is to be retried is not known: ${this.#trouble}`);
      const waitMs = Math.max(leastPollMs, backoffMs(defaultRetryPolicy, ++this.#failures, random));
      this.#lookAtMs = clock.now() + waitMs;
    }
  }

  #begin(): void {
    while (this.#running.size < this.#parts.atOnce) {
      const scope = this.#queue.shift();
      if (scope === undefined) return;
      const slot = slotOf(scope);
      if (this.#running.has(slot)) continue; // it is due twice
      this.#running.set(slot, this.#retry(scope, slot));
    }
  }

  async #retry(scope: ParkScope, slot: string): Promise<void> {
    const { retry, clock, logger } = this.#parts;
    const uncounted = this.#known.get(slot)?.uncounted ?? 0;
    try {
      const end = await retry(scope, uncounted);
      if (typeof end === 'object') this.#putAside(slot, uncounted + 1, end.uncounted);
      else if (end === 'busy') {
        this.#known.set(slot, { untilMs: clock.now() + busyMs, uncounted, trouble: null });
      } else this.#known.delete(slot);
    } catch (error) {
      this.#putAside(slot, uncounted + 1, error);
      if (!hasCode(error, 'EO_SHUTTING_DOWN'))
        logger.warn(`a parked key is not retried: ${errorChain(error).join(' <- ')}`);
    }
    this.#running.delete(slot);
    this.hint(clock.now());
    this.#news.give();
  }

  #putAside(slot: string, uncounted: number, error: unknown): void {
    const { clock, random } = this.#parts;
    // A collision is nobody's trouble.
    const trouble = hasCode(error, 'EO_SERIALIZATION_FAILURE') ? null : errorChain(error).join(' <- ');
    const waitMs = backoffMs(defaultRetryPolicy, uncounted, random);
    this.#known.set(slot, { untilMs: clock.now() + waitMs, uncounted, trouble });
  }

  #atMs(scope: UpcomingScope): number {
    return Math.max(scope.atMs, this.#known.get(slotOf(scope))?.untilMs ?? 0);
  }

  /** Keys of which nothing was heard for long: others have gone on with them. */
  #forget(nowMs: number): void {
    for (const [slot, { untilMs }] of this.#known) {
      if (nowMs - untilMs > defaultRetryPolicy.maxBackoffMs) this.#known.delete(slot);
    }
  }
}

function slotOf({ handlerId, topic, keyHash }: ParkScope): string {
  return `${handlerId} ${Buffer.from(keyHash).toString('hex')} ${topic}`;
}
