/**
 * Works one assigned partition from its claim to its end: takes what was fetched, hands it to the sink in order,
 * and reports what is done. Steps 3 and 7 of an event's life.
 *
 * Its states: `claiming` (discards what is fetched) · `verifying` (waits for the record before its position, also where
 * the log was out of sight) · `working` · `stopped` (an event must not be passed by) · `ended`.
 */
import {
  type Delivery,
  errorChain,
  type FenceClaim,
  hasCode,
  type ProcessingSession,
} from '@exactly-once/core';
import { claimUntilDone, isRefusal } from './claim-attempts.js';
import { isSame, LastRecord } from './last-record.js';
import { PartitionQueue } from './partition-queue.js';
import { expired, type StartPosition } from './start-position.js';
import type { FetchedBatch, WorkerParts } from './worker-parts.js';

export class PartitionWorker {
  /** Resolves when nothing runs any more; never rejects. */
  readonly ended: Promise<void>;
  readonly #parts: WorkerParts;
  readonly #queue: PartitionQueue;
  readonly #draining = new AbortController();
  readonly #aborted = new AbortController();
  #state: 'claiming' | 'verifying' | 'working' | 'stopped' | 'ended' = 'claiming';
  #position: StartPosition | null = null;
  #expected = 0n;
  #fence: FenceClaim | null = null;
  #trouble: string | null = null;
  #highWatermark = 0n;
  readonly #last: LastRecord;

  constructor(parts: WorkerParts) {
    this.#parts = parts;
    this.#last = new LastRecord(parts.now);
    this.#queue = new PartitionQueue(parts.bounds);
    this.ended = this.#live();
  }

  /** False until its position stands in the database. */
  get claimed(): boolean {
    return this.#fence !== null;
  }

  /** Why it stands still; `null` where it does not. */
  get trouble(): string | null {
    return this.#trouble;
  }

  /** Records behind the end of the log, as far as is known. */
  get lag(): bigint {
    const next = this.#fence?.nextOffset ?? this.#highWatermark;
    return this.#highWatermark > next ? this.#highWatermark - next : 0n;
  }

  /**
   * Takes what was fetched. False: not taken, the position stays. Records before the expected one mean that the
   * log is another than it was.
   */
  offer({ deliveries, next, highWatermark }: FetchedBatch): boolean {
    this.#highWatermark = highWatermark;
    const [first] = deliveries;
    if (first === undefined || !this.#reads) return false;
    if (first.offset < this.#expected) {
      this.end();
      this.#parts.replace();
      return false;
    }
    const wanted = this.#state === 'verifying' ? this.#position!.offset : this.#expected;
    if (first.offset > wanted) void this.#reportGap(wanted);
    const taken = this.#state === 'verifying' ? this.#verify(deliveries) : deliveries;
    if (taken === null) return false;
    this.#expected = next;
    this.#last.took(deliveries);
    this.#queue.push(taken);
    if (this.#queue.full) this.#pause();
    return true;
  }

  /** Compaction and transaction markers leave gaps; records that the retention took are a loss, and are named. */
  async #reportGap(wanted: bigint): Promise<void> {
    try {
      const { low } = await this.#parts.logBounds();
      if (low > wanted) this.#parts.logger.warn(expired(this.#parts.name, wanted, low));
    } catch (error) {
      const reason = errorChain(error).join(' <- ');
      this.#parts.logger.warn(`${this.#parts.name}: no record at ${wanted}, and not known why: ${reason}`);
    }
  }

  /** No new transaction: the assignment or the process ends. */
  end(): void {
    this.#draining.abort();
    this.#queue.close();
  }

  /** Rolls back what still runs. */
  abort(): void {
    this.end();
    this.#aborted.abort();
  }

  async #live(): Promise<void> {
    const forget = this.#parts.bounds.budget.onChange(() => this.#obeyBudget());
    try {
      await this.#claim();
      if (this.#fence !== null) await this.#work(this.#fence);
    } catch (error) {
      this.#failed(error);
    }
    forget();
    this.#queue.close();
    this.#queue.done();
    if (this.#fence !== null) await this.#release(this.#fence);
    if (this.#state !== 'stopped') this.#state = 'ended';
  }

  async #claim(): Promise<void> {
    const { name, logger, claim } = this.#parts;
    const [draining, aborted] = [this.#draining.signal, this.#aborted.signal];
    const failed = (reason: string, retryMs: number) => {
      this.#trouble = reason;
      logger.warn(`${name}: claim failed, again in ${retryMs} ms: ${reason}`);
    };
    const claimed = await claimUntilDone({ claim, draining, aborted, failed });
    if (claimed === null) return;
    this.#highWatermark = claimed.high;
    this.#begin(claimed.fence, claimed.position);
  }

  #begin(fence: FenceClaim, position: StartPosition): void {
    if (position.notice !== null) this.#parts.logger.warn(position.notice);
    this.#trouble = null;
    this.#fence = fence;
    this.#last.begin(position);
    this.#position = position;
    fence.nextOffset = position.offset;
    fence.lastFingerprint = position.verify;
    this.#state = position.verify === null ? 'working' : 'verifying';
    this.#expected = position.verify === null ? position.offset : position.offset - 1n;
    this.#parts.seek(this.#expected);
    this.#resume();
  }

  /** Compares the record before the position with the one that was processed there. */
  #verify(deliveries: readonly Delivery[]): readonly Delivery[] | null {
    const position = this.#position!;
    const [first, ...rest] = deliveries;
    this.#state = 'working';
    if (first!.offset >= position.offset) return deliveries; // compacted away: nothing to compare
    if (isSame(position, first!)) return rest;
    this.#leaveLog();
    return null;
  }

  /** The log is another one: begun anew once what was fetched of the old one is handled. */
  #leaveLog(): void {
    this.#state = 'claiming';
    this.#pause();
    this.#queue.finish();
  }

