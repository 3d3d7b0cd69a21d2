/**
 * Finds what a relay may send of one shard, from where on something can be. Step 2 of an event's life.
 *
 * Whatever it believes to be done, a look from the beginning comes now and then.
 */
import type { Clock } from '../clock.js';
import type { OutboxClaim, OutboxRow, OutboxStore, ShardStart } from '../outbox/outbox-store.js';
import type { Logger } from '../telemetry/logger.js';
import { HoldBack } from './hold-back.js';
import type { Lease } from './lease-store.js';
import { UnderWay } from './under-way.js';

export interface ShardClaimsParts {
  readonly lease: Lease;
  readonly outbox: OutboxStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly batchSize: number;
  readonly maxBytes: number;
  readonly holdBackMs: number;
}

export interface Claimed {
  /** They may be sent. */
  readonly rows: readonly OutboxRow[];
  /** Those, and what is held back. */
  readonly found: readonly OutboxRow[];
}

/** Milliseconds between two looks that leave nothing out, whatever is thought to be done. */
const fullLookMs = 10_000;

export class ShardClaims {
  readonly #parts: ShardClaimsParts;
  readonly #holdBack: HoldBack;
  readonly #underWay = new UnderWay();
  #fullLookAtMs = 0;
  /** The last look left nothing out; what it found and had to hold back is looked for in the same way. */
  #full = false;
  #heldBack = false;

  constructor(parts: ShardClaimsParts) {
    this.#parts = parts;
    this.#holdBack = new HoldBack(parts.holdBackMs);
  }

  /** Some of what the last claim found may not be sent yet. */
  get heldBack(): boolean {
    return this.#heldBack;
  }

  /** Another claim frees what the last one held back: nobody is open who may have written before it. */
  get nextFrees(): boolean {
    return this.#heldBack && !this.#holdBack.waits;
  }

  /** Milliseconds for which rows have been held back; 0 where none are. */
  get heldMs(): number {
    return this.#heldBack ? this.#holdBack.heldMs(this.#parts.clock.now()) : 0;
  }

  /** Where something new can be. */
  get start(): ShardStart {
    const full = this.#parts.clock.now() >= this.#fullLookAtMs;
    return { shard: this.#parts.lease.shard, from: full ? 0n : this.#underWay.start };
  }

  /** Nothing is there, from its start on. */
  looked({ from }: ShardStart): void {
    if (from === 0n) this.#fullLookAtMs = this.#parts.clock.now() + fullLookMs;
  }

  async next(exceptTopics: readonly string[]): Promise<Claimed> {
    let claim = await this.#claim(exceptTopics);
    while (this.#underWay.decided(claim.dead)) claim = await this.#claim(exceptTopics);
    const { count, overdue } = this.#holdBack.free(claim, this.#parts.clock.now());
    for (const writer of overdue) {
      this.#parts.logger.warn(
        `relay: transaction ${writer} has published and stays open: events that were published meanwhile pass it by`,
      );
    }
    this.#heldBack = count < claim.rows.length;
    const rows = claim.rows.slice(0, count);
    this.#underWay.claimed(rows, !this.#holdBack.passesBy, exceptTopics);
    return { rows, found: claim.rows };
  }

  /** Gone from the outbox, or dead. */
  settled(positions: readonly bigint[]): void {
    this.#underWay.settled(positions);
  }

  /** Still in the outbox, and to be claimed again. */
  dropped(rows: readonly OutboxRow[]): void {
    this.#underWay.dropped(rows);
  }

  /** Nothing is known any more. */
  forget(): void {
    this.#underWay.forget();
  }

  #claim(exceptTopics: readonly string[]): Promise<OutboxClaim> {
    const { outbox, lease, batchSize, maxBytes } = this.#parts;
    return outbox.claim(lease, batchSize, {
      maxBytes,
      exceptTopics,
      exceptPositions: this.#underWay.positions,
      from: this.#from(exceptTopics),
      snapshot: this.#holdBack.snapshot,
      writers: this.#holdBack.writers,
    });
  }

  #from(exceptTopics: readonly string[]): bigint {
    const nowMs = this.#parts.clock.now();
    this.#full = nowMs >= this.#fullLookAtMs || (this.#full && this.#heldBack);
    if (!this.#full) return this.#underWay.from(exceptTopics);
    this.#fullLookAtMs = nowMs + fullLookMs;
    return 0n;
  }
}
