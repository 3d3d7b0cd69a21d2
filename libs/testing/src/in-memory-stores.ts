/**
 * The stores of the in-memory storage. Rows that an open transaction has written are waited for, as in a database.
 *
 * Every write can be undone by its transaction; none survives the process.
 */
import {
  type Admission,
  type Clock,
  type DeadLetter,
  type DeadLetterStore,
  ExactlyOnceError,
  type FenceKey,
  type FenceMove,
  type FenceRow,
  type FenceStore,
  type InboxRecord,
  type InboxStore,
  type Lease,
  type LeaseStore,
  type OutboxDepth,
  type OutboxEntry,
  type OutboxRow,
  type OutboxStore,
  type Transaction,
  writtenEntries,
} from '@exactly-once/core';
import type { InMemoryTransaction } from './in-memory-transaction.js';

interface InboxRow extends InboxRecord {
  readonly atMs: number;
  readonly by: InMemoryTransaction;
}

const slotOf = (key: Uint8Array) => Buffer.from(key).toString('hex');
const own = (transaction: Transaction) => transaction as InMemoryTransaction;

export class InMemoryInbox implements InboxStore {
  readonly #rows = new Map<string, InboxRow>();

  constructor(readonly clock: Clock) {}

  get size(): number {
    return this.#rows.size;
  }

  async admit(transaction: Transaction, records: readonly InboxRecord[]): Promise<Admission[]> {
    const answers = new Map<string, Admission>();
    for (const slot of records.map(({ key }) => slotOf(key)).sort()) {
      const record = records.find(({ key }) => slotOf(key) === slot)!;
      answers.set(slot, await this.#admitOne(own(transaction), slot, record));
    }
    return records.map(({ key }) => answers.get(slotOf(key))!);
  }

  async withdraw(transaction: Transaction, keys: readonly Uint8Array[]): Promise<void> {
    for (const slot of keys.map(slotOf)) {
      const row = this.#rows.get(slot)!;
      own(transaction).change(
        () => this.#rows.delete(slot),
        () => this.#rows.set(slot, row),
      );
    }
  }

  async deleteOlderThan(olderThanMs: number, limit: number): Promise<number> {
    const before = this.clock.now() - olderThanMs;
    const old = [...this.#rows].filter(([, row]) => row.atMs < before && !row.by.open).slice(0, limit);
    for (const [slot] of old) this.#rows.delete(slot);
    return old.length;
  }

  async #admitOne(transaction: InMemoryTransaction, slot: string, record: InboxRecord): Promise<Admission> {
    for (;;) {
      const row = this.#rows.get(slot);
      if (row === undefined) break;
      if (!row.by.open || row.by === transaction)
        return { verdict: 'duplicate', fingerprint: row.fingerprint };
      await row.by.ended;
    }
    transaction.change(
      () => this.#rows.set(slot, { ...record, atMs: this.clock.now(), by: transaction }),
      () => this.#rows.delete(slot),
    );
    return { verdict: 'fresh' };
  }
}

export class InMemoryFences implements FenceStore {
  readonly #rows = new Map<string, FenceRow>();
  readonly #locks = new Map<string, InMemoryTransaction>();

  async read(key: FenceKey): Promise<FenceRow | null> {
    return this.#rows.get(nameOf(key)) ?? null;
  }

  async claim(key: FenceKey, owner: string, startOffset: bigint): Promise<FenceRow> {
    await this.#unlocked(nameOf(key), null);
    const before = this.#rows.get(nameOf(key));
    const fresh = { nextOffset: startOffset, owner, clean: true, lastFingerprint: null, logGeneration: 1 };
    const row = before === undefined ? fresh : { ...before, owner };
    this.#rows.set(nameOf(key), { ...row, clean: false });
    return row;
  }

  async reposition(key: FenceKey, owner: string, nextOffset: bigint, newLog: boolean): Promise<boolean> {
    await this.#unlocked(nameOf(key), null);
    const row = this.#rows.get(nameOf(key));
    if (row?.owner !== owner) return false;
    const logGeneration = row.logGeneration + (newLog ? 1 : 0);
    this.#rows.set(nameOf(key), { ...row, nextOffset, lastFingerprint: null, logGeneration });
    return true;
  }

