/**
 * `DeadLetters`: events that were given up, to look at and to decide about. Step 8 of an event's life.
 *
 * Each decision is taken once, whoever asks for it and however often. Nothing is handled here: a replayed event goes
 * back to its handler by the retries of whatever process has that.
 */
import {
  checkWords,
  type DeadLetterFilter,
  type DeadLetterHead,
  type DecisionProgress,
  type DiscardReport,
  type DryRun,
  discardLetters,
  type ReplayReport,
  replayLetters,
  type StoredDeadLetter,
} from '@exactly-once/core';
import { Injectable } from '@nestjs/common';
import type { Instance } from './instance.js';

export interface DeadLetterPage {
  /** Default 100. */
  readonly limit?: number;
  /** Letters with a higher id than this. */
  readonly after?: bigint;
}

export interface ReplayOptions {
  /** Who asks for it, for those who ask later. */
  readonly by: string;
  /** Called after each step with the letters that were looked at so far. */
  readonly progress?: DecisionProgress;
}

export interface DiscardOptions extends ReplayOptions {
  readonly why: string;
}

@Injectable()
export class DeadLetters {
  constructor(private readonly instance: Instance) {}

  /** Letters that fit the filter, without bodies and headers, lowest id first. Default: those that nobody decided about. */
  list(
    filter: DeadLetterFilter = { state: 'dead' },
    { limit = 100, after = 0n }: DeadLetterPage = {},
  ): Promise<DeadLetterHead[]> {
    return this.instance.engine.deadLetters.list(filter, limit, after);
  }

  /** How many fit. Default: those that nobody decided about. */
  count(filter?: DeadLetterFilter): Promise<number> {
    return this.instance.engine.deadLetters.count(filter);
  }

  /** A whole letter; `null` where there is none of that id. `body` is what came, `edits` what was made of it. */
  show(id: bigint): Promise<StoredDeadLetter | null> {
    return this.instance.engine.deadLetters.find(id);
  }

  /**
   * Hands the dead letters that fit to their handlers again: `{ ids: [1n] }` is one, `{}` all. Each goes to the front of
   * its key's parked events, several of one key in the order in which they died; events of the key that come meanwhile
   * are handled after them. Replayed twice, or by two at once, each is handled once. An event that fails again becomes a
   * new letter. Resolves once the letters have been moved, with those that could not be.
   */
  replay(filter: DeadLetterFilter, { by, progress }: ReplayOptions): Promise<ReplayReport> {
    return replayLetters(this.instance.engine.deadLetters, filter, by, progress);
  }

  /**
   * Hands a letter's event to its handler in a transaction that is rolled back whatever comes of it, and says which rows
   * it would write and what it would publish, or why it fails. Only in a process that has the handler; not where that
   * belongs to a transport of Nest's own.
   *
   * What the handler does outside of the transaction is done: a call of another system is made. Let it look at
   * `context.dryRun` where that matters. Counts of rows hold what triggers and cascades write, and what a nested
   * transaction wrote and took back. An event that kills processes kills this one.
   */
  dryRun(id: bigint): Promise<DryRun> {
    return this.instance.engine.dryRun(id);
  }

  /**
   * Gives a dead letter another body, which is handled instead of the one that came; that one, and each edit with its
   * author, stay readable. False where the letter is not dead.
   */
  async edit(id: bigint, body: Uint8Array | string, { by }: { readonly by: string }): Promise<boolean> {
    checkWords({ by });
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    return this.instance.engine.deadLetters.edit(id, bytes, by);
  }

  /** Gives the dead letters that fit up for good; they stay readable, with who decided and why. */
  async discard(filter: DeadLetterFilter, { by, why, progress }: DiscardOptions): Promise<DiscardReport> {
    return discardLetters(this.instance.engine.deadLetters, filter, { by, why }, progress);
  }
}
