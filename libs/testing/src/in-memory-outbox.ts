/**
 * The outbox of the in-memory storage, as a relay sees it.
 *
 * Shows nothing of a transaction that is still open, and settles nothing without the lease.
 */
import { randomUUID } from 'node:crypto';
import {
  type ClaimBounds,
  type Clock,
  type DeadRows,
  ExactlyOnceError,
  keyHash,
  type Lease,
  type OutboxBatch,
  type OutboxClaim,
  type OutboxDepth,
  type OutboxEntry,
  type OutboxStore,
  rowBytes,
  type ShardStart,
  writtenEntries,
} from '@exactly-once/core';
import { type DecidableEntry, InMemoryArchive, InMemoryDeadRows } from './in-memory-archive.js';
import type { InMemoryLeases } from './in-memory-leases.js';
import type { InMemoryTransaction } from './in-memory-transaction.js';

interface StoredEntry extends DecidableEntry {
  readonly deliverAtMs: number | null;
  /** What wrote it: nobody else sees it before that has committed. */
  readonly by: InMemoryTransaction;
}

export class InMemoryOutbox implements OutboxStore {
  /** Why rows are dead, by position. */
  readonly reasons = new Map<bigint, string>();
  readonly dead: InMemoryDeadRows;
  readonly archive: InMemoryArchive;
  readonly #entries = new Map<bigint, StoredEntry>();
  readonly #name = randomUUID();
  /** What was to be seen in the last snapshots, by their names. */
  readonly #snapshots = new Map<string, ReadonlySet<bigint>>();
  #snapshot = 0;
  #position = 0n;

  constructor(
    readonly clock: Clock,
    readonly leases: InMemoryLeases,
  ) {
    this.archive = new InMemoryArchive(clock);
    this.dead = new InMemoryDeadRows({
      entries: () => this.#visible(),
      remove: (position) => this.#entries.delete(position),
      reasons: this.reasons,
      archive: this.archive,
    });
  }

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

  async name(): Promise<string> {
    return this.#name;
  }

  async claim(lease: Lease, limit: number, bounds: ClaimBounds = {}): Promise<OutboxClaim> {
    this.#check(lease);
    const { maxBytes = Number.POSITIVE_INFINITY, exceptTopics = [], exceptPositions = [] } = bounds;
    const due = this.#dueIn({ shard: lease.shard, from: bounds.from ?? 0n }).filter(
      (row) =>
        !exceptTopics.includes(row.event.topic) &&
        !exceptPositions.includes(row.position) &&
        !this.#heldByDead(row),
    );
    let bytes = 0;
    const claimed = due.slice(0, limit).filter(({ event }, index) => {
      bytes += rowBytes(event);
      return index === 0 || bytes <= maxBytes;
    });
    const seen = this.#snapshots.get(bounds.snapshot ?? '');
    return {
      rows: claimed.map(({ position, event }) => ({ position, event, known: seen?.has(position) === true })),
      snapshot: this.#takeSnapshot(),
      writers: this.#writers(),
      dead: deadRows(this.#inShard(lease.shard).filter(({ dead }) => dead)),
    };
  }

  async due(shards: readonly ShardStart[]): Promise<number[]> {
    return shards.filter((start) => this.#dueIn(start).length > 0).map(({ shard }) => shard);
  }

  async settle(lease: Lease, positions: readonly bigint[], archiveMs = 0): Promise<void> {
    this.#check(lease);
    for (const position of positions) {
      const entry = this.#entries.get(position);
      if (entry === undefined || entry.dead) continue;
      if (archiveMs > 0) this.archive.keep(entry, archiveMs);
      this.#entries.delete(position);
    }
  }

  async prepare(lease: Lease, batch: OutboxBatch, before: OutboxBatch | null, archiveMs = 0): Promise<void> {
    await this.settle(lease, before?.positions ?? [], archiveMs);
    const present = this.leases.inDoubt.get(lease.shard)?.token;
    if (present !== undefined && present !== batch.token && present !== before?.token) {
      throw new ExactlyOnceError('EO_INTERNAL', `two batches of shard ${lease.shard} would be in doubt`);
    }
    this.leases.inDoubt.set(lease.shard, batch);
  }

  async inDoubt(lease: Lease): Promise<OutboxBatch[]> {
    this.#check(lease);
    const batch = this.leases.inDoubt.get(lease.shard);
    return batch === undefined ? [] : [batch];
  }

  async conclude(lease: Lease, { token, positions }: OutboxBatch, archiveMs = 0): Promise<void> {
    await this.settle(lease, positions, archiveMs);
    if (this.leases.inDoubt.get(lease.shard)?.token === token) this.leases.inDoubt.delete(lease.shard);
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

  #dueIn({ shard, from }: ShardStart): StoredEntry[] {
    const nowMs = this.clock.now();
    return this.#inShard(shard).filter(
      ({ dead, deliverAtMs, position }) =>
        !dead && (deliverAtMs === null ? position >= from : deliverAtMs <= nowMs),
    );
  }

  #inShard(shard: number): StoredEntry[] {
    const count = this.leases.shardCount;
    return this.#visible().filter(
      ({ event }) => (keyHash(event.key, event.id) + 2_147_483_648) % count === shard,
    );
  }

  #heldByDead({ event, position }: StoredEntry): boolean {
    return this.#visible().some(
      (row) =>
        row.dead &&
        event.key !== null &&
        row.position < position &&
        row.event.topic === event.topic &&
        row.event.key === event.key,
    );
  }

  #takeSnapshot(): string {
    const name = String(++this.#snapshot);
    this.#snapshots.set(name, new Set(this.#visible().map(({ position }) => position)));
    this.#snapshots.delete(String(this.#snapshot - 20));
    return name;
  }

  #writers(): string[] {
    const open = [...this.#entries.values()].filter(({ by }) => by.open).map(({ by }) => by.name);
    return [...new Set(open)];
  }

  async deleteUnrelayed(olderThanMs: number, limit: number): Promise<number> {
    if (this.leases.anyHeld()) return 0;
    const before = this.clock.now() - olderThanMs;
    const old = this.#visible().filter(({ dead, atMs }) => !dead && atMs < before);
    for (const { position } of old.slice(0, limit)) this.#entries.delete(position);
    return Math.min(old.length, limit);
  }

  #visible(): StoredEntry[] {
    return [...this.#entries.values()].filter((row) => !row.by.open);
  }

  #check(lease: Lease): void {
    if (!this.leases.holds(lease)) throw new ExactlyOnceError('EO_LEASE_LOST', `shard ${lease.shard}`);
  }
}

function deadRows(rows: readonly StoredEntry[]): DeadRows {
  const positions = rows.map(({ position }) => position);
  return { first: positions[0] ?? null, version: positions.join() };
}
