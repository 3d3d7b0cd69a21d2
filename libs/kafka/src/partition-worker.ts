/**
 * Works one assigned partition from its claim to its end: takes what was fetched, hands it to the sink in order,
 * and reports what is done. Steps 3 and 7 of an event's life.
 *
 * Its states: `claiming` (discards what is fetched) · `verifying` (waits for the record before its position) ·
 * `working` · `stopped` (an event must not be passed by) · `ended`.
 */
import {
  bodyFingerprint,
  type Delivery,
  type DeliverySink,
  errorChain,
  type FenceClaim,
  hasCode,
  type Logger,
  type ProcessingSession,
} from '@exactly-once/core';
import { PartitionQueue, type QueueBounds } from './partition-queue.js';
import { expired, type StartPosition } from './start-position.js';

export interface FetchedBatch {
  readonly deliveries: readonly Delivery[];
  /** Offset after the batch: records that nobody sees (transaction markers) may stand before it. */
  readonly next: bigint;
  readonly highWatermark: bigint;
}

export interface WorkerClaim {
  readonly fence: FenceClaim;
  readonly position: StartPosition;
  /** Offset after the last record of the log. */
  readonly high: bigint;
}

export interface WorkerParts {
  /** For messages. */
  readonly name: string;
  readonly sink: DeliverySink;
  readonly bounds: QueueBounds;
  readonly logger: Logger;
  /** Claims the partition; `null` where the assignment is over. */
  readonly claim: (signal: AbortSignal) => Promise<WorkerClaim | null>;
  /** Moves the claim to the beginning of a replaced log and says where that is. Throws EO_LOG_CHANGED. */
  readonly restart: (fence: FenceClaim) => Promise<StartPosition>;
  /** Asks where the log begins. */
  readonly low: () => Promise<bigint>;
  readonly seek: (offset: bigint) => void;
  readonly pause: () => void;
  readonly resume: () => void;
  readonly acknowledge: (next: bigint) => void;
  readonly release: (fence: FenceClaim) => Promise<void>;
  /** The claim is gone, or the log is another: a new worker is wanted. */
  readonly replace: () => void;
}

const retryMs = 500;
const takeAtOnce = 1_000;

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
  /** It begins paused, by whoever made it. */
  #paused = true;

  constructor(parts: WorkerParts) {
    this.#parts = parts;
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
    if (first === undefined || (this.#state !== 'working' && this.#state !== 'verifying')) return false;
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
    this.#queue.push(taken);
    if (this.#queue.full) this.#pause();
    return true;
  }

  /** Compaction and transaction markers leave gaps; records that the retention took are a loss, and are named. */
  async #reportGap(wanted: bigint): Promise<void> {
    try {
      const low = await this.#parts.low();
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

  /** Tries until it has the claim or the assignment ends; a refusal for good is thrown. */
  async #claim(): Promise<void> {
    while (!this.#draining.signal.aborted) {
      try {
        const claimed = await Promise.race([this.#parts.claim(this.#draining.signal), this.#whenAborted()]);
        if (claimed === null) return;
        this.#highWatermark = claimed.high;
        this.#begin(claimed.fence, claimed.position);
        return;
      } catch (error) {
        if (isRefusal(error)) throw error;
        this.#trouble = errorChain(error).join(' <- ');
        this.#parts.logger.warn(
          `${this.#parts.name}: claim failed, again in ${retryMs} ms: ${this.#trouble}`,
        );
        await new Promise((resolve) => setTimeout(resolve, retryMs));
      }
    }
  }

  /** Whatever still waits for a broker that does not answer must not keep the process. */
  async #whenAborted(): Promise<null> {
    const { signal } = this.#aborted;
    if (!signal.aborted) {
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    }
    return null;
  }

  #begin(fence: FenceClaim, position: StartPosition): void {
    if (position.notice !== null) this.#parts.logger.warn(position.notice);
    this.#trouble = null;
    this.#fence = fence;
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
    const { offset, verify } = this.#position!;
    const [first, ...rest] = deliveries;
    this.#state = 'working';
    if (first!.offset >= offset) return deliveries; // compacted away: nothing to compare
    if (Buffer.compare(bodyFingerprint(first!.body), verify!) === 0) return rest;
    void this.#restartLog();
    return null;
  }

  async #restartLog(): Promise<void> {
    this.#state = 'claiming';
    this.#pause();
    try {
      this.#begin(this.#fence!, await this.#parts.restart(this.#fence!));
    } catch (error) {
      this.#failed(error);
      this.end();
      if (!isRefusal(error)) this.#parts.replace();
    }
  }

  async #work(fence: FenceClaim): Promise<void> {
    while (!this.#draining.signal.aborted) {
      const deliveries = await this.#queue.take(takeAtOnce);
      const wanted = deliveries.filter(({ offset }) => offset >= fence.nextOffset);
      if (wanted.length > 0) await this.#parts.sink.process(wanted, this.#session(fence, wanted));
      this.#queue.done();
      if (this.#queue.roomy && !this.#draining.signal.aborted) this.#resume();
    }
  }

  #obeyBudget(): void {
    if (this.#state !== 'working' && this.#state !== 'verifying') return;
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

  #pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#parts.pause();
  }

  #resume(): void {
    if (!this.#paused || this.#parts.bounds.budget.full) return;
    this.#paused = false;
    this.#parts.resume();
  }
}

/** Only people can say where to go on. */
function isRefusal(error: unknown): boolean {
  return hasCode(error, 'EO_OFFSET_AHEAD') || hasCode(error, 'EO_LOG_CHANGED');
}
