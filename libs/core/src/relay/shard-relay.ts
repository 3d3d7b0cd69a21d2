/**
 * Publishes one shard for as long as its lease is held: the next rows are read while others are on their way. Step 2 of
 * an event's life.
 *
 * Rows leave in the order of their positions. What was refused holds back only the rows of its topic and key.
 */
import type { SendOutcome } from '../broker/publisher.js';
import { longestTimerMs } from '../clock.js';
import { ExactlyOnceError, errorChain, hasCode } from '../errors/exactly-once-error.js';
import { backoffMs, defaultRetryPolicy } from '../failure/failure-policy.js';
import { Hint } from '../hint.js';
import type { OutboxRow, ShardStart } from '../outbox/outbox-store.js';
import type { Telemetry } from '../telemetry/telemetry.js';
import { allEnded } from '../thenable.js';
import type { Lease } from './lease-store.js';
import { ShardClaims, type ShardClaimsParts } from './shard-claims.js';
import type { Sent, ShardSending } from './shard-sending.js';
import { TopicWaits } from './topic-waits.js';

export interface ShardRelayParts extends ShardClaimsParts {
  readonly sending: ShardSending;
  readonly telemetry: Telemetry;
  readonly random: () => number;
  readonly maxPollMs: number;
  /** It has nothing to do until it is woken; `moved`: it had. */
  readonly rested: (moved: boolean) => void;
}

const heldBackMs = { first: 1, most: 50 };

export class ShardRelay {
  /** Resolves when nothing of it runs any more; never rejects. */
  readonly ended: Promise<void>;
  readonly #parts: ShardRelayParts;
  readonly #stopping = new AbortController();
  readonly #wake = new Hint();
  readonly #claims: ShardClaims;
  readonly #waits: TopicWaits;
  #heldUntilMs: number;
  #idle = false;
  #lost = false;
  #trouble: string | null = null;
  #heldBackMs = heldBackMs.first;

  /** `heldUntilMs`: until when, by the clock, the lease is held in any case. */
  constructor(parts: ShardRelayParts, heldUntilMs: number) {
    this.#parts = parts;
    this.#heldUntilMs = heldUntilMs;
    this.#claims = new ShardClaims(parts);
    this.#waits = new TopicWaits(parts.clock, parts.maxPollMs);
    this.ended = this.#live();
  }

  get lease(): Lease {
    return this.#parts.lease;
  }

  /** It waits to be woken. */
  get idle(): boolean {
    return this.#idle;
  }

  /** Another relay has its shard, or may have it. */
  get lost(): boolean {
    return this.#lost;
  }

  /** Why it stands still, or something of it waits; `null` where nothing does. */
  get trouble(): string | null {
    return this.#trouble ?? this.#waits.reason;
  }

  /** Where something new can be. */
  get start(): ShardStart {
    return this.#claims.start;
  }

  /** Nothing is there, from its start on. */
  looked(start: ShardStart): void {
    this.#claims.looked(start);
  }

  /** Something may be there. */
  wake(): void {
    this.#idle = false;
    this.#wake.give();
  }

  /** The lease was extended. */
  extend(heldUntilMs: number): void {
    this.#heldUntilMs = heldUntilMs;
  }

  /** Settles what is on its way, then ends. */
  stop(): void {
    this.#stopping.abort();
  }

  /** Ends, and settles nothing any more. */
  lose(): void {
    this.#lost = true;
    this.stop();
  }

