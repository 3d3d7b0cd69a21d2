/**
 * Reads one partition of the log from its claim to its end and hands it to the sink in order. Steps 3 and 7 of an
 * event's life: its position is the fence, which moves with each batch's own transaction.
 *
 * Never claims again by itself: who lost the fence first asks who lives.
 */
import type { DeliverySink, FenceClaim, ProcessingSession } from '../broker/broker.js';
import type { Clock } from '../clock.js';
import { ExactlyOnceError, errorChain, hasCode } from '../errors/exactly-once-error.js';
import { backoffMs, type RetryPolicy } from '../failure/failure-policy.js';
import { Hint } from '../hint.js';
import type { FenceKey } from '../inbox/fence-store.js';
import type { Storage } from '../storage/storage.js';
import type { Logger } from '../telemetry/logger.js';
import type { LogEnds, LogStore, ReadBounds } from './log-store.js';

export type OwnerStanding = 'own' | 'living' | 'gone';

export interface PartitionReaderParts {
  readonly key: FenceKey;
  /** Unique to this reader. */
  readonly owner: string;
  /** Whose claim an owner's is: of this consumer, of another member that lives, or of nobody that is known. */
  readonly standing: (owner: string) => OwnerStanding;
  /** Milliseconds within which a member that lives sees that a partition is another's. */
  readonly handOverMs: number;
  readonly startFrom: 'earliest' | 'latest';
  /** Most events of one transaction. */
  readonly maxEvents: number;
  readonly log: LogStore;
  readonly storage: Storage;
  readonly sink: DeliverySink;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
}

/**
 * What a partition holds in memory at most, but for one record that is larger; more only where a transaction of more
 * events was asked for.
 */
const leastBounds: ReadBounds = { maxEvents: 1_000, maxBytes: 4_194_304 };
/** Of an event whose transaction is to be a large one. */
const bytesPerEvent = 2_048;
/** After a failure of the database itself, which the sink does not see. */
export const readerRetry: RetryPolicy = { attempts: 1, backoffMs: 100, maxBackoffMs: 2_000 };
/** How often it looks whether the former owner has left. */
const handOverLookMs = 50;
/** Nothing wakes it but news and its end. */
const untilHintedMs = 60_000;

export class PartitionReader {
  /** Resolves when nothing runs any more; never rejects. */
  readonly ended: Promise<void>;
  readonly #parts: PartitionReaderParts;
  readonly #draining = new AbortController();
  readonly #aborted = new AbortController();
  readonly #news = new Hint();
  readonly #startOffset: bigint;
  #fence: FenceClaim | null = null;
  #ends: LogEnds;
  #trouble: string | null = null;
  #state: 'reading' | 'stopped' | 'ended' = 'reading';

  constructor(parts: PartitionReaderParts, ends: LogEnds) {
    this.#parts = parts;
    this.#ends = ends;
    this.#startOffset = parts.startFrom === 'earliest' ? ends.first : ends.next;
    this.ended = this.#live();
  }

  /** Why it stands still; `null` where it does not. */
  get trouble(): string | null {
    return this.#trouble;
  }

  /** `stopped`: an event must not be passed by; `ended`: drained, or fenced by another owner. */
  get state(): 'reading' | 'stopped' | 'ended' {
    return this.#state;
  }

  /** Records that are not processed yet, as far as is known. */
  get lag(): number {
    const position = this.#position();
    return position < this.#ends.next ? Number(this.#ends.next - position) : 0;
  }

