/**
 * The shards that a relay holds, each at work by itself, and those that it gives up once what is on their way is
 * settled. Step 2 of an event's life.
 *
 * A lease is extended until nothing works under it, and released only then.
 */
import { errorChain } from '../errors/exactly-once-error.js';
import type { Storage } from '../storage/storage.js';
import type { Lease } from './lease-store.js';
import { ShardRelay, type ShardRelayParts } from './shard-relay.js';
import type { Sending } from './shard-sending.js';

export interface HeldShardsParts extends Omit<ShardRelayParts, 'lease' | 'outbox' | 'sending'> {
  readonly storage: Storage;
  readonly owner: string;
  readonly sending: Sending;
  /** It holds another set of shards than before. */
  readonly changed: () => void;
}

export class HeldShards {
  readonly #parts: HeldShardsParts;
  readonly #kept = new Map<number, ShardRelay>();
  /** Given up, and still at work. */
  readonly #leaving = new Map<ShardRelay, Promise<void>>();

  constructor(parts: HeldShardsParts) {
    this.#parts = parts;
  }

  /** All that have to be extended. */
  get leases(): Lease[] {
    return this.#all().map(({ lease }) => lease);
  }

  /** Numbers of the shards that it holds and means to keep. */
  get kept(): number[] {
    return [...this.#kept.keys()].sort((a, b) => a - b);
  }

  get idle(): ShardRelay[] {
    return [...this.#kept.values()].filter(({ idle }) => idle);
  }

  get anyIdle(): boolean {
    return this.idle.length > 0;
  }

  /** Why something stands still; `null` where nothing does. */
  get trouble(): string | null {
    for (const { trouble } of this.#kept.values()) if (trouble !== null) return trouble;
    return null;
  }

  take(lease: Lease, heldUntilMs: number): void {
    const { logger, sending, storage, owner } = this.#parts;
    logger.info(`relay ${owner} publishes shard ${lease.shard} (epoch ${lease.epoch})`);
    const shard = new ShardRelay(
      { ...this.#parts, lease, outbox: storage.outbox, sending: sending.of(lease) },
      heldUntilMs,
    );
    this.#kept.set(lease.shard, shard);
    void shard.ended.then(() => {
      if (!shard.lost || this.#kept.get(lease.shard) !== shard) return;
      this.#kept.delete(lease.shard);
      this.#parts.changed();
    });
  }

  /** `held`: shards whose leases were extended; those of the others are lost. */
  extended(held: readonly number[], heldUntilMs: number): void {
    for (const shard of this.#all()) {
      if (held.includes(shard.lease.shard)) shard.extend(heldUntilMs);
      else {
        this.#parts.logger.warn(`relay: shard ${shard.lease.shard} is another's now`);
        shard.lose();
        if (this.#kept.get(shard.lease.shard) === shard) this.#kept.delete(shard.lease.shard);
      }
    }
  }

  /** Returns at once: it is released when what is on its way is settled. */
  giveUp(shard: number): void {
    const given = this.#kept.get(shard);
    if (given === undefined) return;
    this.#kept.delete(shard);
    given.stop();
    const released = given.ended
      .then(() => this.#release(given))
      .then(() => {
        this.#leaving.delete(given);
      });
    this.#leaving.set(given, released);
  }

  /** Something was published: what is at work looks once more before it rests. */
  wakeBusy(): void {
    for (const shard of this.#kept.values()) if (!shard.idle) shard.wake();
  }

  /** Nothing works any more, but the leases are kept. */
  async stopAll(): Promise<void> {
    const all = this.#all();
    for (const shard of all) shard.stop();
    await Promise.all(all.map(({ ended }) => ended));
  }

  async releaseAll(): Promise<void> {
    const kept = [...this.#kept.values()];
    this.#kept.clear();
    for (const shard of kept) await this.#release(shard);
    await Promise.all(this.#leaving.values());
  }

  /** Each is released as soon as what is on its way is settled. */
  async close(): Promise<void> {
    for (const shard of this.kept) this.giveUp(shard);
    await Promise.all(this.#leaving.values());
  }

  #all(): ShardRelay[] {
    return [...this.#kept.values(), ...this.#leaving.keys()];
  }

  async #release({ lease, lost }: ShardRelay): Promise<void> {
    if (lost) return;
    try {
      await this.#parts.storage.leases.release(lease);
    } catch (error) {
      const reason = errorChain(error).join(' <- ');
      this.#parts.logger.warn(`relay: shard ${lease.shard} runs out by itself: ${reason}`);
    }
  }
}