  async advance(transaction: Transaction, move: FenceMove): Promise<boolean> {
    const { next, lastFingerprint } = move;
    const name = nameOf(move.key);
    await this.#unlocked(name, own(transaction));
    const row = this.#rows.get(name);
    if (row?.owner !== move.owner || row.nextOffset !== move.expected) return false;
    this.#locks.set(name, own(transaction));
    own(transaction).change(
      () => this.#rows.set(name, { ...row, nextOffset: next, lastFingerprint }),
      () => this.#rows.set(name, row),
    );
    return true;
  }

  async release(key: FenceKey, owner: string): Promise<void> {
    const row = this.#rows.get(nameOf(key));
    if (row?.owner === owner) this.#rows.set(nameOf(key), { ...row, clean: true });
  }

  /** What every group has passed; `null` where none has a position. */
  passed(topic: string, partition: number): bigint | null {
    const ofPartition = JSON.stringify([topic, partition]).slice(1);
    const rows = [...this.#rows].filter(([name]) => name.endsWith(`,${ofPartition}`));
    if (rows.length === 0) return null;
    return rows.map(([, row]) => row.nextOffset).reduce((least, next) => (next < least ? next : least));
  }

  async #unlocked(name: string, mine: InMemoryTransaction | null): Promise<void> {
    for (let lock = this.#locks.get(name); lock?.open && lock !== mine; lock = this.#locks.get(name))
      await lock.ended;
  }
}

function nameOf({ group, topic, partition }: FenceKey): string {
  return JSON.stringify([group, topic, partition]);
}

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

  holds(lease: Lease): boolean {
    const held = this.#leases.get(lease.shard);
    return held?.owner === lease.owner && held.epoch === lease.epoch && held.untilMs > this.clock.now();
  }
}

interface StoredEntry extends OutboxRow {
  readonly deliverAtMs: number | null;
  readonly atMs: number;
  dead: boolean;
}

export class InMemoryOutbox implements OutboxStore {
  readonly #entries = new Map<bigint, StoredEntry>();
  #position = 0n;

  constructor(
    readonly clock: Clock,
    readonly leases: InMemoryLeases,
  ) {}

  /** Writes entries; returns what takes them back. */
  readonly append = (entries: readonly OutboxEntry[]): (() => void) => {
    const positions = writtenEntries(entries).map(({ event, deliverAtMs }) => {
      const position = ++this.#position;
      this.#entries.set(position, { position, event, deliverAtMs, atMs: this.clock.now(), dead: false });
      return position;
    });
    return () => {
      for (const position of positions) this.#entries.delete(position);
    };
  };

  async claim(lease: Lease, limit: number): Promise<OutboxRow[]> {
    this.#check(lease);
    const due = [...this.#entries.values()].filter(
      (row) => !row.dead && (row.deliverAtMs ?? 0) <= this.clock.now(),
    );
    return due.slice(0, limit).map(({ position, event }) => ({ position, event }));
  }

  async settle(lease: Lease, positions: readonly bigint[]): Promise<void> {
    this.#check(lease);
    for (const position of positions) this.#entries.delete(position);
  }

  async refuse(lease: Lease, position: bigint): Promise<void> {
    this.#check(lease);
    this.#entries.get(position)!.dead = true;
  }

  async depth(): Promise<OutboxDepth> {
    const rows = [...this.#entries.values()];
    const pending = rows.filter((row) => !row.dead);
    const oldest = Math.min(...pending.map((row) => row.atMs), this.clock.now());
    return {
      pending: pending.length,
      dead: rows.length - pending.length,
      oldestAgeMs: this.clock.now() - oldest,
    };
  }

  #check(lease: Lease): void {
    if (!this.leases.holds(lease)) throw new ExactlyOnceError('EO_LEASE_LOST', `shard ${lease.shard}`);
  }
}

export class InMemoryDeadLetters implements DeadLetterStore {
  readonly letters: DeadLetter[] = [];

  async insert(transaction: Transaction, letter: DeadLetter): Promise<void> {
    own(transaction).change(
      () => this.letters.push(letter),
      () => this.letters.splice(this.letters.indexOf(letter), 1),
    );
  }

  async count(): Promise<number> {
    return this.letters.length;
  }
}