  /** The partition was seen to hold that. */
  spans({ first, next }: Pick<LogEnds, 'first' | 'next'>): void {
    if (first > this.#ends.first) this.#ends = { ...this.#ends, first };
    this.reaches(next);
  }

  /** The partition was seen to end there. */
  reaches(next: bigint): void {
    if (next <= this.#ends.next) return;
    this.#ends = { ...this.#ends, next };
    this.#news.give();
  }

  /** No new transaction. */
  end(): void {
    this.#draining.abort();
  }

  /** Rolls back what still runs. */
  abort(): void {
    this.end();
    this.#aborted.abort();
  }

  async #live(): Promise<void> {
    for (let failures = 0; !this.#draining.signal.aborted; ) {
      try {
        this.#fence ??= await this.#claim();
        if (this.#fence === null) break;
        this.#trouble = null;
        if (await this.#readOnce(this.#fence)) failures = 0;
      } catch (error) {
        if (await this.#failed(error, ++failures)) break;
      }
    }
    await this.#release();
    if (this.#state === 'reading') this.#state = 'ended';
  }

  /** Where the next record stands; what is forgotten is behind everybody. */
  #position(): bigint {
    const nextOffset = this.#fence?.nextOffset ?? this.#startOffset;
    return nextOffset > this.#ends.first ? nextOffset : this.#ends.first;
  }

  /** `null`: its end came first. */
  async #claim(): Promise<FenceClaim | null> {
    const { key, owner, storage } = this.#parts;
    if (!(await this.#left())) return null;
    const found = await storage.fences.claim(key, owner, this.#startOffset);
    const { nextOffset, lastFingerprint } = found;
    if (nextOffset > this.#ends.next) await this.#refuseIfAhead(nextOffset);
    return { key, owner, nextOffset, lastFingerprint, found };
  }

  /**
   * Waits a while where a member that lives has the partition: it works on until it sees that another is to, and then
   * leaves in order. Taken from it before, it would look as if it had died. False: the end came first.
   */
  async #left(): Promise<boolean> {
    const { key, storage, clock, standing, handOverMs } = this.#parts;
    const { signal } = this.#draining;
    const untilMs = clock.now() + handOverMs;
    while (!signal.aborted) {
      const row = await storage.fences.read(key);
      if (row === null || row.clean) return true;
      const whose = standing(row.owner);
      if (whose === 'own') await storage.fences.release(key, row.owner); // its reader has ended, and could not say so
      if (whose !== 'living' || clock.now() >= untilMs) return true;
      await clock.sleep(handOverLookMs, signal);
    }
    return false;
  }

  /** A position behind the end of the log would wait for ever, and then pass events by. */
  async #refuseIfAhead(position: bigint): Promise<void> {
    const { key, log } = this.#parts;
    const now = (await log.ends([key.topic])).find(({ partition }) => partition === key.partition);
    if (now !== undefined && position <= now.next) return;
    const where = `${key.topic}/${key.partition}`;
    throw new ExactlyOnceError(
      'EO_OFFSET_AHEAD',
      `group ${key.group} stands at ${position} of ${where}, which ends at ${now?.next ?? 0}: ` +
        `"npx exactly-once rewind --group ${key.group} --topic ${key.topic} --partition ${key.partition} --to earliest --yes"`,
    );
  }

  /** Reads and processes what is there, or waits for more; true where something was processed. */
  async #readOnce(fence: FenceClaim): Promise<boolean> {
    const { key, log, sink, clock } = this.#parts;
    if (this.#position() >= this.#ends.next) {
      await this.#news.wait(clock, untilHintedMs, this.#draining.signal);
      return false;
    }
    const from = { topic: key.topic, partition: key.partition, offset: this.#position() };
    const deliveries = await log.read(from, this.#bounds);
    const last = deliveries.at(-1);
    if (last === undefined) {
      this.#ends = { ...this.#ends, next: from.offset };
      return false;
    }
    this.reaches(last.offset + 1n);
    await sink.process(deliveries, this.#session(fence));
    return true;
  }

  get #bounds(): ReadBounds {
    const { maxEvents } = this.#parts;
    return {
      maxEvents: Math.max(leastBounds.maxEvents, maxEvents),
      maxBytes: Math.max(leastBounds.maxBytes, maxEvents * bytesPerEvent),
    };
  }

  #session(fence: FenceClaim): ProcessingSession {
    return { fence, draining: this.#draining.signal, aborted: this.#aborted.signal, done: () => {} };
  }

  /** True: it is over. */
  async #failed(error: unknown, failures: number): Promise<boolean> {
    const { key, clock, logger, random } = this.#parts;
    const reason = errorChain(error).join(' <- ');
    const where = `${key.topic}/${key.partition} of group ${key.group}`;
    if (hasCode(error, 'EO_FENCED')) {
      logger.warn(`${where} has another owner: ${reason}`);
      this.#fence = null;
      return true;
    }
    this.#trouble = reason;
    if (hasCode(error, 'EO_STOPPED') || hasCode(error, 'EO_OFFSET_AHEAD')) {
      logger.error(`${where} is stopped: ${reason}`);
      this.#state = 'stopped';
      return true;
    }
    const waitMs = backoffMs(readerRetry, failures, random);
    logger.warn(`${where}: again in ${waitMs} ms: ${reason}`);
    await clock.sleep(waitMs, this.#draining.signal);
    return false;
  }

  async #release(): Promise<void> {
    if (this.#fence === null) return;
    const { key, owner, storage, logger } = this.#parts;
    try {
      await storage.fences.release(key, owner);
    } catch (error) {
      logger.warn(
        `${key.topic}/${key.partition}: the claim was not released: ${errorChain(error).join(' <- ')}`,
      );
    }
  }
}
