/**
 * Outbox and leases of the in-memory storage, as a relay sees them.
 *
 * Shows nothing of a transaction that is still open, and settles nothing without the lease.
 */
import {
  type ClaimBounds,
  type Clock,
  ExactlyOnceError,
  type Lease,
  type LeaseStore,
  type OutboxDepth,
  type OutboxEntry,
  type OutboxRow,
  type OutboxStore,
  rowBytes,
  writtenEntries,
} from '@exactly-once/core';
import type { InMemoryTransaction } from './in-memory-transaction.js';

export class InMemoryLeases implements LeaseStore {
  readonly #leases = new Map<number, Lease & { untilMs: number }>();

  constructor(readonly clock: Clock) {}

  async shardCount(): Promise<number> {
    return 1;
  }

  async acquire(shard: number, owner: string, leaseMs: number): Promise<Lease | null> {
    const held = this.#leases.get(shard);
    if (held !== undefined && held.untilMs > this.clock.now() && held.owner !== owner) return null;
    const lease = { shard, owner, epoch: (held?.epoch ?? 0n) + 1n };
    this.#leases.set(shard, { ...lease, untilMs: this.clock.now() + leaseMs });
    return lease;
  }

  async renew(lease: Lease, leaseMs: number): Promise<boolean> {
    const held = this.#leases.get(lease.shard);
    if (held?.owner !== lease.owner || held.epoch !== lease.epoch) return false;
    held.untilMs = this.clock.now() + leaseMs;
    return true;
  }

  async release(lease: Lease): Promise<void> {
    const held = this.#leases.get(lease.shard);
    if (held?.owner === lease.owner && held.epoch === lease.epoch) held.untilMs = this.clock.now();
  }

  /** Epoch of a shard's last lease; `null` where it had none. */
  epoch(shard: number): bigint | null {
    return this.#leases.get(shard)?.epoch ?? null;
  }

  holds(lease: Lease): boolean {
    const held = this.#leases.get(lease.shard);
    return held?.owner === lease.owner && held.epoch === lease.epoch && held.untilMs > this.clock.now();
  }
}

interface StoredEntry extends OutboxRow {
  readonly deliverAtMs: number | null;
  readonly atMs: number;
  /** What wrote it: nobody else sees it before that has committed. */
  readonly by: InMemoryTransaction;
  dead: boolean;
}

export class InMemoryOutbox implements OutboxStore {
  /** Why rows are dead, by position. */
  readonly reasons = new Map<bigint, string>();
  readonly #entries = new Map<bigint, StoredEntry>();
  #position = 0n;

  constructor(
    readonly clock: Clock,
    readonly leases: InMemoryLeases,
  ) {}

  /** Writes entries of a transaction; returns what takes them back. */
  append(entries: readonly OutboxEntry[], by: InMemoryTransaction): () => void {
    const positions = writtenEntries(entries).map(({ event, deliverAtMs }) => {
      const position = ++this.#position;
      this.#entries.set(position, { position, event, deliverAtMs, atMs: this.clock.now(), by, dead: false });
      return position;
    });
    return () => {
      for (const position of positions) this.#entries.delete(position);
    };
  }

  async claim(
    lease: Lease,
    limit: number,
    { maxBytes = Number.POSITIVE_INFINITY, exceptTopics = [] }: ClaimBounds = {},
  ): Promise<OutboxRow[]> {
    this.#check(lease);
    const nowMs = this.clock.now();
    const due = this.#visible().filter(
      ({ dead, deliverAtMs, event }) =>
        !dead && (deliverAtMs ?? 0) <= nowMs && !exceptTopics.includes(event.topic),
    );
    let bytes = 0;
    const claimed = due.slice(0, limit).filter(({ event }, index) => {
      bytes += rowBytes(event);
      return index === 0 || bytes <= maxBytes;
    });
    return claimed.map(({ position, event }) => ({ position, event }));
  }

  async settle(lease: Lease, positions: readonly bigint[]): Promise<void> {
    this.#check(lease);
    for (const position of positions) this.#entries.delete(position);
  }

  async refuse(lease: Lease, position: bigint, reason: string): Promise<void> {
    this.#check(lease);
    this.#entries.get(position)!.dead = true;
    this.reasons.set(position, reason);
  }

  async depth(): Promise<OutboxDepth> {
    const rows = this.#visible();
    const pending = rows.filter((row) => !row.dead);
    const oldest = Math.min(...pending.map((row) => row.atMs), this.clock.now());
    return {
      pending: pending.length,
      dead: rows.length - pending.length,
      oldestAgeMs: this.clock.now() - oldest,
    };
  }

  #visible(): StoredEntry[] {
    return [...this.#entries.values()].filter((row) => !row.by.open);
  }

  #check(lease: Lease): void {
    if (!this.leases.holds(lease)) throw new ExactlyOnceError('EO_LEASE_LOST', `shard ${lease.shard}`);
  }
}