  async #live(): Promise<void> {
    const { signal } = this.#stopping;
    for (let failures = 0; !signal.aborted; ) {
      try {
        const moved = await this.#drain();
        failures = 0;
        this.#trouble = null;
        const news = this.#waits.news();
        if (news !== null) this.#parts.logger.warn(`relay: some events wait: ${news}`);
        await this.#rest(moved);
      } catch (error) {
        await this.#parts.sending.close();
        this.#claims.forget();
        if (hasCode(error, 'EO_LEASE_LOST')) {
          this.#parts.logger.warn(`relay: ${errorChain(error).join(' <- ')}`);
          this.lose();
        } else await this.#failed(error, ++failures);
      }
    }
    await this.#parts.sending.close();
    this.#report();
    this.#parts.rested(false);
  }

  /** Until nothing is to be sent; true where something was settled. */
  async #drain(): Promise<boolean> {
    const { sending, clock } = this.#parts;
    await sending.begin();
    let moved = false;
    let settling: Promise<boolean> = Promise.resolve(false);
    let rows = await this.#claim();
    if (rows.length === 0 && this.#claims.nextFrees) rows = await this.#claim();
    while (rows.length > 0) {
      const startedAtMs = clock.now();
      const [{ outcomes, gone }, ahead, settled] = await allEnded(this.#send(rows), this.#claim(), settling);
      this.#claims.settled(gone);
      moved ||= settled;
      settling = this.#settle(rows, outcomes, startedAtMs);
      rows = this.#next(ahead, rows, outcomes);
      // Until it is dead, a claim does not know what it holds back.
      if (outcomes.some(({ status }) => status === 'refused')) await settling;
    }
    moved = (await settling) || moved;
    this.#claims.settled(await sending.finish());
    return moved;
  }

  async #claim(): Promise<readonly OutboxRow[]> {
    if (this.#stopping.signal.aborted) return [];
    const { rows, found } = await this.#claims.next(this.#waits.topics());
    this.#waits.claimed(found);
    this.#report();
    return rows;
  }

  async #send(rows: readonly OutboxRow[]): Promise<Sent> {
    const { lease, sending, telemetry, clock } = this.#parts;
    if (clock.now() >= this.#heldUntilMs) {
      const what = `${lease.owner} was not heard of for too long: its lease of shard ${lease.shard} may be another's`;
      throw new ExactlyOnceError('EO_LEASE_LOST', what);
    }
    const attributes = { shard: lease.shard };
    const links = rows.map(({ event }) => event);
    return telemetry.span('relay', { attributes, links }, () => sending.send(rows));
  }

  /** True where something left the outbox, or died. */
  async #settle(
    rows: readonly OutboxRow[],
    outcomes: readonly SendOutcome[],
    startedAtMs: number,
  ): Promise<boolean> {
    const { lease, outbox, sending, telemetry, clock, logger } = this.#parts;
    const of = (status: SendOutcome['status']) => rows.filter((_, at) => outcomes[at]?.status === status);
    const sent = of('sent').map(({ position }) => position);
    if (sent.length > 0) this.#claims.settled(await sending.settle(sent));
    for (const [at, outcome] of outcomes.entries()) {
      const row = rows[at];
      if (outcome.status !== 'refused' || row === undefined) continue;
      const { type, id, key } = row.event;
      const behind = key === null ? '' : `; others of its key wait behind it`;
      logger.error(`event ${type} ${id} can never be sent${behind}: ${outcome.reason}`);
      await outbox.refuse(lease, row.position, outcome.reason);
    }
    const waiting = [...of('later'), ...of('behind')];
    this.#claims.settled(of('refused').map(({ position }) => position));
    this.#claims.dropped(waiting);
    telemetry.record('exactly_once.relay_time', clock.now() - startedAtMs, { shard: lease.shard });
    return rows.length > waiting.length;
  }

  /** Of what was read ahead, what may follow: nothing of a topic that waits, or of a key that stands still. */
  #next(
    ahead: readonly OutboxRow[],
    rows: readonly OutboxRow[],
    outcomes: readonly SendOutcome[],
  ): readonly OutboxRow[] {
    this.#waits.answered(rows, outcomes);
    const waiting = new Set(this.#waits.topics());
    const dead = new Set(
      rows.flatMap(({ event }, at) => (outcomes[at]?.status === 'refused' ? lineOf(event) : [])),
    );
    const stopped = this.#stopping.signal.aborted;
    if (!stopped && waiting.size === 0 && dead.size === 0) return ahead;
    const follows = ({ event }: OutboxRow) =>
      !stopped && !waiting.has(event.topic) && !lineOf(event).some((line) => dead.has(line));
    this.#claims.dropped(ahead.filter((row) => !follows(row)));
    return ahead.filter(follows);
  }

  /** Rows that are held back are looked at again soon; else until it is woken. */
  async #rest(moved: boolean): Promise<void> {
    const { clock, rested } = this.#parts;
    const { signal } = this.#stopping;
    if (signal.aborted) return;
    if (this.#claims.heldBack) {
      await this.#wake.wait(clock, this.#heldBackWait(moved), signal);
      return;
    }
    this.#heldBackMs = heldBackMs.first;
    this.#idle = true;
    rested(moved);
    await this.#wake.wait(clock, longestTimerMs, signal);
    this.#idle = false;
  }

  #heldBackWait(moved: boolean): number {
    const waitMs = moved ? heldBackMs.first : this.#heldBackMs;
    this.#heldBackMs = Math.min(waitMs * 2, heldBackMs.most);
    return waitMs;
  }

  #report(): void {
    const { telemetry, lease } = this.#parts;
    telemetry.gauge('exactly_once.outbox_held_back', this.#claims.heldMs, { shard: lease.shard });
  }

  async #failed(error: unknown, failures: number): Promise<void> {
    const { clock, logger, random, maxPollMs } = this.#parts;
    const waitMs = Math.min(backoffMs(defaultRetryPolicy, failures, random), maxPollMs);
    this.#trouble = errorChain(error).join(' <- ');
    logger.warn(`relay: nothing settled, again in ${waitMs} ms: ${this.#trouble}`);
    await clock.sleep(waitMs, this.#stopping.signal);
  }
}

/** What stands in one order: the topic and key, where there is one. */
function lineOf({ topic, key }: OutboxRow['event']): string[] {
  return key === null ? [] : [JSON.stringify([topic, key])];
}