  async #restartLog(fence: FenceClaim): Promise<void> {
    try {
      this.#begin(fence, await this.#parts.restart(fence));
    } catch (error) {
      this.#failed(error);
      this.end();
      if (!isRefusal(error)) this.#parts.replace();
    }
  }

  async #work(fence: FenceClaim): Promise<void> {
    while (!this.#draining.signal.aborted) {
      const deliveries = await this.#queue.take(this.#parts.bounds.atOnce);
      if (this.#queue.finished && !this.#draining.signal.aborted) {
        this.#queue.reopen();
        await this.#restartLog(fence);
        continue;
      }
      const wanted = deliveries.filter(({ offset }) => offset >= fence.nextOffset);
      if (wanted.length > 0) await this.#parts.sink.process(wanted, this.#session(fence, wanted));
      this.#queue.done();
      if (this.#queue.roomy && !this.#draining.signal.aborted) this.#resume();
    }
  }

  #obeyBudget(): void {
    if (!this.#reads) return;
    if (this.#queue.full) this.#pause();
    else if (this.#queue.roomy && !this.#draining.signal.aborted) this.#resume();
  }

  #session(fence: FenceClaim, deliveries: readonly Delivery[]): ProcessingSession {
    return {
      fence,
      draining: this.#draining.signal,
      aborted: this.#aborted.signal,
      done: (count) => {
        const last = deliveries[count - 1];
        if (last !== undefined) this.#parts.acknowledge(last.offset + 1n);
      },
    };
  }

  /** Only an event that must not be passed by stops the partition; after any other failure it is claimed anew. */
  #failed(error: unknown): void {
    this.#queue.close();
    const reason = errorChain(error).join(' <- ');
    if (hasCode(error, 'EO_STOPPED') || isRefusal(error)) {
      this.#parts.logger.error(`${this.#parts.name}: ${reason}`);
      this.#state = 'stopped';
      this.#trouble = reason;
      this.#pause();
      return;
    }
    this.#parts.logger.warn(`${this.#parts.name} is claimed anew: ${reason}`);
    if (hasCode(error, 'EO_FENCED')) this.#fence = null;
    if (!this.#draining.signal.aborted) this.#parts.replace();
  }

  async #release(fence: FenceClaim): Promise<void> {
    try {
      await this.#parts.release(fence);
    } catch (error) {
      this.#parts.logger.warn(
        `${this.#parts.name}: the claim was not released: ${errorChain(error).join(' <- ')}`,
      );
    }
  }

  get #reads(): boolean {
    return this.#state === 'working' || this.#state === 'verifying';
  }

  #pause(): void {
    if (this.#last.pause()) this.#parts.pause();
  }

  #resume(): void {
    if (!this.#last.paused || !this.#reads || this.#parts.bounds.budget.full) return;
    if (this.#last.resume()) this.readAgain();
    this.#parts.resume();
  }

  /**
   * The log was out of sight, and may be another one by now without any sign of it: the last record that was taken is
   * read once more. Where the log ends before that, there is nothing to read.
   */
  readAgain(): void {
    const position = this.#last.position;
    if (this.#state !== 'working' || position === null) return;
    this.#position = position;
    this.#state = 'verifying';
    this.#expected = position.offset - 1n;
    this.#parts.seek(this.#expected);
    void this.#compareEnd(position);
  }

  async #compareEnd(position: StartPosition): Promise<void> {
    const waits = () => this.#state === 'verifying' && this.#position === position;
    try {
      const { high } = await this.#parts.logBounds();
      if (waits() && high < position.offset) this.#leaveLog();
    } catch (error) {
      if (!waits()) return;
      const reason = errorChain(error).join(' <- ');
      this.#parts.logger.warn(`${this.#parts.name} is claimed anew, its log is not known: ${reason}`);
      this.end();
      this.#parts.replace();
    }
  }
}
