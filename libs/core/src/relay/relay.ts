/**
 * Publishes the outbox: holds a fair part of its shards, and has each of them worked. Step 2 of an event's life.
 *
 * Publishes nothing without a lease, and renews its leases while it works. It looks by itself, the less often the less
 * it finds, and at once at a hint. What becomes of rows in a crash is its sending's to say.
 */
import type { Clock } from '../clock.js';
import { errorChain } from '../errors/exactly-once-error.js';
import { backoffMs, defaultRetryPolicy } from '../failure/failure-policy.js';
import { Hint } from '../hint.js';
import type { Storage } from '../storage/storage.js';
import type { Logger } from '../telemetry/logger.js';
import type { Telemetry } from '../telemetry/telemetry.js';
import { HeldShards } from './held-shards.js';
import type { RelayView } from './lease-store.js';
import type { Sending } from './shard-sending.js';
import { planShards } from './shard-share.js';

export interface RelayParts {
  readonly storage: Storage;
  readonly sending: Sending;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
  readonly random: () => number;
  /** Unique to this relay. */
  readonly owner: string;
  readonly batchSize: number;
  readonly maxBytes: number;
  readonly leaseMs: number;
  readonly maxPollMs: number;
  readonly holdBackMs: number;
}

const minPollMs = 10;

export class Relay {
  readonly #parts: RelayParts;
  readonly #shards: HeldShards;
  readonly #news = new Hint();
  #hinted = false;
  #pollMs = minPollMs;
  #lookAtMs = 0;
  #beatAtMs = 0;
  #trouble: string | null = 'not connected yet';

  constructor(parts: RelayParts) {
    this.#parts = parts;
    this.#shards = new HeldShards({
      ...parts,
      rested: (moved) => this.#rested(moved),
      changed: () => this.#beatSoon(),
    });
  }

  /** Something was committed to the outbox in this process: look at once. */
  hint(): void {
    this.#hinted = true;
    this.#news.give();
  }

  /** Why publishing stands still, for health; `null` where it does not. */
  stuck(): string | null {
    return this.#trouble ?? this.#shards.trouble;
  }

  /** Publishes until `signal` aborts, then gives its leases up. Rejects never: failures are retried and logged. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    for (let failures = 0; !signal.aborted; ) {
      try {
        if (clock.now() >= this.#beatAtMs) await this.#beat();
        if (this.#hinted || clock.now() >= this.#lookAtMs) await this.#look();
        failures = 0;
        this.#trouble = null;
        await this.#news.wait(clock, this.#waitMs(), signal);
      } catch (error) {
        await this.#failed(error, ++failures, signal);
      }
    }
    await this.#extendingUntil(this.#shards.close());
    await this.#leave();
  }

  #waitMs(): number {
    const next = this.#shards.anyIdle ? Math.min(this.#beatAtMs, this.#lookAtMs) : this.#beatAtMs;
    return Math.max(0, next - this.#parts.clock.now());
  }

  /** Extends its leases, and takes and gives up what is due, so that all relays share the shards. */
  async #beat(): Promise<void> {
    const { leaseMs, clock, telemetry } = this.#parts;
    const startedAtMs = clock.now();
    const view = await this.#extend();
    const plan = planShards(view, this.#shards.kept);
    for (const shard of plan.giveUp) this.#shards.giveUp(shard);
    await Promise.all(plan.take.map((shard) => this.#take(shard)));
    const everyMs = plan.wants || view.wantedShardCount !== null ? leaseMs / 10 : leaseMs / 3;
    this.#beatAtMs = startedAtMs + Math.min(everyMs, (view.nextExpiryMs ?? everyMs) + 1);
    const heldAll = plan.take.length === 0 && this.#shards.kept.length === view.shardCount;
    if (view.wantedShardCount !== null && heldAll) await this.#reshard();
    telemetry.gauge('exactly_once.relay_shards', this.#shards.kept.length);
  }

  async #take(shard: number): Promise<void> {
    const { storage, owner, leaseMs, clock } = this.#parts;
    const heldUntilMs = clock.now() + leaseMs;
    const lease = await storage.leases.acquire(shard, owner, leaseMs);
    if (lease !== null) this.#shards.take(lease, heldUntilMs);
  }

  /** It holds every shard there is: once none is at work, keys may go to other shards. */
  async #reshard(): Promise<void> {
    const { storage, owner, logger } = this.#parts;
    await this.#extendingUntil(this.#shards.stopAll());
    const done = await storage.leases.reshard(owner);
    await this.#shards.releaseAll();
    if (done) {
      logger.info(`relay ${owner} has split the outbox anew`);
      this.#beatSoon();
    } else {
      logger.warn(
        `relay ${owner} could not split the outbox anew: a lease ran out, or the broker has yet to say what became of a batch`,
      );
    }
  }

  /** Extends what it holds until all is settled that is on its way, however long the broker takes. */
  async #extendingUntil(settled: Promise<void>): Promise<void> {
    const { clock, leaseMs, logger } = this.#parts;
    const over = new AbortController();
    const ended = settled.finally(() => over.abort());
    for (;;) {
      await clock.sleep(leaseMs / 3, over.signal);
      if (over.signal.aborted) return ended;
      try {
        await this.#extend();
      } catch (error) {
        logger.warn(`relay: its leases were not extended: ${errorChain(error).join(' <- ')}`);
      }
    }
  }

  async #extend(): Promise<RelayView> {
    const { storage, owner, leaseMs, clock } = this.#parts;
    const startedAtMs = clock.now();
    const view = await storage.leases.beat(owner, leaseMs, this.#shards.leases);
    this.#shards.extended(view.held, startedAtMs + leaseMs);
    return view;
  }

  /** Wakes the shards in which something may be. */
  async #look(): Promise<void> {
    const idle = this.#shards.idle;
    if (this.#hinted) this.#shards.wakeBusy();
    this.#hinted = false;
    const starts = idle.map(({ start }) => start);
    const due = idle.length < 2 ? null : await this.#parts.storage.outbox.due(starts);
    for (const [at, shard] of idle.entries()) {
      if (due?.includes(shard.lease.shard) === false) shard.looked(starts[at]!);
    }
    const woken = idle.filter(({ lease }) => due === null || due.includes(lease.shard));
    for (const shard of woken) shard.wake();
    if (woken.length === 0) this.#lookLater(false);
  }

  #rested(moved: boolean): void {
    this.#lookLater(moved);
    this.#news.give();
  }

  #lookLater(moved: boolean): void {
    this.#pollMs = moved ? minPollMs : Math.min(this.#pollMs * 2, this.#parts.maxPollMs);
    this.#lookAtMs = this.#parts.clock.now() + this.#pollMs;
  }

  #beatSoon(): void {
    this.#beatAtMs = 0;
    this.#news.give();
  }

  async #failed(error: unknown, failures: number, signal: AbortSignal): Promise<void> {
    const { clock, logger, random, leaseMs } = this.#parts;
    const waitMs = Math.min(backoffMs(defaultRetryPolicy, failures, random), leaseMs / 3);
    this.#trouble = errorChain(error).join(' <- ');
    logger.warn(`relay: its shards are not known, again in ${waitMs} ms: ${this.#trouble}`);
    await clock.sleep(waitMs, signal);
  }

  async #leave(): Promise<void> {
    const { storage, owner, logger } = this.#parts;
    try {
      await storage.leases.leave(owner);
    } catch (error) {
      logger.warn(`relay: it counts until it runs out by itself: ${errorChain(error).join(' <- ')}`);
    }
  }
}
