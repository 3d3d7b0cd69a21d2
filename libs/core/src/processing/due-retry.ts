/**
 * Takes the events of a parked key through their handler when their time has come, until none is left or one is to wait.
 * Step 8 of an event's life.
 *
 * Each begins under its process's mark that was committed before, so that one that kills is found out: whoever dies
 * leaves the mark, whoever lives takes it back. A failure is recorded in a transaction of its own, behind that of the
 * attempt: until then the event is as it was, and due.
 */
import { backoffMs, defaultRetryPolicy } from '../failure/failure-policy.js';
import type { ParkedEntry, ParkScope } from '../failure/park-store.js';
import { errorLine } from './batch-plan.js';
import {
  type Attempt,
  attemptFirst,
  inPatience,
  inTurn,
  type NoEntry,
  type ParkedKey,
  withFirst,
} from './park-attempt.js';
import { parkedKey } from './park-retry.js';
import { mostDeaths } from './process-killers.js';
import { ReplayWait, type ReplayWaitParts } from './replay-wait.js';
import { type RecordParts, RetryRecord, type UncountedFailure } from './retry-record.js';

export interface DueRetryParts extends ReplayWaitParts, RecordParts {
  /** This process, on its marks. */
  readonly owner: string;
}

/**
 * `free`: nothing is left. `waits`: for its time, or for a person. `busy`: another has it. `uncounted`: something failed
 * that is not the event's fault. `more`: others' turn, what is left is due.
 */
export type DueRetryEnd = 'free' | 'more' | 'waits' | 'busy' | 'interrupted' | UncountedFailure;

/** `alone`: it is to be begun with nothing beside it, `replayed`: behind the batches that run; it is not begun yet. */
type Begun = 'marked' | 'next' | 'alone' | { readonly replayed: ParkedEntry } | 'waits' | NoEntry;

/** Milliseconds for which who marked an event is taken to be on the way to it. */
const markFreshMs = 5_000;
/** A key with much to do lets others go on after so many events or milliseconds. */
const mostEvents = 50;
const mostMs = 1_000;

/** Rejects where not even what is to be done can be found out or recorded. */
export function retryDue(parts: DueRetryParts, scope: ParkScope, uncounted: number): Promise<DueRetryEnd> {
  return new DueRetry(parts, scope, uncounted).run();
}

class DueRetry {
  readonly #parts: DueRetryParts;
  readonly #key: ParkedKey;
  readonly #uncounted: number;
  /** This process's mark may stand in the database. */
  #isMarked = false;
  readonly #wait: ReplayWait;

  constructor(parts: DueRetryParts, scope: ParkScope, uncounted: number) {
    this.#parts = parts;
    this.#key = parkedKey(parts.directory, scope);
    this.#wait = new ReplayWait(parts, this.#key);
    this.#uncounted = uncounted;
  }

  async run(): Promise<DueRetryEnd> {
    try {
      return await this.#run();
    } finally {
      if (this.#isMarked) await this.#unmark();
    }
  }

  async #run(): Promise<DueRetryEnd> {
    const { clock } = this.#parts.group;
    const untilMs = clock.now() + mostMs;
    let alone = false;
    for (let events = 0; ; ) {
      const end = await this.#next(alone);
      if (end === 'next') {
        events++;
        if (events >= mostEvents || clock.now() >= untilMs) return 'more';
      } else if (typeof end === 'object' && 'replayed' in end) {
        if (!(await this.#wait.batchesEnd(end.replayed))) return 'busy';
        continue; // alone, where it was to be that
      } else if (end !== 'alone') return end;
      alone = end === 'alone';
    }
  }

  async #next(alone: boolean): Promise<DueRetryEnd | Exclude<Begun, 'marked'>> {
    const attempt = await inTurn(this.#parts, this.#key.handler, alone, () => this.#attempt(alone));
    if (this.#parts.aborted.aborted) return 'interrupted';
    if (attempt.end === 'failed') return this.#record(attempt);
    if (attempt.end === 'handled') return 'next';
    return attempt.end === 'refused' ? 'waits' : attempt.end;
  }

  /** Between the mark and the event nothing is waited for but a connection. */
  async #attempt(alone: boolean): Promise<Attempt | { readonly end: Exclude<Begun, 'marked'> }> {
    const begun = this.#isMarked ? 'marked' : await this.#begin(alone);
    if (begun !== 'marked') return { end: begun };
    const isWanted = (entry: ParkedEntry) =>
      this.#isDue(entry) && entry.givenUp === null && (alone || entry.deaths === 0);
    const attempt = await attemptFirst(this.#parts, this.#key, isWanted);
    if (attempt.end === 'free') this.#isMarked = false; // the mark went with the key
    return attempt;
  }

  /** Marks the first event, unless others have or had it: those who are not heard of for long have died. */
  async #begin(alone: boolean): Promise<Begun> {
    const { group, owner } = this.#parts;
    const { parked } = group.storage;
    return withFirst(this.#parts, this.#key, async (transaction, entry): Promise<Begun> => {
      if (!this.#isDue(entry)) {
        await parked.postpone(transaction, entry, entry);
        return 'waits';
      }
      const { owners, atMs } = entry.begun;
      const others = owners.filter((one) => one !== owner);
      const nowMs = group.clock.now();
      if (others.length > 0 && Math.abs(nowMs - (atMs ?? 0)) < markFreshMs) return 'busy';
      if (entry.givenUp !== null) {
        await new RetryRecord(this.#parts, this.#key, entry).givenUp(transaction, entry.givenUp);
        return 'next';
      }
      if (others.length > mostDeaths) {
        await new RetryRecord(this.#parts, this.#key, entry).killer(transaction, others.length);
        return 'waits';
      }
      if (!alone && (others.length > 0 || entry.deaths > 0)) return 'alone';
      if (this.#wait.isDue(entry)) return { replayed: entry };
      this.#isMarked = true;
      await parked.mark(transaction, entry, owner, nowMs);
      return 'marked';
    });
  }

  async #record({ entry, failure }: Extract<Attempt, { end: 'failed' }>) {
    if (entry === null) throw failure.error;
    const end = await new RetryRecord(this.#parts, this.#key, entry).write(failure, this.#uncounted);
    if (end === 'waits' || end === 'free' || typeof end === 'object') this.#isMarked = false;
    return end;
  }

  /** Tries until it is written, or the process stops: what stays is taken for a death. */
  async #unmark(): Promise<void> {
    const { owner, draining, random } = this.#parts;
    const { clock, logger } = this.#parts.group;
    for (let failures = 1; ; failures++) {
      try {
        await inPatience(this.#parts, this.#key.handler, (transaction) =>
          this.#parts.group.storage.parked.unmark(transaction, this.#key.scope, owner),
        );
        return;
      } catch (error) {
        logger.debug(`a mark on a parked key was not taken back: ${errorLine(error)}`);
        if (draining.aborted) return;
        await clock.sleep(backoffMs(defaultRetryPolicy, failures, random), draining);
      }
    }
  }

  /** One without a time is the first since the one before it left, unless it waits for a person. */
  #isDue({ deaths, nextAttemptAtMs }: ParkedEntry): boolean {
    return nextAttemptAtMs === null ? deaths === 0 : nextAttemptAtMs <= this.#parts.group.clock.now();
  }
}
