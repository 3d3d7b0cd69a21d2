/**
 * Writes down what became of a parked event that failed: when it is tried again, or its dead letter. Step 8 of an
 * event's life.
 *
 * The letter is written and the event taken away in one transaction, so that it is one of the two. Written only where
 * the event is still as the attempt found it: else another process has gone on with it.
 */
import { ExactlyOnceError, errorChain, failureCode } from '../errors/exactly-once-error.js';
import { bury } from '../failure/burial.js';
import { replayedLetter } from '../failure/dead-letter-store.js';
import { backoffMs, decide, defaultRetryPolicy } from '../failure/failure-policy.js';
import type { ParkedEntry } from '../failure/park-store.js';
import { unitOfParked } from '../failure/park-writer.js';
import type { DiscardDecision } from '../outbox/dead-row-store.js';
import type { Transaction } from '../storage/transaction.js';
import { errorLine, unitLabel } from './batch-plan.js';
import { type GroupFailure, isBlameless } from './group-result.js';
import type { HandlerUnit } from './handler-unit.js';
import { type ParkedKey, type ParkRetryParts, withFirst } from './park-attempt.js';

export interface RecordParts extends ParkRetryParts {
  readonly random: () => number;
  /** What becomes of an event that killed its process again and again. */
  readonly fate: 'park' | 'dead-letter';
}

/** Not the event's fault: it is to be tried again, and not counted. */
export interface UncountedFailure {
  readonly uncounted: Error;
}

/** `next`: it is no more in the way of those behind it. */
export type RecordedEnd = 'next' | 'waits' | 'busy' | 'free' | 'interrupted' | UncountedFailure;

export class RetryRecord {
  readonly #parts: RecordParts;
  readonly #key: ParkedKey;
  readonly #entry: ParkedEntry;
  readonly #unit: HandlerUnit;

  constructor(parts: RecordParts, key: ParkedKey, entry: ParkedEntry) {
    this.#parts = parts;
    this.#key = key;
    this.#entry = entry;
    this.#unit = unitOfParked(entry, key.handler, parts.directory);
  }

  /** `uncounted`: failures in a row before this one that did not count. Tries until it is written, or the process stops. */
  async write(failure: GroupFailure, uncounted: number): Promise<RecordedEnd> {
    const { clock, logger } = this.#parts.group;
    for (let failures = 1; ; failures++) {
      try {
        return await withFirst(this.#parts, this.#key, async (transaction, { position, attempts }) => {
          const isSame = position === this.#entry.position && attempts === this.#entry.attempts;
          return isSame ? this.#decided(transaction, failure, uncounted) : 'busy';
        });
      } catch (error) {
        logger.warn(`the failure of ${unitLabel(this.#unit)} is not recorded: ${errorLine(error)}`);
        const waitMs = backoffMs(defaultRetryPolicy, failures, this.#parts.random);
        await clock.sleep(waitMs, this.#parts.draining);
        if (this.#parts.draining.aborted) return 'interrupted';
      }
    }
  }

  /** It is not retried any more, but for a person; or given up, where that is its fate. `died`: processes. */
  async killer(transaction: Transaction, died: number): Promise<void> {
    const deaths = died - 1; // the first may have died of what ran beside it
    const what = `${unitLabel(this.#unit)}: ${deaths} processes died while they retried it alone`;
    const error = new ExactlyOnceError('EO_PROCESS_KILLED', what, { details: { deaths } });
    const attempts = this.#entry.attempts + died;
    if (this.#parts.fate === 'dead-letter') await this.#bury(transaction, error, attempts);
    else await this.#postpone(transaction, error, { attempts, deaths, nextAttemptAtMs: null });
    this.#parts.group.logger.error(errorLine(error));
  }

  /** It is a dead letter instead. */
  async givenUp(transaction: Transaction, { by, why }: DiscardDecision): Promise<void> {
    const what = `${unitLabel(this.#unit)} was given up by ${by}: ${why}`;
    const [failed] = this.#entry.errorChain;
    const cause = failed === undefined ? undefined : new Error(failed);
    const error = new ExactlyOnceError('EO_GIVEN_UP', what, { details: { by, why }, cause });
    await this.#bury(transaction, error, this.#entry.attempts);
    this.#parts.group.logger.warn(errorLine(error));
  }

  async #decided(transaction: Transaction, failure: GroupFailure, uncounted: number): Promise<RecordedEnd> {
    const { random, group } = this.#parts;
    const { retry: policy } = this.#key.handler;
    const { error } = failure;
    const attempts = this.#entry.attempts + 1;
    const disposition = isBlameless(failure)
      ? { action: 'retry' as const, counted: false, delayMs: backoffMs(policy, uncounted + 1, random) }
      : decide({ error, attempts, uncounted: uncounted + 1, policy }, random);
    const label = `${unitLabel(this.#unit)}: ${errorLine(error)}`;
    if (disposition.action === 'dead-letter') {
      await this.#bury(transaction, error, attempts);
      group.logger.error(`dead-lettered: ${label}`);
      return 'next';
    }
    const counted = disposition.action === 'retry' && disposition.counted;
    const delayMs = disposition.action === 'retry' ? disposition.delayMs : policy.maxBackoffMs;
    await this.#postpone(transaction, error, {
      attempts: counted ? attempts : this.#entry.attempts,
      deaths: this.#entry.deaths,
      nextAttemptAtMs: group.clock.now() + delayMs,
    });
    group.telemetry.count('exactly_once.retries', 1, { counted });
    group.logger.warn(
      `attempt ${attempts} failed${counted ? '' : ', uncounted'}, again in ${delayMs} ms: ${label}`,
    );
    return counted ? 'waits' : { uncounted: error };
  }

  async #bury(transaction: Transaction, error: Error, attempts: number): Promise<void> {
    const { storage, clock, telemetry } = this.#parts.group;
    const replayOf = replayedLetter(this.#entry.position);
    await bury(this.#parts.group, transaction, { ...this.#unit, attempts }, error, replayOf);
    await storage.parked.settle(transaction, this.#entry, clock.now());
    telemetry.count('exactly_once.dead_letters', 1);
  }

  async #postpone(
    transaction: Transaction,
    error: Error,
    rest: Pick<ParkedEntry, 'attempts' | 'deaths' | 'nextAttemptAtMs'>,
  ): Promise<void> {
    const failure = { ...rest, code: failureCode(error), errorChain: errorChain(error) };
    await this.#parts.group.storage.parked.postpone(transaction, this.#entry, failure);
  }
}
