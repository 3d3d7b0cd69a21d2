/**
 * Leases of the in-memory storage, and the relays that share its shards.
 *
 * Time is that of its clock. Each change of hands has an epoch of its own.
 */
import type { Clock, Lease, LeaseStore, OutboxBatch, RelayOverview, RelayView } from '@exactly-once/core';

export class InMemoryLeases implements LeaseStore {
  /** Batches that a broker was about to commit, by shard. */
  readonly inDoubt = new Map<number, OutboxBatch>();
  /** Number of shards. */
  shardCount = 1;
  /** To be, once one relay holds all; `null`: as it is. */
  wantedShardCount: number | null = null;
  readonly #leases = new Map<number, Lease & { untilMs: number }>();
  /** Since and until when each relay counts, the oldest first. */
  readonly #relays = new Map<string, { readonly sinceMs: number; readonly untilMs: number }>();

  constructor(readonly clock: Clock) {}

  async beat(owner: string, leaseMs: number, leases: readonly Lease[]): Promise<RelayView> {
    const nowMs = this.clock.now();
    for (const [name, { untilMs }] of this.#relays) if (untilMs <= nowMs) this.#relays.delete(name);
    const sinceMs = this.#relays.get(owner)?.sinceMs ?? nowMs;
    this.#relays.set(owner, { sinceMs, untilMs: nowMs + leaseMs });
    const others = [...this.#relays].filter(([name]) => name !== owner);
    const shards = Array.from({ length: this.shardCount }, (_, shard) => shard);
    return {
      shardCount: this.shardCount,
      wantedShardCount: this.wantedShardCount,
      relays: this.#relays.size,
      rank: [...this.#relays.keys()].indexOf(owner),
      held: leases.filter((lease) => this.#renew(lease, leaseMs)).map(({ shard }) => shard),
      free: shards.filter((shard) => (this.#leases.get(shard)?.untilMs ?? 0) <= nowMs),
      nextExpiryMs:
        others.length === 0 ? null : Math.min(...others.map(([, { untilMs }]) => untilMs - nowMs)),
    };
  }

  async acquire(shard: number, owner: string, leaseMs: number): Promise<Lease | null> {
    const held = this.#leases.get(shard);
    if (held !== undefined && held.untilMs > this.clock.now() && held.owner !== owner) return null;
    const lease = { shard, owner, epoch: (held?.epoch ?? 0n) + 1n };
    this.#leases.set(shard, { ...lease, untilMs: this.clock.now() + leaseMs });
    return lease;
  }

  async release(lease: Lease): Promise<void> {
    const held = this.#held(lease);
    if (held !== undefined) held.untilMs = this.clock.now();
  }

  async leave(owner: string): Promise<void> {
    this.#relays.delete(owner);
  }

  async overview(): Promise<RelayOverview> {
    const nowMs = this.clock.now();
    const alive = [...this.#relays].filter(([, { untilMs }]) => untilMs > nowMs);
    const relays = alive.map(([name, { sinceMs }]) => ({ name, sinceMs, shards: this.heldBy(name).sort() }));
    return { shardCount: this.shardCount, wantedShardCount: this.wantedShardCount, relays };
  }

  async want(shardCount: number): Promise<void> {
    this.wantedShardCount = shardCount === this.shardCount ? null : shardCount;
  }

  async reshard(owner: string): Promise<boolean> {
    const mine = this.heldBy(owner).filter((shard) => shard < this.shardCount);
    if (this.wantedShardCount === null || mine.length < this.shardCount || this.inDoubt.size > 0)
      return false;
    this.shardCount = this.wantedShardCount;
    this.wantedShardCount = null;
    return true;
  }

  /** Epoch of a shard's last lease; `null` where it had none. */
  epoch(shard: number): bigint | null {
    return this.#leases.get(shard)?.epoch ?? null;
  }

  /** Shards that it holds now. */
  heldBy(owner: string): number[] {
    const nowMs = this.clock.now();
    const mine = [...this.#leases.values()].filter((lease) => lease.owner === owner && lease.untilMs > nowMs);
    return mine.map(({ shard }) => shard);
  }

  anyHeld(): boolean {
    return [...this.#leases.values()].some(({ untilMs }) => untilMs > this.clock.now());
  }

  holds(lease: Lease): boolean {
    const held = this.#held(lease);
    return held !== undefined && held.untilMs > this.clock.now();
  }

  #renew(lease: Lease, leaseMs: number): boolean {
    const held = this.#held(lease);
    if (held !== undefined) held.untilMs = this.clock.now() + leaseMs;
    return held !== undefined;
  }

  #held({ shard, owner, epoch }: Lease): (Lease & { untilMs: number }) | undefined {
    const held = this.#leases.get(shard);
    return held?.owner === owner && held.epoch === epoch ? held : undefined;
  }
}
